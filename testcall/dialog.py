"""A dialog seen from the side that called: which requests it allows and how they look (RFC 3261 section 12).

Pure: every function gives a message, none sends one.
"""

import secrets
from dataclasses import dataclass, field

from testcall.sip import Headers, Request, Response, parse_address, split_list

USER_AGENT = "Callvane-testcall"
ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO"


def new_branch() -> str:
    return "z9hG4bK" + secrets.token_hex(12)


def new_tag() -> str:
    return secrets.token_hex(8)


@dataclass(slots=True)
class Dialog:
    """One call's signalling state. Before the answer it has no remote tag and asks the target itself."""

    call_id: str
    local_uri: str
    remote_uri: str
    contact: str
    """Our Contact header's value, parameters included."""
    via: str
    """`SIP/2.0/TCP 192.0.2.1:5060`: where responses come back to; the branch is added by each request."""
    remote_target: str = ""
    """Where requests go: the other side's Contact once it has answered."""
    local_tag: str = field(default_factory=new_tag)
    remote_tag: str = ""
    route_set: tuple[str, ...] = ()
    sequence: int = 0

    def __post_init__(self) -> None:
        self.remote_target = self.remote_target or self.remote_uri

    def request(self, method: str, headers: Headers = (), body: bytes = b"") -> Request:
        """The next request in the dialog (the first INVITE, a re-INVITE, UPDATE, BYE)."""
        self.sequence += 1
        return self._request(method, self.sequence, headers, body)

    def ack(self, invite: Request, headers: Headers = (), body: bytes = b"") -> Request:
        """The ACK of a 2xx: a transaction of its own with the INVITE's number (section 13.2.2.4).

        It carries the answer where the 2xx made the offer.
        """
        return self._request("ACK", int(invite.first("CSeq").split()[0]), headers, body)

    def _request(self, method: str, sequence: int, headers: Headers, body: bytes) -> Request:
        to_tag = f";tag={self.remote_tag}" if self.remote_tag else ""
        contact: Headers = () if method in {"ACK", "BYE"} else (("Contact", self.contact),)
        named = any(name.lower() == "user-agent" for name, _ in headers)
        return Request(
            method,
            self.remote_target,
            (
                ("Via", f"{self.via};rport;branch={new_branch()}"),
                ("Max-Forwards", "70"),
                *(("Route", route) for route in self.route_set),
                ("From", f"<{self.local_uri}>;tag={self.local_tag}"),
                ("To", f"<{self.remote_uri}>{to_tag}"),
                ("Call-ID", self.call_id),
                ("CSeq", f"{sequence} {method}"),
                *contact,
                *(() if named else (("User-Agent", USER_AGENT),)),
                *headers,
            ),
            body,
        )

    def answered(self, response: Response) -> None:
        """Takes the other side's tag, Contact and route from a 2xx to an INVITE (section 12.1.2)."""
        first = not self.remote_tag
        self.remote_tag = parse_address(response.first("To")).parameters.get("tag", "")
        contacts = split_list(response.every("Contact"))
        if contacts:  # the target is refreshed by every INVITE, the route is set by the first alone
            self.remote_target = parse_address(contacts[0]).uri
        if first:
            self.route_set = tuple(reversed(split_list(response.every("Record-Route"))))

    @property
    def next_hop(self) -> str:
        """The URI whose host gets the next request: the first route's, else the target's."""
        return parse_address(self.route_set[0]).uri if self.route_set else self.remote_target


def ack_of_failure(invite: Request, response: Response) -> Request:
    """The ACK of a final response that is no 2xx: part of the INVITE's transaction (section 17.1.1.3)."""
    return _within_transaction(invite, "ACK", response.first("To"))


def cancel_of(invite: Request) -> Request:
    """The CANCEL of an INVITE that has had a provisional response (section 9.1)."""
    return _within_transaction(invite, "CANCEL", invite.first("To"))


def _within_transaction(invite: Request, method: str, to: str) -> Request:
    return Request(
        method,
        invite.uri,
        (
            ("Via", invite.first("Via")),
            ("Max-Forwards", "70"),
            *(("Route", route) for route in invite.every("Route")),
            ("From", invite.first("From")),
            ("To", to),
            ("Call-ID", invite.first("Call-ID")),
            ("CSeq", f"{invite.first('CSeq').split()[0]} {method}"),
            ("User-Agent", USER_AGENT),
        ),
    )


def response_to(
    request: Request, status: int, reason: str, headers: Headers = (), body: bytes = b"", *, to_tag: str = ""
) -> Response:
    """A response to a request of the other side (section 8.2.6); `to_tag` where the request had none."""
    to = request.first("To")
    if to_tag and "tag" not in parse_address(to).parameters:
        to = f"{to};tag={to_tag}"
    return Response(
        status,
        reason,
        (
            *(("Via", via) for via in request.every("Via")),
            *(("Record-Route", route) for route in request.every("Record-Route")),
            ("From", request.first("From")),
            ("To", to),
            ("Call-ID", request.first("Call-ID")),
            ("CSeq", request.first("CSeq")),
            *headers,
        ),
        body,
    )
