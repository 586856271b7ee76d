"""Sound becomes utterances: a leg's ring, the segmenter, the listener's thread, the audio's health, the publisher."""
