"""Certificates and encrypted RTP for tests, made by the openssl command: nothing here is of ours."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import ssl
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, as PEM files."""

    certificate: Path
    key: Path

    def context(self, authority: Identity | None = None, *, shown: bool = False) -> ssl.SSLContext:
        """A client's: it trusts `authority`, or anybody, and shows this certificate where it is to be `shown`."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED if authority else ssl.CERT_NONE
        if authority:
            context.load_verify_locations(authority.certificate)
        if shown:
            context.load_cert_chain(self.certificate, self.key)
        return context


def authority(folder: Path, name: str) -> Identity:
    """A CA that trusts itself."""
    made = Identity(folder / f"{name}.pem", folder / f"{name}.key")
    options = f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name}"
    _openssl(*options.split(), "-keyout", str(made.key), "-out", str(made.certificate))
    return made


def signed(folder: Path, name: str, by: Identity, alternatives: str = "") -> Identity:
    """A certificate that the CA has signed. `alternatives`: its further names, such as `DNS:pbx.example.com`."""
    made = Identity(folder / f"{name}.pem", folder / f"{name}.key")
    request = folder / f"{name}.csr"
    options = f"req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name}"
    _openssl(*options.split(), "-keyout", str(made.key), "-out", str(request))
    options = f"x509 -req -days 2 -in {request} -CA {by.certificate} -CAkey {by.key} -CAcreateserial"
    names = folder / f"{name}.names"
    names.write_text(f"subjectAltName={alternatives}\n" if alternatives else "", encoding="utf-8")
    _openssl(*options.split(), "-extfile", str(names), "-out", str(made.certificate))
    return made


class SecureRtp:
    """SRTP (RFC 3711) of one sender: AES-CM with 128 bits, HMAC-SHA1 with 80, no rollover."""

    suite = "AES_CM_128_HMAC_SHA1_80"

    def __init__(self) -> None:
        self._key, self._salt = os.urandom(16), os.urandom(14)
        self._session_key = self._derived(0, 16)
        self._authentication_key = self._derived(1, 20)
        self._session_salt = self._derived(2, 14)

    @property
    def line(self) -> str:
        """The attribute that tells the key (RFC 4568)."""
        return f"a=crypto:1 {self.suite} inline:{base64.b64encode(self._key + self._salt).decode()}"

    def protect(self, packet: bytes) -> bytes:
        """An RTP packet without extensions, encrypted and signed."""
        header, payload = packet[:12], packet[12:]
        sequence, source = struct.unpack("!2xH4xI", header)
        start = int.from_bytes(self._session_salt) << 16 ^ source << 64 ^ sequence << 16
        body = header + _counter_mode(self._session_key, start, payload)
        return body + hmac.digest(self._authentication_key, body + bytes(4), hashlib.sha1)[:10]

    def _derived(self, label: int, length: int) -> bytes:
        return _counter_mode(self._key, (int.from_bytes(self._salt) ^ label << 48) << 16, bytes(length))


def _counter_mode(key: bytes, start: int, text: bytes) -> bytes:
    return _openssl("enc", "-aes-128-ctr", "-K", key.hex(), "-iv", start.to_bytes(16).hex(), given=text)


def _openssl(*arguments: str, given: bytes = b"") -> bytes:
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True, timeout=60).stdout
