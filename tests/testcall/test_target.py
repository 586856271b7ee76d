"""Where calls go."""

import pytest

from testcall.target import Target, TargetError, parse_target


@pytest.mark.parametrize(
    ("uri", "host", "port", "transport"),
    [
        ("sip:127.0.0.1", "127.0.0.1", 5060, ""),
        ("sip:callvane@srs.example.com:5080;transport=TCP;lr", "srs.example.com", 5080, "tcp"),
        ("SIP:a%20b@127.0.0.1:5070", "127.0.0.1", 5070, ""),
    ],
)
def test_uri_is_taken_apart(uri: str, host: str, port: int, transport: str) -> None:
    """Host, port and transport are read from the URI, which stays as it was given."""
    assert parse_target(uri) == Target(uri, host, port, transport)


@pytest.mark.parametrize(
    "uri", ["", "127.0.0.1:5060", "sips:127.0.0.1", "sip:a b@host", "sip:host:0", "sip:host:70000", "sip:x\r\nVia: y"]
)
def test_other_text_is_refused(uri: str) -> None:
    """What is no SIP URI, or would break a message, is an error that shows how one looks."""
    with pytest.raises(TargetError, match="sip:callvane@127"):
        parse_target(uri)
