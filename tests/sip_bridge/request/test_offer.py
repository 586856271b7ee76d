"""The audio streams of an offer, their alternatives and codecs."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callbus import Leg, Role
from sip_bridge.request import offer
from sip_bridge.request.offer import Codec, undecodable
from tests.sip_bridge.calls.test_joining import SPEECH
from tests.sip_bridge.running import bridge, opened, recorder, utterances


def sdp(*lines: str, session: str = "") -> bytes:
    """An offer; a line is `port profile label`, with whatever attributes after a comma."""
    text = f"v=0\r\nc=IN IP4 192.0.2.1\r\n{session}"
    for line in lines:
        first, *attributes = line.split(", ")
        port, profile, *label = first.split()
        text += f"m=audio {port} RTP/{profile} 0\r\n"
        text += "".join(f"{'' if each.startswith('c=') else 'a='}{each}\r\n" for each in attributes)
        text += "".join(f"a=label:{each}\r\n" for each in label)
    return text.encode()


@pytest.mark.parametrize(
    ("lines", "session", "places"),
    [
        pytest.param(["1 SAVP a", "2 AVP a", "3 SAVP b", "4 AVP b"], "", [(0, 1), (2, 3)], id="label"),
        pytest.param(["1 SAVP a", "3 SAVP b", "2 AVP a", "4 AVP b"], "", [(0, 2), (1, 3)], id="label, one kind first"),
        pytest.param(["1 SAVPF a", "1 SAVP a", "1 AVP a", "2 AVP b"], "", [(0, 1, 2), (3,)], id="three ways"),
        pytest.param(["1 SAVP", "1 AVP", "3 SAVP", "3 AVP"], "", [(0, 1), (2, 3)], id="port"),
        pytest.param(["1 AVP a", "1 AVP a"], "", [(0, 1)], id="label and port"),
        pytest.param(["1 AVP a", "2 AVP a, c=IN IP6 ::1"], "", [(0, 1)], id="address family"),
        pytest.param(["1 SAVP a", "2 AVP a", "3 SAVP a", "4 AVP a"], "", [(0, 1), (2, 3)], id="one label for all"),
        pytest.param(["1 AVP a", "2 AVP a"], "", [(0,), (1,)], id="one label for two of a kind"),
        pytest.param(["1 AVP", "2 AVP"], "", [(0,), (1,)], id="two voices"),
        pytest.param(["1 SAVP", "2 AVP"], "", [(0,), (1,)], id="two voices of two kinds"),
        pytest.param(["1 AVP a", "1 SAVP b"], "", [(0,), (1,)], id="two labels on a port"),
        pytest.param(["9 AVP", "9 AVP"], "", [(0,), (1,)], id="a port that is none"),
        pytest.param(["1 AVP", "1 SAVP"], "a=group:BUNDLE 0 1\r\n", [(0,), (1,)], id="bundled"),
        pytest.param(
            ["1 AVP, mid:1", "2 AVP, mid:2", "3 AVP, mid:3"], "a=group:ANAT 1 3\r\n", [(0, 2), (1,)], id="RFC 4091"
        ),
        pytest.param(["0 SAVP a", "2 AVP a"], "", [(1,)], id="one of them refused"),
    ],
)
def test_alternatives_are_one_voice(lines: list[str], session: str, places: list[tuple[int, ...]]) -> None:
    """A voice that is offered in several ways is one stream; two voices are two, however alike they are offered."""
    assert [stream.places for stream in offer.read(sdp(*lines, session=session))] == places


@pytest.mark.parametrize(
    ("line", "attributes", "codecs"),
    [
        pytest.param("0 8 101", "a=rtpmap:101 telephone-event/8000", "PCMU 0 PCMA 8 TELEPHONE-EVENT 101", id="usual"),
        pytest.param("18 4 3 9", "", "G729 18 G723 4 GSM 3 G722 9", id="static"),
        pytest.param("10 11 15 13", "", "L16 10 L16 11 G728 15 CN 13", id="more of them"),
        pytest.param(
            "96 97", "a=rtpmap:96 AMR-WB/16000/1\r\na=rtpmap: 97  opus/48000/2", "AMR-WB 96 OPUS 97", id="dynamic"
        ),
        pytest.param("0", "a=rtpmap:0 speex/8000", "SPEEX 0", id="mapped anew"),
        pytest.param("97 x 1234 -1", "", " 97", id="not said"),
        pytest.param("", "", "", id="none"),
    ],
)
def test_codecs_are_named(line: str, attributes: str, codecs: str) -> None:
    """By the offer's own words, else by RFC 3551's table."""
    (stream,) = offer.read(f"v=0\r\nm=audio 1 RTP/AVP {line}\r\n{attributes}\r\n".encode())
    assert " ".join(f"{codec.name} {codec.payload_type}" for codec in stream.codecs) == codecs


HERE = ("PCMU", "PCMA", "G722", "OPUS", "TELEPHONE-EVENT", "CN")
G729, AMR, EVENT, PCMA = (
    Codec(18, "G729", 8_000),
    Codec(96, "AMR", 8_000),
    Codec(101, "TELEPHONE-EVENT", 8_000),
    Codec(8, "PCMA", 8_000),
)


@pytest.mark.parametrize(
    ("codecs", "told"),
    [
        pytest.param([G729], "G729 (18)", id="one"),
        pytest.param([G729, AMR, EVENT], "G729 (18), AMR (96)", id="several, and keys"),
        pytest.param([G729, PCMA], "", id="another would do"),
        pytest.param([EVENT], "TELEPHONE-EVENT (101)", id="keys alone"),
        pytest.param([Codec(97, "", 0)], "? (97)", id="not said"),
        pytest.param([], "", id="nothing known"),
    ],
)
def test_what_nobody_decodes_is_told(codecs: list[Codec], told: str) -> None:
    """A stream of which no voice can be decoded names its codecs and their payload types."""
    assert undecodable(codecs, HERE) == told


def test_the_codecs_of_alternatives_are_one_list() -> None:
    """Each once, in the order of the m-lines."""
    text = sdp("1 SAVP a", "1 AVP a").replace(b"RTP/AVP 0", b"RTP/AVP 18 0")
    assert [codec.name for codec in offer.read(text)[0].codecs] == ["PCMU", "G729"]


def test_what_is_read_is_counted() -> None:
    """M-lines, voices, lines of a section, the length of a line, codecs, bytes."""
    assert len(offer.read(sdp(*["1 AVP"] * 99))) == offer.MAX_STREAMS
    video = b"m=video 1 RTP/AVP 0\r\n"
    assert len(offer.read(video * (offer.MAX_M_LINES - 1) + sdp("1 AVP")[5:])) == 1
    assert len(offer.read(video * offer.MAX_M_LINES + sdp("1 AVP")[5:])) == 0
    for lines, label in ((offer.MAX_LINES - 2, "a"), (offer.MAX_LINES, "")):
        assert offer.read(b"m=audio 1 RTP/AVP 0\r\n" + b"a=x\r\n" * lines + b"a=label:a\r\n")[0].label == label
    assert len(offer.read(b"m=audio 1 RTP/AVP" + b" 0 8" * 9_000)[0].codecs) == 2
    numbers = " ".join(str(number) for number in range(128))
    assert len(offer.read(f"m=audio 1 RTP/AVP {numbers}".encode())[0].codecs) == offer.MAX_CODECS
    assert offer.read(b" " * offer.MAX_BYTES + b"\r\n" + sdp("1 AVP")) == ()


@given(
    st.binary(max_size=200),
    st.lists(st.sampled_from(["m=audio 1 RTP/AVP 0", "a=label:1", "m=", "c=IN IP6 x", "a=mid:1", "a=group:ANAT 1 1"])),
)
def test_any_bytes_are_read(content: bytes, lines: list[str]) -> None:
    """Nothing raises, and no m-line is in two streams."""
    offer.read(content)
    places = [place for stream in offer.read("\r\n".join(lines).encode() + content) for place in stream.places]
    assert len(places) == len(set(places))


SECRET = "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "a2V5" * 10


@pytest.mark.parametrize("first", ["RTP/AVP", "RTP/SAVP"])
async def test_a_voice_that_is_offered_twice_is_one_leg(redis_url: str, first: str) -> None:
    """Encrypted and not, of which the library takes one: two legs, each heard, neither paused."""
    profiles = (first, "RTP/SAVP" if first == "RTP/AVP" else "RTP/AVP")
    with bridge(redis_url) as running:
        async with recorder(running, f"twice-{first[4:]}") as placed:
            text = placed.offer("1", "2").decode()
            session, *sections = text.split("m=")
            for section in sections:
                for profile in profiles:
                    keys = f"a={SECRET}\r\n" if "SAVP" in profile else ""
                    session += "m=" + section.replace("RTP/AVP", profile) + keys
            response = await placed.invite(session.encode())
            assert response.status == 200
            head, *answers = response.body.split(b"m=")
            taken = [each for each in answers if not each.startswith(b"audio 0 ")]
            answered = dataclasses.replace(response, body=b"m=".join([head, *taken]))
            await placed.play(answered, SPEECH["customer"], SPEECH["agent"])
            await placed.ask("BYE")
        events = running.closed(f"twice-{first[4:]}")
    assert opened(events)[0].legs == (Leg("1", Role.UNKNOWN), Leg("2", Role.UNKNOWN))
    assert {utterance.leg_id for utterance in utterances(events)} == {"1", "2"}
    assert {type(event).__name__ for event in events} == {"CallOpened", "Utterance", "CallClosed"}
