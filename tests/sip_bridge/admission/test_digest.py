"""Digest authentication: as tables with a clock of their own, then at a running bridge."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip_bridge.admission import digest
from sip_bridge.admission.digest import (
    NONCE_SECONDS,
    NONCES_REMEMBERED,
    WRONG_AT_ONCE,
    WRONG_PER_SECOND,
    Digest,
    Verdict,
)
from testcall.campaign import line_to
from testcall.digest import Credentials, authorization, challenge_of
from testcall.metadata import CallFacts, load_dialect, new_id
from testcall.recorder import Recorder
from testcall.sip import Response
from testcall.target import parse_target
from tests.conftest import PrivateRedis
from tests.sip_bridge.running import ROOT, RunningBridge, bridge
from tests.sip_bridge.secrecy import authority, signed

PEER = "192.0.2.1"
URI = "sip:srs@192.0.2.9"
SBC = Credentials("sbc1", 'a "secret"')
OLD_PBX = dataclasses.replace(SBC, algorithms=("MD5",))
BOTH = ("SHA-256", "MD5")
KNOWN = f"sbc1:callvane:{SBC.password}"


def md5(text: str) -> str:
    """Its hash in hexadecimal."""
    return hashlib.new("md5", text.encode(), usedforsecurity=False).hexdigest()


def guard(secret: str = SBC.password, algorithms: tuple[str, ...] = BOTH) -> Digest:
    """A bridge's, with one user."""
    return Digest("callvane", {SBC.user: secret}, algorithms)


def challenged(by: Digest, now: float = 0.0, peer: str = PEER, stale: bool = False) -> Response:
    """The 401 of an INVITE without credentials."""
    headers = tuple(("WWW-Authenticate", value) for value in by.challenges(peer, now, stale))
    return Response(401, "Unauthorized", headers)


def proof(response: Response, credentials: Credentials = SBC, count: int = 1) -> str:
    """What a client answers to it."""
    return authorization(challenge_of(response, credentials), "INVITE", URI, credentials, count)[1]


def test_the_stronger_algorithm_is_offered_first() -> None:
    """RFC 8760 section 2.3: a header for each algorithm, the preferred one on top, all with `qop`."""
    first, second = guard().challenges(PEER, 0.0)
    assert first.startswith('Digest realm="callvane", nonce="')
    assert first.endswith('algorithm=SHA-256, qop="auth"')
    assert second.endswith('algorithm=MD5, qop="auth"')
    assert len(guard(algorithms=("SHA-256",)).challenges(PEER, 0.0)) == 1
    assert all(value.endswith(", stale=true") for value in guard().challenges(PEER, 0.0, stale=True))


def test_the_example_of_the_rfc() -> None:
    """RFC 7616 section 3.9.1: Mufasa's responses to a GET, in both algorithms."""
    fields = {
        "uri": "/dir/index.html", "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "nc": "00000001",
        "cnonce": "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "qop": "auth",
    }  # fmt: skip
    known = digest.ha1s("Mufasa", "http-auth@example.org", "Circle of Life")
    sha256 = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
    assert digest.response(fields, "SHA-256", known["SHA-256"], "GET") == sha256
    assert digest.response(fields, "MD5", known["MD5"], "GET") == "8ca523f5e9506fed4657c9700eebdbec"


@pytest.mark.parametrize("credentials", [SBC, OLD_PBX], ids=["SHA-256", "MD5"])
def test_the_right_password_is_accepted_once(credentials: Credentials) -> None:
    """The same header again is a replay; a higher count with the same nonce is the next call."""
    by = guard()
    response = challenged(by)
    first, second = (proof(response, credentials, count) for count in (1, 2))
    verdicts = [by.judge([each], "INVITE", PEER, 1.0) for each in (first, first, second, first)]
    assert verdicts == [Verdict.ACCEPTED, Verdict.STALE, Verdict.ACCEPTED, Verdict.STALE]


def test_a_nonce_is_its_peers_and_of_its_time() -> None:
    """From another address, after its time, of another bridge: right, but stale. Altered: as if it were another's."""
    by = guard()
    given = proof(challenged(by))
    assert by.judge([given], "INVITE", "192.0.2.2", 1.0) is Verdict.STALE
    assert by.judge([given], "INVITE", PEER, NONCE_SECONDS + 1) is Verdict.STALE
    assert guard().judge([given], "INVITE", PEER, 1.0) is Verdict.STALE
    assert by.judge([given], "INVITE", PEER, 1.0) is Verdict.ACCEPTED


