"""Trains the shipped turn scorer: corpora, network, folds, export. Needs PyTorch, which Callvane itself does not."""
