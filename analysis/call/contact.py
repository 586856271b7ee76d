"""What is known of a caller's earlier contacts: by the count, by a CRM, and by the caller's own words. Pure.

It says how serious an alert is for the customer who has had to call again. It moves no score and no threshold: those
are about how the call goes.
"""

from __future__ import annotations

from dataclasses import replace

from analysis.turns.earlier_contacts import told
from callbus import Contact, CrmRecord

REPEAT = 3
"""From this contact on within the counted days, the count alone makes an alert more serious."""


def introduced(known: Contact | None, counted: Contact | None, crm: CrmRecord | None) -> Contact | None:
    """What is known once an opening says who calls. `counted`: by Redis; None if it was not, or not again."""
    if not (counted or crm):
        return known
    contact = known or Contact()
    if counted:
        number = max(contact.number, counted.number)
        contact = replace(contact, number=number, earlier=counted.earlier, days=counted.days, last_at=counted.last_at)
    return replace(contact, crm=crm) if crm else contact


def listened(known: Contact | None, text: str) -> Contact | None:
    """What is known once a customer's turn has been heard; their strongest words are kept."""
    found = told(text)
    if found is None:
        return known
    contact = known or Contact()
    if contact.said and found.number <= contact.number:
        return contact
    return replace(contact, number=max(contact.number, found.number), said=found.words)


def unsaid(known: Contact | None) -> Contact | None:
    """What is known without the caller's words, which turned out to be read in the wrong language."""
    if known is None or not known.said:
        return known
    return replace(known, number=0 if known.earlier is None else known.earlier + 1, said="")


def repeat_contact(contact: Contact | None) -> int:
    """As in Alert."""
    if contact is None:
        return 0
    return contact.number if contact.said or contact.number >= REPEAT else 0
