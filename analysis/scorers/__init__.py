"""What may judge a turn: the shipped scorer, a classifier, a language model; and the choice between them."""
