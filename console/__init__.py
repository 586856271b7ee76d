"""What analysis published becomes a page that supervisors watch.

`live` follows Redis and keeps the board, `access` says who may look, `site` has the paths, `server` is the process.
`page/` is served as it is.
"""
