"""How the agent met the call: intake, answers to distress, findings with proof, the debrief. Pure.

It reads words and times, never how a voice sounds, and compares nobody with anybody.
"""
