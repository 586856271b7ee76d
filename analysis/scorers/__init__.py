"""Scorers of turns: the shipped one, a classifier, a language model; and the choice between them."""
