"""The messages between processes, and their wire form.

Bridge to analysis: `leg`, `call`, `contact`, `utterance`, `conditions`. Written channels to analysis: `call`,
`written`; `mail` finds what of an e-mail is its writer's own. Analysis to all readers: `transcript`, `alert`, `call`,
`practice`, `debrief`. `wire` encodes and decodes them; `tolerance` reads what a newer version writes.
"""
