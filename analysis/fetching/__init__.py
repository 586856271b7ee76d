"""`python -m analysis fetch`: brings a Whisper onto this machine, every byte of it checked; and where it is kept."""
