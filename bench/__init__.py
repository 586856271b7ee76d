"""Benchmarks: each prints a table, and with OUT=file.json also writes it as rows."""
