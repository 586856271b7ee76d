"""Many calls at once, each in order, all within the worker's bounds."""
