"""What crosses between processes, and its wire form.

Bridge to analysis: `leg`, `call`, `utterance`, `conditions`. Analysis to everybody: `transcript`, `alert`, `call`.
`wire` turns them into bytes and back; `tolerance` reads what a newer version writes.
"""
