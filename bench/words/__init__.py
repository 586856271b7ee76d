"""`make eval-words`: what Callvane reads in real voices and in noise, beside stock faster-whisper in the same run."""
