"""Threats as a table: what callers mean to do about it, and the same words meaning something else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.shift.threats import EACH, MOST, threats
from analysis.turns.wording import plain


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("I'm taking my business elsewhere.", "threatens to leave"),
        ("You've lost a customer.", "threatens to leave"),
        ("I will never book with you again.", "threatens to leave"),
        ("Fine, then I'm leaving.", "threatens to leave"),
        ("I am closing my account today.", "threatens to leave"),
        ("Okay, I'll cancel it then.", "threatens to leave"),
        ("I'm done with you people.", "threatens to leave"),
        ("You'll be recognition from my solicitor.", "threatens legal action"),
        ("I'll see you in court.", "threatens legal action"),
        ("I am going to sue you.", "threatens legal action"),
        ("Refund it today or I'm calling my lawyer.", "threatens legal action"),
        ("Friday, or it's small claims.", "threatens legal action"),
        ("I'll do a chargeback, then.", "threatens legal action"),
        ("Get me your manager, now.", "demands a supervisor"),
        ("I want to speak to a supervisor.", "demands a supervisor"),
        ("Put me through to somebody senior.", "demands a supervisor"),
        ("Let me talk to your boss.", "demands a supervisor"),
        ("If this isn't sorted by Friday, I'm going to the ombudsman.", "turns to a regulator"),
        ("I'm reporting you to Trading Standards.", "turns to a regulator"),
        ("I'm making a formal complaint.", "turns to a regulator"),
        ("Unless you fix it I'll write to my MP.", "turns to a regulator"),
        ("I'm going straight to the papers with this.", "goes public"),
        ("I'll put this all over social media.", "goes public"),
        ("I'll tell everyone I know how you treat people.", "goes public"),
    ],
)
def test_threats_are_named(words: str, name: str) -> None:
    """The caller says what they are going to do, with a condition or without."""
    assert [term.name for term in threats(plain(words))] == [name]


@pytest.mark.parametrize(
    "words",
    [
        # calm
        "I'd like to cancel because we move.",
        "I'd like to cancel, please. We're moving abroad.",
        "Could you cancel the order for Friday?",
        "Please cancel everything for the tenth.",
        "We're closing the account because he died.",
        "I'm leaving on Friday for two weeks.",
        "I'm switching from gas to electric.",
        "Then I'm off to work, thank you.",
        "I'm going to court on Tuesday, can I change the delivery?",
        "I'll be in court all day, I'm a clerk there.",
        "I'm calling about my court summons payment.",
        "I'm calling because the newspaper did not come.",
        "I'm going to see my solicitor on Monday to sign the house papers, so I need the letter.",
        "I want to thank your supervisor.",
        "I need the name of the manager for the form.",
        "I'd like to leave a message for the manager.",
        "I'll wait for the supervisor to call, no rush.",
        "I'll leave a good review.",
        "I'll tell everybody how nice you were.",
        "I saw your offer on Facebook.",
        # asked, thought of, past
        "Do I need a lawyer for that?",
        "Should I go to the ombudsman about the neighbour?",
        "Is there a complaint procedure?",
        "If I wanted to cancel, is there a charge?",
        "Imagine if I'd called a lawyer!",
        "I was going to leave you, and now I'm staying.",
        "I was going to sue you once.",
        # denied
        "I'm not going to sue anybody.",
        "I won't be going to the papers.",
        "I don't want to speak to a manager, you're fine.",
        "There's no need for a supervisor.",
        "I'd never sue.",
        "I'm not saying I'll leave.",
        "I don't think I'll sue.",
        # somebody else's, or at somebody else
        "My lawyer said the form is fine.",
        "He threatened to leave.",
        "My husband said he'll sue the landlord.",
        "She said I'm going to the newspaper, and I laughed.",
        "He goes, I'll see you in court. To a lollipop lady!",
        "I'm going to sue my landlord.",
        "My boss is going to sue the builder.",
        "They told me I'll hear from the ombudsman in six weeks.",
        "My manager approved it.",
        "",
    ],
)
def test_no_threat(words: str) -> None:
    """Calm, asked, thought of, denied, quoted or at somebody else, it is none."""
    assert threats(plain(words)) == ()


@given(st.lists(st.sampled_from(["i'll", "sue", "the ombudsman", "get me", "your manager", "then i'm leaving", "not"])))
def test_threats_are_capped(words: list[str]) -> None:
    """Each kind counts once and alike; together they add no more than the cap."""
    found = threats(" ".join(words))
    assert len({term.name for term in found}) == len(found)
    assert all(EACH <= term.value < 0 for term in found)
    assert sum(term.value for term in found) >= MOST - 1e-9


@pytest.mark.parametrize("words", ["i'll " * 2_000, "i'm going to " * 1_000, "or it's " * 1_000, "a" * 10_000])
def test_hostile_words_take_no_time(words: str) -> None:
    """However often a beginning is repeated, the patterns come to an end."""
    assert threats(plain(words)) == ()
