"""A forked phone call becomes utterances.

Read in the way of the data: `endpoint` runs the SIP library (`library`, `transports`), `account` takes a fork,
`dialog` answers it and holds its streams, whose sound `capture` takes out: these six are all that knows pjsua2.
`multipart`, `metadata` and `roles` read whose voice each stream carries (`invite` puts them together), in the words
that `vendors` has; `feed` is what a dialog feeds of which call, by `lines`, `joining`, `recordings` and `open_calls`.
`leg` takes the frames, `vad` and `segmenter` cut them into stretches of speech, `call` makes messages of them,
`listener` does so for all calls on one thread, `publisher` hands them to Redis. Before it stands the
door, `admission`: `peers` says who may ask, `digest` what is proven, `rates` how fast, `places` what the bridge has
left, `fork` what the INVITE says; `noise` counts who stays outside, `exposure` tells what is open. Beside the way:
`rtp_source` says whose packets count, `certificates` looks at the files of TLS, `sound` and `stream_health` at what
arrives.
"""
