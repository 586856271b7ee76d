"""Transport of the messages: the only package that knows Redis.

`bus` is the connection, `trouble` classifies its errors, `scripts` holds the Lua scripts. Bridges write with
`fork_writer`; workers read with `fork_reader` under `leases` and write with `commits`; consoles follow with
`subscription`. `presence` tracks live bridges; `housekeeping` closes the calls of dead ones and enforces retention.
`contacts` counts how often callers have called.
"""
