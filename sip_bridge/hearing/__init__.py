"""Turns audio into utterances: the legs' rings, the segmenter, the listener thread, audio health, the publisher."""
