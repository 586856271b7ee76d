"""SIP messages."""

import contextlib
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from testcall import sip
from testcall.sip import Address, Request, Response, SipError

tokens = st.text(string.ascii_letters + string.digits + "-.!%*_+`'~", min_size=1, max_size=20)
lines = st.text(st.characters(exclude_characters="\r\n\0", exclude_categories=["Cs"]), max_size=60).map(
    lambda text: text.strip(" \t")
)
names = tokens.filter(lambda name: name.lower() not in {"l", "content-length"})
headers = st.lists(st.tuples(names, lines), max_size=8).map(tuple)
bodies = st.binary(max_size=300)
requests = st.builds(Request, tokens, st.from_regex(r"\Asip:[a-z0-9.@:;=]{1,30}\Z"), headers, bodies)
responses = st.builds(Response, st.integers(100, 699), lines, headers, bodies)


@given(requests | responses)
def test_written_message_is_parsed(message: Request | Response) -> None:
    """Every message that can be written is parsed to the same message."""
    assert sip.parse(sip.serialise(message)) == message


@given(st.binary(max_size=200) | (requests | responses).map(lambda each: sip.serialise(each)[:-1] + b"\r\n"))
def test_noise_is_an_error_or_a_message(data: bytes) -> None:
    """Bytes of any kind are parsed or are a SipError, nothing else."""
    with contextlib.suppress(SipError):
        sip.parse(data)


def test_headers_have_short_names_and_continue_on_the_next_line() -> None:
    """Compact names, any case and folded lines mean the same as the long form."""
    message = sip.parse(
        b"SIP/2.0 200 OK\r\nv: SIP/2.0/UDP a;branch=z9hG4bK1\r\nvia: b\r\ni:x\r\nSubject: one\r\n two\r\n\r\n"
    )
    assert message.every("Via") == ["SIP/2.0/UDP a;branch=z9hG4bK1", "b"]
    assert message.first("Call-ID") == "x"
    assert message.first("subject") == "one two"
    assert message.first("Contact") == ""
    assert sip.branch_of(message) == "z9hG4bK1"


def test_body_ends_where_content_length_says() -> None:
    """What follows the body in a datagram is not part of it; a body cut short is an error."""
    head = b"SIP/2.0 200 OK\r\nContent-Length: 4\r\n\r\n"
    assert sip.parse(head + b"bodyrest").body == b"body"
    with pytest.raises(SipError, match="cut short"):
        sip.parse(head + b"bo")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"SIP/2.0 200 OK\r\n", "no empty line"),
        (b"HTTP/1.1 200 OK\r\n\r\n", "no SIP start line"),
        (b"INVITE sip:x SIP/3.0\r\n\r\n", "no SIP start line"),
        (b"SIP/2.0 200 OK\r\nno header\r\n\r\n", "no header"),
        (b"SIP/2.0 200 \xff\r\n\r\n", "not UTF-8"),
        (b"SIP/2.0 200 OK\r\nl: -1\r\n\r\n", "Content-Length is '-1'"),
        (b"SIP/2.0 200 OK\r\nl: 99999999\r\n\r\n", "Content-Length is"),
        (b"x" * 70_000, "more than 65535"),
    ],
)
def test_fault_is_named(data: bytes, reason: str) -> None:
    """Bytes that are no SIP message end in an error that says why."""
    with pytest.raises(SipError, match=reason):
        sip.parse(data)


@pytest.mark.parametrize(
    ("name", "value"), [("Subject", "hello\r\nVia: forged"), ("Sub ject", "x"), ("", "x"), ("Subject", "a\0b")]
)
def test_header_cannot_break_out_of_its_line(name: str, value: str) -> None:
    """A value with a line break, or a name that is no token, is never written."""
    with pytest.raises(SipError):
        sip.serialise(Request("OPTIONS", "sip:x", ((name, value),)))


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("sip:anna@example.com;tag=1", Address("sip:anna@example.com", "", {"tag": "1"})),
        ("<sip:a@b;lr>;Tag=x", Address("sip:a@b;lr", "", {"tag": "x"})),
        ('"Anna <1>" <sip:a@b>', Address("sip:a@b", "Anna <1>", {})),
        (r'"a \"b\"" <sip:a@b> ; +sip.src', Address("sip:a@b", 'a "b"', {"+sip.src": ""})),
        ("Anna B <sip:a@b>", Address("sip:a@b", "Anna B", {})),
    ],
)
def test_address_is_taken_apart(text: str, address: Address) -> None:
    """Display name, URI and the header's own parameters are told apart."""
    assert sip.parse_address(text) == address


def test_list_is_split_outside_quotes_and_brackets() -> None:
    """A comma inside a quoted name or a URI does not part two values."""
    values = ['<sip:a;x=1,2>;lr, "b, c" <sip:b>', "<sip:d>"]
    assert sip.split_list(values) == ["<sip:a;x=1,2>;lr", '"b, c" <sip:b>', "<sip:d>"]