@pytest.mark.parametrize(
    ("change", "verdict"),
    [
        pytest.param(("Digest", "Basic"), Verdict.MISSING, id="another scheme"),
        pytest.param(('realm="callvane"', 'realm="other"'), Verdict.MISSING, id="another realm"),
        pytest.param(("SHA-256", "SHA-512-256"), Verdict.MISSING, id="another algorithm"),
        pytest.param(("qop=auth,", "qop=auth, qop=auth,"), Verdict.MISSING, id="a field twice"),
        pytest.param(('username="sbc1"', 'username="sbc2"'), Verdict.WRONG, id="another user"),
        pytest.param(("uri=", 'uri="x", old='), Verdict.WRONG, id="another URI"),
        pytest.param(("qop=auth,", "qop=auth-int,"), Verdict.WRONG, id="another qop"),
        pytest.param(("nc=00000001", "nc=00000002"), Verdict.WRONG, id="another count"),
        pytest.param(("nc=00000001", "nc=1"), Verdict.WRONG, id="no count"),
        pytest.param(("cnonce=", "conce="), Verdict.WRONG, id="no cnonce"),
        pytest.param(("response=", "respons="), Verdict.WRONG, id="no response"),
    ],
)
def test_what_does_not_fit_is_wrong(change: tuple[str, str], verdict: Verdict) -> None:
    """A field that was changed changes the response; what is not meant for us is no credentials at all."""
    by = guard()
    given = proof(challenged(by))
    assert change[0] in given
    assert by.judge([given.replace(*change)], "INVITE", PEER, 1.0) is verdict
    assert by.judge([], "INVITE", PEER, 1.0) is Verdict.MISSING
    assert by.judge(["Digest", given], "INVITE", PEER, 1.0) is Verdict.ACCEPTED


def test_a_wrong_password_is_wrong() -> None:
    """For any user, known or not; and a user without a secret for the algorithm has none."""
    by = guard()
    for wrong in (Credentials("sbc1", "another"), dataclasses.replace(SBC, user="other")):
        assert by.judge([proof(challenged(by), wrong)], "INVITE", PEER, 1.0) is Verdict.WRONG
    half = guard(f"MD5={md5(KNOWN)}")
    assert half.judge([proof(challenged(half))], "INVITE", PEER, 1.0) is Verdict.WRONG
    assert half.judge([proof(challenged(half), OLD_PBX)], "INVITE", PEER, 1.0) is Verdict.ACCEPTED


def test_guesses_are_slowed_for_each_address() -> None:
    """Ten at once, then six a minute; above it nothing is looked at, and no other address waits for that."""
    by, guess = guard(), Credentials("sbc1", "another")
    spent = [by.judge([proof(challenged(by), guess)], "INVITE", PEER, 1.0) for _ in range(int(WRONG_AT_ONCE) + 2)]
    assert spent == [Verdict.WRONG] * int(WRONG_AT_ONCE) + [Verdict.GUESSING] * 2
    assert by.judge([proof(challenged(by))], "INVITE", PEER, 1.0) is Verdict.GUESSING
    assert by.judge([], "INVITE", PEER, 1.0) is Verdict.MISSING
    other = "192.0.2.2"
    assert by.judge([proof(challenged(by, peer=other))], "INVITE", other, 1.0) is Verdict.ACCEPTED
    later = 1.0 + 1 / WRONG_PER_SECOND
    assert by.judge([proof(challenged(by))], "INVITE", PEER, later) is Verdict.ACCEPTED
    assert by.judge([proof(challenged(by), guess)], "INVITE", PEER, later) is Verdict.WRONG
    assert by.judge([proof(challenged(by), guess)], "INVITE", PEER, later) is Verdict.GUESSING


def test_hashes_stand_for_the_password() -> None:
    """`SHA-256=… MD5=…` of `user:realm:password`, in any order and case."""
    by = guard(f"MD5={md5(KNOWN).upper()} sha-256={hashlib.sha256(KNOWN.encode()).hexdigest()}")
    for credentials in (SBC, OLD_PBX):
        assert by.judge([proof(challenged(by), credentials)], "INVITE", PEER, 1.0) is Verdict.ACCEPTED


def test_a_client_that_cannot_count_uses_a_nonce_once() -> None:
    """RFC 2617's clients without `qop` are let in, and their header is no good a second time."""
    by = guard()
    fields = challenge_of(challenged(by), OLD_PBX)
    said = md5(f"{md5(KNOWN)}:{fields['nonce']}:{md5(f'INVITE:{URI}')}")
    header = f'Digest username="sbc1",realm="callvane",nonce="{fields["nonce"]}",uri="{URI}",response="{said}"'
    assert [by.judge([header], "INVITE", PEER, 1.0) for _ in range(2)] == [Verdict.ACCEPTED, Verdict.STALE]


