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
        ("redis://[h/0", "is not a URL"),
        ("unix://", "names no socket"),
        ("unix:///", "names no socket"),
        ("unix://run/redis.sock", "names no socket"),
        ("unix:///run/redis.sock?db=abc", "db='abc' is not valid; give a database number"),
        ("redis://h?db=abc", "db='abc' is not valid"),
        ("redis://h?db=1&db=2", "an option twice"),
        ("redis://h?db=-1", "db='-1' is not valid"),
        ("redis://h?db=", "db='' is not valid"),
        ("redis://h/0?ssl_ca_certs=/x", "ssl_ca_certs needs TLS; write rediss://"),
        ("redis://h?ssl_check_hostname=x", "ssl_check_hostname needs TLS"),
        ("unix:///run/redis.sock?ssl_cert_reqs=none", "ssl_cert_reqs needs TLS"),
        ("rediss://h?ssl_check_hostname=x", "ssl_check_hostname='x' is not valid; give true or false"),
        ("rediss://h?ssl_cert_reqs=bogus", "ssl_cert_reqs='bogus' is not valid; give none, optional or required"),
        ("rediss://h?ssl_ca_certs=/nonexistent", "ssl_ca_certs: No such file"),
        ("rediss://h?ssl_ca_certs=/", "ssl_ca_certs: Is a directory"),
        ("rediss://h?ssl_ca_certs=%00", "ssl_ca_certs: embedded null"),
        (f"rediss://h?ssl_ca_certs={__file__}", "ssl_ca_certs: holds no certificate"),
        (f"rediss://h?ssl_certfile={__file__}", "ssl_certfile, ssl_keyfile: hold no certificate with its key"),
        (f"rediss://h?ssl_keyfile={__file__}", "ssl_keyfile needs ssl_certfile"),
    ],
)
def test_a_url_that_leads_nowhere_is_refused(url: str, cause: str) -> None:
    """At the start, with its cause: the client would find out when it connects, or not at all."""
    with pytest.raises(ValidationError, match=cause):
        RedisSettings(url=url)


@pytest.mark.parametrize(
    "url",
    ["redis://u:hun#ter2@h", "redis://u:12/hunter2@h", "redis://u:12?hunter2@h", "redis://u:hunter2@h:port"],
)
def test_a_password_with_bare_special_characters_is_not_repeated(url: str) -> None:
    """The message says how to write them, and shows no part of the password."""
    with pytest.raises(ValidationError) as raised:
        RedisSettings(url=url)
    (told,) = raised.value.errors()
    assert "%XX" in told["msg"]
    assert "ter2" not in told["msg"]


@pytest.mark.parametrize(
    "url",
    [
        "redis://h",
        "redis://h/",
        "redis://user:pass%40word@h:6380/3",
        "rediss://:secret@[::1]:6379/0?ssl_cert_reqs=required&ssl_check_hostname=true",
        "unix:///run/redis.sock",
        "unix://:secret@/run/redis.sock?db=2",
    ],
)
def test_a_whole_url_is_taken_as_it_is(url: str) -> None:
    """With user, password, database and certificates."""
    assert RedisSettings(url=url).url == url
