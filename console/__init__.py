"""The web page on which supervisors watch calls and alerts.

`live` follows Redis and keeps the board, `access` controls who may look, `site` has the paths, `server` is the process.
`page/` is served unchanged.
"""
