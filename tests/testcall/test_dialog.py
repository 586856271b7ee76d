"""The calling side of a dialog."""

from testcall import sip
from testcall.dialog import Dialog, ack_of_failure, cancel_of, response_to
from testcall.sip import Request, Response


def dialog() -> Dialog:
    return Dialog(
        call_id="1@example.com",
        local_uri="sip:recorder@127.0.0.1:4000",
        remote_uri="sip:callvane@127.0.0.1:5060",
        contact="<sip:recorder@127.0.0.1:4000>;+sip.src",
        via="SIP/2.0/UDP 127.0.0.1:4000",
    )


def answer(invite: Request, *headers: tuple[str, str], status: int = 200) -> Response:
    return response_to(invite, status, "", headers, to_tag="theirs")


def test_answer_gives_tag_target_and_route() -> None:
    """After a 200, requests carry the other side's tag, go to its Contact, by its route in reverse."""
    call = dialog()
    invite = call.request("INVITE")
    assert invite.uri == "sip:callvane@127.0.0.1:5060"
    route = ("Record-Route", "<sip:a;lr>, <sip:b;lr>")
    call.answered(answer(invite, route, ("Contact", "<sip:srs@127.0.0.1:5070>;+sip.srs")))
    bye = call.request("BYE")
    assert bye.uri == "sip:srs@127.0.0.1:5070"
    assert bye.every("Route") == ["<sip:b;lr>", "<sip:a;lr>"]
    assert bye.first("To") == "<sip:callvane@127.0.0.1:5060>;tag=theirs"
    assert bye.first("From") == invite.first("From")
    assert call.next_hop == "sip:b;lr"


def test_requests_are_numbered_and_acks_are_not() -> None:
    """Each request has the next number and a branch of its own; the ACK of a 2xx has its INVITE's number."""
    call = dialog()
    invite = call.request("INVITE")
    call.answered(answer(invite))
    again = call.request("INVITE")
    ack = call.ack(again)
    bye = call.request("BYE")
    assert [each.first("CSeq") for each in (invite, again, ack, bye)] == ["1 INVITE", "2 INVITE", "2 ACK", "3 BYE"]
    assert len({sip.branch_of(each) for each in (invite, again, ack, bye)}) == 4


def test_later_answer_moves_the_target_and_not_the_route() -> None:
    """A re-INVITE's 200 gives a new Contact; the route set is the first answer's."""
    call = dialog()
    call.answered(answer(call.request("INVITE"), ("Record-Route", "<sip:a;lr>"), ("Contact", "<sip:one@x>")))
    call.answered(answer(call.request("INVITE"), ("Record-Route", "<sip:z;lr>"), ("Contact", "<sip:two@x>")))
    assert call.remote_target == "sip:two@x"
    assert call.route_set == ("<sip:a;lr>",)


def test_cancel_and_ack_of_a_refusal_belong_to_the_transaction() -> None:
    """Both have the INVITE's branch, target and number; the ACK has the refusal's To."""
    invite = dialog().request("INVITE")
    cancel = cancel_of(invite)
    ack = ack_of_failure(invite, answer(invite, status=486))
    for each in (cancel, ack):
        assert sip.branch_of(each) == sip.branch_of(invite)
        assert each.uri == invite.uri
        assert each.first("CSeq") == f"1 {each.method}"
    assert cancel.first("To") == invite.first("To")
    assert ack.first("To").endswith(";tag=theirs")


def test_response_keeps_a_tag_that_is_there() -> None:
    """The To of a request within a dialog goes back as it came; all Vias go back in order."""
    request = Request("BYE", "sip:x", (("Via", "one"), ("Via", "two"), ("To", "<sip:x>;tag=1"), ("CSeq", "7 BYE")))
    response = response_to(request, 200, "OK", to_tag="2")
    assert response.first("To") == "<sip:x>;tag=1"
    assert response.every("Via") == ["one", "two"]
    assert sip.method_of(response) == "BYE"
