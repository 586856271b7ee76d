"""The messages between processes, and their wire form.

Bridge to analysis: `leg`, `call`, `contact`, `utterance`, `conditions`. Analysis to all readers: `transcript`,
`alert`, `call`. `wire` encodes and decodes them; `tolerance` reads what a newer version writes.
"""
