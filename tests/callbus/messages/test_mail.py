"""What of an e-mail counts as its writer's."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbus.messages.mail import HEADERS, MARKERS, WROTE, own_words

QUOTE = "> I am furious\n> and I will sue you\n"
MAILS = {
    "nothing quoted": ("Hello,\n\nwhere is it?", "Hello,\n\nwhere is it?"),
    "below its answer": (
        f"Thank you.\n\nOn Mon, 3 May 2027 at 10:12, Ann <a@b.example> wrote:\n\n{QUOTE}",
        "Thank you.",
    ),
    "above its answer": (f"On Monday Ann wrote:\n{QUOTE}\nThank you.", "Thank you."),
    "between its answers": (f"{QUOTE}No.\n>> why\nBecause.\n", "No.\n\nBecause."),
    "announced in two lines": (
        f"Yes.\nOn Mon, 3 May 2027 at 10:12, Ann Somebody\n<a@b.example> wrote:\n{QUOTE}",
        "Yes.",
    ),
    "announced, without marks": ("Yes.\n\nOn 3 May 2027 at 10:12 Ann wrote:\nI am furious", "Yes."),
    "by Outlook": ("Yes.\n-----Original Message-----\nFrom: Ann\nI am furious", "Yes."),
    "with its headers": ("Yes.\n\nFrom: Ann <a@b.example>\nSent: Monday\nTo: you\nSubject: x\n\nI am furious", "Yes."),
    "forwarded": ("See below.\n---------- Forwarded message ---------\nFrom: Ann\nI am furious", "See below."),
    "in German": ("Ja.\n\nAm 3. Mai 2027 um 10:12 schrieb Ann <a@b.example>:\nIch bin empört", "Ja."),
    "a signature": ("Bye\n-- \nAnn, terrible company", "Bye"),
    "only a quote": (f"On Monday Ann wrote:\n{QUOTE}", ""),
    "nothing at all": ("", ""),
}
OWN = (
    "On 3 May your agent wrote:\nWe will refund you.\nThat never happened!",
    "From: here to there it took a week\nand nobody called",
    "I wrote:\nnothing",
    "-- it was terrible --",
    "The original message was lost.",
)
"""Looks a little like a quote and is none."""

pieces = st.sampled_from(
    [
        "> x",
        ">",
        "",
        " ",
        "-- ",
        "--",
        "On 3 May 10:12 a wrote:",
        "On x",
        "a@b.example wrote:",
        "From: x",
        "Sent: y",
        "words",
    ]
    + ["-----Original Message-----", "Am 3. 10:12 schrieb x:", "De: x", "Fecha: y"]
)


@pytest.mark.parametrize(("mail", "own"), MAILS.values(), ids=MAILS)
def test_quoted_mail_is_cut(mail: str, own: str) -> None:
    """Other people's words and the signature go, the writer's own stay, in their order."""
    assert own_words(mail) == own
    assert own_words(mail.replace("\n", "\r\n")) == own


@pytest.mark.parametrize("text", OWN)
def test_what_only_looks_quoted_stays(text: str) -> None:
    """A customer may tell who wrote what, and when."""
    assert own_words(text) == text


@pytest.mark.parametrize("marker", MARKERS)
def test_every_marker_cuts(marker: str) -> None:
    """In either case, with dashes or without."""
    assert own_words(f"Yes.\n----- {marker.upper()} -----\nno") == own_words(f"Yes.\n{marker}\nno") == "Yes."


@pytest.mark.parametrize(("first", "verbs"), WROTE.items())
def test_every_announcement_cuts(first: str, verbs: tuple[str, ...]) -> None:
    """In each language that is known."""
    for verb in verbs:
        assert own_words(f"Yes.\n{first.title()} 3.5.2027 10:12 {verb} Ann:\nno") == "Yes."


@pytest.mark.parametrize(("first", "others"), HEADERS.items())
def test_every_block_of_headers_cuts(first: str, others: tuple[str, ...]) -> None:
    """In each language that is known."""
    for other in others:
        assert own_words(f"Yes.\n{first.title()} Ann\n{other.title()} Monday\nno") == "Yes."


@given(st.lists(pieces, max_size=12).map("\n".join) | st.text(max_size=200))
def test_what_is_own_stays_own(text: str) -> None:
    """Cut twice, as where two processes cut, it is as cut once; nothing is added, and no quote is left."""
    own = own_words(text)
    assert own_words(own) == own
    assert not [line for line in own.splitlines() if line.lstrip().startswith(">")]
    assert {line.strip() for line in own.splitlines()} <= {line.strip() for line in text.splitlines()} | {""}


@pytest.mark.parametrize(
    "line",
    [
        "> x\n",
        "\n",
        "On x\n",
        "On 1:11 wrote:\n",
        "From: x\n",
        " \n",
        ">",
        "x",
        "-",
        "On ",
        "a wrote: ",
        "\u2028",
        "--\n",
        "\x00",
    ],
)
def test_a_megabyte_takes_a_moment(line: str) -> None:
    """Whatever it is made of: the time is linear."""
    text = line * (1_000_000 // len(line))
    began = time.process_time()
    own_words(text)
    own_words("x\n" + text + "\n> y")
    assert time.process_time() - began < 2, "seconds on a busy machine; a quiet one takes a tenth"
