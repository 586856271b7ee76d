"""A forked phone call becomes utterances.

Read in the way of the data: `endpoint` (SIP and RTP, the only file that knows pjsua2) answers a fork; `multipart`,
`metadata` and `roles` read whose voice each stream carries (`invite` puts them together); `leg` takes the frames,
`vad` and `segmenter` cut them into stretches of speech, `call` makes messages of them, `listener` does so for all
calls on one thread, `publisher` hands them to Redis.
"""
