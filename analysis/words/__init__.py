"""Turns audio into words: features, batches, Whisper, and the guards against words that nobody said."""
