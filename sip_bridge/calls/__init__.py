"""Which source feeds which call: joining, standby and transferred recordings, who is heard.

A `Source` is one fork, of whatever kind; nothing here knows SIP.
"""
