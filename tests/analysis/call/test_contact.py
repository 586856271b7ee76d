"""What is known of a caller's earlier contacts, and how serious that makes an alert."""

from __future__ import annotations

import pytest

from analysis.call.contact import introduced, listened, repeat_contact, unsaid
from callbus import Contact, CrmRecord

THIRD = Contact(3, 2, 7.0, 1_000.0)
CRM = CrmRecord(12, "Dr Weber", "short answers")
SAYS = "This is the fourth time I'm calling."


def test_count_and_crm_come_in_any_order() -> None:
    """Each adds to what is known; an opening without either changes nothing."""
    assert introduced(None, None, None) is None
    assert introduced(None, THIRD, None) == THIRD
    both = Contact(3, 2, 7.0, 1_000.0, crm=CRM)
    assert introduced(THIRD, None, CRM) == introduced(Contact(crm=CRM), THIRD, None) == both
    assert introduced(both, None, None) == both


def test_a_crm_counts_for_itself() -> None:
    """Its number is of other contacts than ours, from whenever: it makes no call the third one in some days."""
    assert introduced(None, None, CRM) == Contact(crm=CRM)
    assert repeat_contact(Contact(1, 0, 7.0, crm=CRM)) == 0


def test_the_callers_words_are_kept() -> None:
    """The strongest of them, whatever is counted; a turn without any changes nothing."""
    said = listened(THIRD, SAYS)
    assert said == Contact(4, 2, 7.0, 1_000.0, SAYS)
    assert listened(said, "I called yesterday.") == said
    assert listened(said, "Hello?") == said
    assert listened(None, "Hello?") is None
    assert listened(None, "I called yesterday.") == Contact(2, said="I called yesterday.")
    assert listened(THIRD, "I called yesterday.") == Contact(3, 2, 7.0, 1_000.0, "I called yesterday.")


def test_a_count_that_comes_later_takes_nothing_back() -> None:
    """Callers may have called from another number."""
    assert introduced(Contact(4, said=SAYS), THIRD, None) == Contact(4, 2, 7.0, 1_000.0, SAYS)


@pytest.mark.parametrize(
    ("contact", "repeat"),
    [
        (None, 0),
        (Contact(), 0),
        (Contact(1, 0, 7.0), 0),
        (Contact(2, 1, 7.0, 1.0), 0),
        (Contact(3, 2, 7.0, 1.0), 3),
        (Contact(9, 8, 7.0, 1.0), 9),
        (Contact(2, said="I called yesterday."), 2),
        (Contact(2, 0, 7.0, said="I called yesterday."), 2),
    ],
)
def test_a_third_contact_is_serious_and_a_second_if_the_caller_says_so(contact: Contact | None, repeat: int) -> None:
    """A second call in a week may be about anything; somebody who speaks of it means it."""
    assert repeat_contact(contact) == repeat


def test_words_of_another_language_are_taken_back() -> None:
    """They were invented; what was counted stays."""
    assert unsaid(None) is None
    assert unsaid(THIRD) == THIRD
    assert unsaid(listened(THIRD, SAYS)) == THIRD
    assert unsaid(listened(None, SAYS)) == Contact()
