"""Maps a call to the stream of its fork events."""

import zlib


def partition_of(call_id: str, partitions: int) -> int:
    """The partition of a call's events, 0 to `partitions` - 1."""
    return zlib.crc32(call_id.encode(errors="replace")) % partitions
