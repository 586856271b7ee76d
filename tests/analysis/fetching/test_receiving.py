"""A file as it arrives, in whatever pieces."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from analysis.fetching.catalogue import ModelFile
from analysis.fetching.errors import SourceError
from analysis.fetching.receiving import Receiver, file_fault
from tests.analysis.fetching.stand_ins import sha256


@given(st.binary(max_size=200), st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=4))
def test_only_its_own_bytes_are_a_file(wanted: bytes, sent: bytes, cuts: list[int]) -> None:
    """However they are cut, exactly the wanted bytes are taken, and a folder with others is found out."""
    file = ModelFile("model.bin", len(wanted), sha256(wanted))
    with TemporaryDirectory() as name:
        folder = Path(name)
        receiver = Receiver(folder, file)
        edges = [0, *sorted(min(cut, len(sent)) for cut in cuts), len(sent)]
        try:
            for begin, end in pairwise(edges):
                receiver.write(sent[begin:end])
            receiver.finish()
            taken = True
        except SourceError:
            taken = False
        receiver.close()
        assert taken == (sent == wanted)
        (folder / "model.bin").write_bytes(sent)
        assert (file_fault(folder, file) == "") == (sent == wanted)
        assert (folder / "model.bin").stat().st_size <= max(len(wanted), len(sent))
