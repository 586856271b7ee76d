"""SIP over TLS, mutual TLS, and encrypted RTP at a running bridge."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
from pathlib import Path

import pytest

from service.settings import ConfigError
from sip_bridge.pjsip import certificates
from sip_bridge.pjsip.certificates import CONNECTIONS_REMEMBERED, Connections
from sip_bridge.settings import BridgeSettings
from testcall import rtp, sip
from testcall.endpoint import Endpoint
from tests.sip_bridge.pjsip.test_door import request
from tests.sip_bridge.running import WAIT_SECONDS, Recorder, bridge, recorder, until, utterances
from tests.sip_bridge.secrecy import Identity, SecureRtp, authority, signed
from tests.sip_bridge.speaking import likeness, sentence

COPIED = 0.2
"""Of what was heard; a busy machine sends in bursts, of which the jitter buffer drops some. Noise is no copy at all."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the certificates of these tests lie."""
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def ca(folder: Path) -> Identity:
    """The CA of the bridge and of its PBXes."""
    return authority(folder, "ca")


@pytest.fixture(scope="module")
def own(folder: Path, ca: Identity) -> Identity:
    """The bridge's certificate."""
    return signed(folder, "bridge", ca)


def over_tls(own: Identity, **more: object) -> dict[str, object]:
    """Settings of a bridge that listens for TLS beside TCP."""
    files = {"tls_certificate": own.certificate, "tls_key": own.key}
    return {"transports": '["tcp", "tls"]', "tls_port": 0, **files, **more}


async def test_a_call_over_tls_is_heard(redis_url: str, ca: Identity, own: Identity) -> None:
    """A PBX that trusts the bridge's CA forks a call over TLS; the bridge's own BYE comes back on that connection."""
    with bridge(redis_url, rtp_timeout_seconds=3, **over_tls(own)) as running:
        async with recorder(running, "over-tls", "tls", own.context(ca)) as placed:
            response = await placed.invite(placed.offer(""))
            assert "transport=TLS" in response.first("Contact")
            await placed.play(response, sentence("customer"))
            events = await asyncio.to_thread(running.closed, "over-tls")
            assert [request.method for request in placed.received] == ["BYE"]
        assert utterances(events)


async def test_mutual_tls_lets_in_whom_the_ca_has_signed(
    redis_url: str, folder: Path, ca: Identity, own: Identity
) -> None:
    """A client without a certificate, or with another CA's, gets no SIP at all; one of our CA's makes a call."""
    pbx, stranger = signed(folder, "pbx", ca), signed(folder, "stranger", authority(folder, "other-ca"))
    with bridge(redis_url, **over_tls(own, tls_ca=ca.certificate, tls_client_certificate="true")) as running:
        for identity, shown in ((pbx, False), (stranger, True)):
            with contextlib.suppress(OSError):  # in the handshake, or right after it
                async with recorder(running, "no", "tls", identity.context(ca, shown=shown)) as no:
                    await unheard(no, "OPTIONS")
        async with recorder(running, "signed", "tls", pbx.context(ca, shown=True)) as placed:
            assert (await placed.invite(placed.offer(""))).status == 200
            await placed.ask("BYE")
        assert running.metric('callvane_forks_total{outcome="answered"}') == 1


@pytest.mark.parametrize(
    ("common_name", "hosts", "uris", "names"),
    [
        ("PBX", ["A.example.com", "b.example.com"], ["sip:c.example.com"],
         {"a.example.com", "b.example.com", "sip:c.example.com", "c.example.com"}),
        ("pbx", [], ["sip:anna@example.com"], {"sip:anna@example.com"}),
        ("PBX", [], [], {"pbx"}),
        ("", [], [""], set()),
    ],
)  # fmt: skip
def test_the_names_in_a_certificate(common_name: str, hosts: list[str], uris: list[str], names: set[str]) -> None:
    """RFC 5922: alternative names, a `sip:` URI's host too; the common name only where there are none."""
    assert certificates.names_of(common_name, hosts, uris) == names


