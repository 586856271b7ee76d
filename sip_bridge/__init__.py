"""Turns forked phone calls into utterances.

The packages, in the order of the data: `pjsip` owns the SIP library, `admission` decides which forks to accept,
`request` reads them, `calls` decides which call a fork feeds, `hearing` turns its audio into utterances. `bridge` runs
the process.
"""
