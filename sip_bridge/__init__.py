"""A forked phone call becomes utterances.

The rooms in the order of the data: `pjsip` owns the library, `admission` says which fork is let in, `request` reads
what it says, `calls` which call it feeds, `hearing` turns its sound into utterances. `bridge` is the process.
"""
