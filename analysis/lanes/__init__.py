"""Many calls at once: each in its order, all within the worker's bounds."""
