"""What analysis published becomes a page that supervisors watch.

Read in the order of the data: `follower` (Redis to the board), `board` (what is shown now), `browsers` (every open
page's own queue), `stream` (one page's server-sent events), `gate` (who may look), `site` (the paths), `server` (the
process). `page/` is served as it is.
"""
