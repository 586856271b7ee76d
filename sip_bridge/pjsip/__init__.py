"""SIP and RTP: everything that runs on the library's thread, and everything that uses pjsua2 except the ring."""
