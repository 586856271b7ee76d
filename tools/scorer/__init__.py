"""Trains the turn scorer that ships: corpora, network, folds, export. Needs PyTorch; Callvane itself does not."""
