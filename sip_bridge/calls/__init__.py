"""Decides which source feeds which call: joining, standby and transferred recordings, which source is heard.

A `Source` is one fork of any kind; nothing here knows SIP.
"""
