"""`make eval`: how well scorers and the detector find turns, shifts and recoveries in labelled dialogues."""
