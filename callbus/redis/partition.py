"""Which stream a call's fork events travel in."""

import zlib


def partition_of(call_id: str, partitions: int) -> int:
    """The partition that a call's events travel in, 0 to `partitions` - 1."""
    return zlib.crc32(call_id.encode(errors="replace")) % partitions
