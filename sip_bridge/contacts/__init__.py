"""Who calls, as far as a bridge may say: a keyed hash of the number, and what a CRM answers about it.

The number itself goes nowhere but into the CRM's request: into no message, no log, no label.
"""