def test_a_connections_names_go_with_it() -> None:
    """Its peer's later connection from the same port counts for itself; so many are remembered and no more."""
    known = Connections()
    known.opened(1, "192.0.2.1:5061", frozenset({"a"}))
    known.opened(2, "192.0.2.1:5061", frozenset({"b"}))
    known.closed(1)
    assert known.names("192.0.2.1:5061") == {"b"}
    known.closed(2)
    known.closed(3)
    assert known.names("192.0.2.1:5061") == set()
    for number in range(CONNECTIONS_REMEMBERED + 1):
        known.opened(number, f"192.0.2.1:{number}", frozenset({"a"}))
    assert known.names("192.0.2.1:0") == set()
    assert known.names("192.0.2.1:1") == {"a"}


async def test_a_certificates_name_lets_in(redis_url: str, folder: Path, ca: Identity, own: Identity) -> None:
    """Of peers that one CA has signed, the one with a wanted name forks calls; the others, and TCP, hear nothing."""
    wanted = signed(folder, "wanted", ca, "DNS:sbc1.example.com,URI:sip:example.com")
    unknown = signed(folder, "unknown", ca, "DNS:sbc2.example.com")
    alike = signed(folder, "sbc1.example.com", ca, "DNS:sbc3.example.com")  # its common name does not count
    named = {"tls_ca": ca.certificate, "allowed_certificates": '["SBC1.example.com"]'}
    with bridge(redis_url, rtp_timeout_seconds=3, **over_tls(own, **named)) as running:
        for identity, shown in ((unknown, True), (alike, True), (wanted, False)):
            context = identity.context(ca, shown=shown)
            async with recorder(running, f"{identity.key.stem}-{shown}", "tls", context) as placed:
                await unheard(placed)
        async with recorder(running, "wanted-True", "tls", wanted.context(ca, shown=True)) as placed:
            assert (await placed.invite(placed.offer(""))).status == 200
            async with recorder(running, "unnamed") as other:
                await unheard(other)
            await asyncio.to_thread(running.closed, "wanted-True")
            assert [request.method for request in placed.received] == ["BYE"]
        refused = 'callvane_forks_total{outcome="refused_forbidden"}'
        await asyncio.to_thread(until, lambda: running.metric(refused) == 4, running.lines)


async def unheard(placed: Recorder, method: str = "INVITE") -> None:
    """Its request gets no answer, and its connection is closed."""
    body = placed.offer("") if method == "INVITE" else b""
    described = (("Content-Type", "application/sdp"),) if body else ()
    with placed.endpoint.transaction(placed.dialog.request(method, described, body)) as asked:
        async with asyncio.timeout(WAIT_SECONDS):
            await until_closed(placed.endpoint, sip.serialise(asked.request))
        assert asked.responses.empty()


async def until_closed(endpoint: Endpoint, message: bytes) -> None:
    """Send it, and wait until the other side has closed the connection."""
    with contextlib.suppress(ConnectionError):
        endpoint.transport.send(message, endpoint.target)
        while True:
            endpoint.transport.send(b"", endpoint.target)
            await asyncio.sleep(0.02)


