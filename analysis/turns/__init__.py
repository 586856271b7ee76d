"""Joins words into turns, and defines what a scorer returns for one."""
