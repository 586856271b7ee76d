"""How messages cross: the only room that knows Redis.

`bus` is the connection, `trouble` tells its errors apart, `scripts` holds what Redis runs in one step. Bridges write
with `fork_writer`; workers read with `fork_reader` under `leases` and write with `commits`; consoles follow with
`subscription`. `presence` says which bridges live; `housekeeping` ends what dead ones left behind and keeps the
retention.
"""
