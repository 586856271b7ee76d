"""`make eval`: how well scorers and the detector find the turns, shifts and recoveries of labelled dialogues."""
