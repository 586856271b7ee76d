"""Lua scripts that Redis runs atomically. They use Redis' own clock, since hosts' clocks differ.

Each script is idempotent: its answer may be lost after the work was done, and then it runs again.
"""