async def test_old_tls_is_refused(redis_url: str, own: Identity) -> None:
    """TLS 1.1 and older are broken, and not spoken."""
    context = own.context()
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    with bridge(redis_url, **over_tls(own)) as running:
        async with recorder(running, "new", "tls", context) as placed:
            assert (await placed.ask("OPTIONS")).status == 200
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1"):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((OSError, TimeoutError)):
            async with asyncio.timeout(5), recorder(running, "old", "tls", old) as placed:
                await placed.ask("OPTIONS")


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({"tls_certificate": "/nowhere"}, "bridge.tls_certificate: '/nowhere' cannot be read: No such file"),
        ({"tls_key": "/"}, "bridge.tls_key: '/' cannot be read: Is a directory"),
        ({"tls_key": "ca.key"}, r"bridge.tls_key: .*ca.key does not belong to tls_certificate; name the key"),
        ({"tls_key": "bridge.pem"}, r"bridge.tls_key: .*bridge.pem is not a PEM private key without a password"),
        ({"tls_key": __file__}, "bridge.tls_key: .* is not a PEM private key"),
        ({"tls_certificate": __file__}, "bridge.tls_certificate: .* is not a PEM certificate"),
        ({"tls_certificate": "bridge.key"}, "bridge.tls_certificate: .* is not a PEM certificate"),
        ({"tls_ca": "/nowhere"}, "bridge.tls_ca: '/nowhere' cannot be read: No such file"),
        ({"tls_ca": "bridge.key"}, "bridge.tls_ca: .* is not a PEM certificate"),
    ],
)
def test_files_that_cannot_be_used_are_named(
    folder: Path, ca: Identity, own: Identity, files: dict[str, str], complaint: str
) -> None:
    """Before anything listens, and with the setting's name."""
    given = {"tls_certificate": own.certificate.name, "tls_key": own.key.name, **files}
    settings = BridgeSettings.model_validate({name: str(folder / file) for name, file in given.items()})
    with pytest.raises(ConfigError, match=complaint):
        certificates.check(settings)


def secured(placed: Recorder, secret: SecureRtp) -> bytes:
    """An offer of one stream of SRTP."""
    return placed.offer("").replace(b"RTP/AVP", b"RTP/SAVP") + f"{secret.line}\r\n".encode()


async def test_encrypted_audio_is_heard_and_forged_audio_is_not(redis_url: str) -> None:
    """SRTP with its keys in the SDP; packets that the key did not sign give no speech. Without SRTP: 488."""
    spoken, secret = sentence("customer", 1.0), SecureRtp()
    with bridge(redis_url, srtp="required") as running:
        async with recorder(running, "plain") as placed:
            assert (await placed.invite(placed.offer(""))).status == 488
        for call_id, sender in (("encrypted", secret), ("forged", SecureRtp())):
            async with recorder(running, call_id) as placed:
                response = await placed.invite(secured(placed, secret))
                assert response.status == 200, response.reason
                answer = response.body.decode()
                assert "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" in answer
                port = re.search(r"^m=audio (\d+) RTP/SAVP ", answer, re.MULTILINE)
                assert port
                placed.sockets[0].connect(("127.0.0.1", int(port[1])))
                stream = rtp.Stream(spoken, placed.sockets[0].send)
                for packet in [sender.protect(stream.packet(index)) for index in range(len(spoken))]:
                    stream.send(packet)
                    await asyncio.sleep(rtp.PACKET_SECONDS)
                await placed.ask("BYE")
        assert likeness(utterances(running.closed("encrypted")), spoken) > COPIED
        assert utterances(running.closed("forged")) == []


async def test_optional_encryption_takes_both(redis_url: str) -> None:
    """`optional` answers an offer of SRTP with SRTP and one without without."""
    with bridge(redis_url, srtp="optional") as running:
        async with recorder(running, "with") as one, recorder(running, "without") as other:
            assert b"RTP/SAVP" in (await one.invite(secured(one, SecureRtp()))).body
            assert b"RTP/AVP" in (await other.invite(other.offer(""))).body
            await one.ask("BYE")
            await other.ask("BYE")


async def test_a_tls_connection_that_reads_nothing_is_closed(redis_url: str, ca: Identity, own: Identity) -> None:
    """Requests without end, of which no answer is taken: it is closed and counted, as over TCP.

    A receive buffer of less than a segment would have the sender's own kernel drop the news of the bridge's window.
    """
    many = request("XYZ", 9, "TLS") * 100
    with bridge(redis_url, **over_tls(own)) as running:

        def flood() -> None:
            with socket.create_connection(running.tls_address) as plain:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
                with own.context(ca).wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                    secure.settimeout(60)
                    while True:
                        secure.sendall(many)

        with pytest.raises((ConnectionError, ssl.SSLError)):
            await asyncio.to_thread(flood)
        sample = 'callvane_connections_closed_total{reason="unread"}'
        await asyncio.to_thread(until, lambda: running.metric(sample) == 1, running.lines)
