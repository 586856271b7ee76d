"""The [redis] section."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from callbus.redis.settings import RedisSettings


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("redis://h:99999", "out of range"),
        ("redis://h:port/0", "use a port"),
        ("redis://h:0", "port 0"),
        ("redis://:6379", "no host"),
        ("redis://", "no host"),
        ("redis://h/abc", "is not a database number"),
        ("redis://h/0/1", "is not a database number"),
        ("redis://h/0?foo=bar", "'foo' is not a supported option"),
        ("redis://h?max_connections=0", "'max_connections' is not a supported option"),
        ("unix:///run/redis.sock?decode_responses=true", "'decode_responses' is not a supported option"),
        ("http://h", "match pattern"),
    ],
)
def test_a_url_that_leads_nowhere_is_refused(url: str, cause: str) -> None:
    """At the start, with its cause: the client would find out when it connects, or not at all."""
    with pytest.raises(ValidationError, match=cause):
        RedisSettings(url=url)


@pytest.mark.parametrize(
    "url",
    [
        "redis://h",
        "redis://h/",
        "redis://user:pass%40word@h:6380/3",
        "rediss://:secret@[::1]:6379/0?ssl_ca_certs=/etc/ca.pem",
        "unix:///run/redis.sock",
        "unix://:secret@/run/redis.sock?db=2",
    ],
)
def test_a_whole_url_is_taken_as_it_is(url: str) -> None:
    """With user, password, database and certificates."""
    assert RedisSettings(url=url).url == url