def test_so_many_nonces_are_remembered_and_none_is_used_twice() -> None:
    """Of one that was forgotten every use counts as a replay: the table is bounded, the protection is not."""
    by = guard()
    first = proof(challenged(by))
    assert by.judge([first], "INVITE", PEER, 0.0) is Verdict.ACCEPTED
    for number in range(NONCES_REMEMBERED):
        now = 1.0 + number / 1000
        assert by.judge([proof(challenged(by, now))], "INVITE", PEER, now) is Verdict.ACCEPTED
    assert len(by._uses) == NONCES_REMEMBERED
    assert by.judge([first], "INVITE", PEER, 10.0) is Verdict.STALE


@given(st.lists(st.text(max_size=200), max_size=6))
def test_any_headers_are_judged(values: list[str]) -> None:
    """Nothing raises, and nothing is accepted."""
    assert guard().judge(values, "INVITE", PEER, 0.0) is Verdict.MISSING


@given(st.dictionaries(st.sampled_from(["nonce", "nc", "cnonce", "qop", "uri", "response", "username"]), st.text()))
def test_any_fields_are_judged(fields: dict[str, str]) -> None:
    """Headers that look like ours, with anything in them, are wrong at most."""
    text = "".join(f', {name}="{value}"' for name, value in fields.items())
    assert guard().judge([f'Digest realm="callvane"{text}'], "INVITE", PEER, 0.0) is not Verdict.ACCEPTED


@pytest.fixture(scope="module")
def guarded(shared_redis: PrivateRedis, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBridge]:
    """A bridge that knows one user, on all transports."""
    folder = tmp_path_factory.mktemp("certificates")
    own = signed(folder, "bridge", authority(folder, "ca"))
    settings = {"transports": '["udp", "tcp", "tls"]', "tls_port": 0, "shutdown_seconds": 0.5}
    files = {"tls_certificate": own.certificate, "tls_key": own.key}
    with bridge(shared_redis.url, digest_users='{"sbc1": "a \\"secret\\""}', **settings, **files) as started:
        yield started


async def ask(guarded: RunningBridge, transport: str, credentials: Credentials | None) -> Response:
    """The final response to a recorder's INVITE; a call that it makes is ended."""
    host, port = guarded.tls_address if transport == "tls" else guarded.address
    target = parse_target(f"sip:callvane@{host}:{port}")
    facts = CallFacts(agent_name="Anna", sip_call_id=f"{new_id()}@digest.example.com")
    async with line_to(target, transport) as (endpoint, sender):
        await endpoint.transport.connect()
        recorder = Recorder(endpoint, sender, load_dialect("rfc7865"), facts, target, credentials)
        try:
            response = await recorder.ask()
            if response.status == 200:
                assert (await recorder.ask("UPDATE", without=("sdp", "metadata"))).status == 200
                assert (await recorder.hang_up()).status == 200
            return response
        finally:
            recorder.close()


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_who_proves_it_is_answered(guarded: RunningBridge, transport: str) -> None:
    """With either algorithm, and asked once: what follows within the call needs no proof."""
    counted = 'callvane_forks_total{outcome="%s"}'
    before = [guarded.metric(counted % outcome) for outcome in ("challenged", "answered")]
    for credentials in (SBC, OLD_PBX):
        assert (await ask(guarded, transport, credentials)).status == 200
    assert [guarded.metric(counted % outcome) for outcome in ("challenged", "answered")] == [
        each + 2 for each in before
    ]


async def test_who_does_not_is_not(guarded: RunningBridge) -> None:
    """401 with both challenges, and for a wrong password again; no place is taken and no secret told."""
    assert len((await ask(guarded, "tcp", None)).every("WWW-Authenticate")) == 2
    assert (await ask(guarded, "tcp", Credentials("sbc1", "wrong"))).status == 401
    assert guarded.metric('callvane_forks_total{outcome="refused_credentials"}') == 1
    assert guarded.metric("callvane_calls_active") == 0
    line = await asyncio.to_thread(
        guarded.logged, "refused because of their sender; the latest: INVITE from 127.0.0.0/24: credentials"
    )
    assert line
    assert not [line for line in guarded.lines if "secret" in line or "wrong" in line]


async def test_a_password_in_the_settings_is_told_to_nobody(redis_url: str, tmp_path: Path) -> None:
    """Not even where the setting has a fault."""
    file = tmp_path / "callvane.toml"
    for text in ("digest_users = { sbc1 = 4711 }", 'digest_users = "sbc1:4711"'):
        file.write_text(f"[bridge]\n{text}\n", encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sip_bridge", "--config", str(file), cwd=ROOT,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, said = await process.communicate()
        assert process.returncode == 2
        assert b"digest_users" in said
        assert b"4711" not in said
