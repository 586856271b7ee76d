"""Places synthetic forked calls the way a PBX's recorder does: SIPREC, metadata, RTP at real time.

An implementation of its own (asyncio, no pjsua2), so that what it finds out about the bridge is worth something.
Read in the order of a call: scenario → metadata, sdp → sip, dialog, endpoint → rtp → call → campaign.
"""
