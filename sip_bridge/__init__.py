"""A forked phone call becomes utterances.

Read in the way of the data: `endpoint` (the SIP library, its account) takes a fork, `dialog` answers it and holds its
streams: these two are all that knows pjsua2. `multipart`, `metadata` and `roles` read whose voice each stream carries
(`invite` puts them together), `joining` which call a plain fork belongs to; `leg` takes the frames, `vad` and
`segmenter` cut them into stretches of speech, `call` makes messages of them, `listener` does so for all calls on one
thread, `publisher` hands them to Redis. Beside the way: `peers` says who may fork, `rtp_source` whose packets count,
`certificates` looks at the files of TLS, `sound` and `stream_health` at what arrives.
"""
