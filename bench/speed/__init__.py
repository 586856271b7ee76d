"""`make bench-words`: how many utterances a second Callvane reads, and stock faster-whisper in the same run."""
