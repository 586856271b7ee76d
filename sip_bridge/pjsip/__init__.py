"""SIP and RTP: all that runs on the library's thread, and all that knows pjsua2 but the ring."""
