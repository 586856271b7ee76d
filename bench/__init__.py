"""Benchmarks: each prints a table and, with OUT=file.json, writes the same as rows."""
