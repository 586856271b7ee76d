"""The [contacts] section: callers known again by a keyed hash, and what a CRM is asked about them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

LEAST_KEY_BYTES = 16
"""A telephone number has too few digits to hide behind a key that can be guessed."""

HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")]
FieldPath = Annotated[str, Field(pattern=r"^[^.\s]{1,64}(\.[^.\s]{1,64}){0,7}$")]
"""Names of JSON fields, each within the one before, with dots between them; a number counts into a list, from 0."""


class ContactsSettings(BaseModel):
    """How repeat contacts are recognised. Off without a key."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    key: SecretStr = SecretStr("")
    """Secret of at least 16 bytes, such as from `openssl rand -hex 32`, the same at all bridges. A caller's number
    leaves a bridge only as a hash under it. Another key forgets all callers. Empty, and no `key_file`: nothing is said
    of callers. Prefer the environment or the file."""
    key_file: Path | None = None
    """File with that secret, for mounted secrets."""
    days: float = Field(7, gt=0, le=365)
    """How long a contact counts as an earlier one; never longer than `redis.retention_days`. Analysis reads this."""
    lookup_url: str = Field("", max_length=1_000)
    """URL that a bridge asks about a caller, such as `https://crm.internal/callers/{caller}`. `{caller}` is the hash,
    `{number}` the number itself. The answer is JSON; 404 says that the caller is not known. Empty: nobody is asked."""
    lookup_headers: dict[HeaderName, SecretStr] = Field({}, max_length=16)
    """Headers of the request, such as `{ Authorization = "Bearer secret" }`. Prefer the environment:
    CALLVANE_CONTACTS__LOOKUP_HEADERS='{"Authorization": "Bearer secret"}'."""
    lookup_fields: dict[Literal["earlier", "address", "notes"], FieldPath] = {}
    """Where the answer says what: `earlier`, the number of earlier contacts; `address`, the preferred form of address;
    `notes`, how the customer likes to be spoken to. Such as `{ earlier = "contacts.count", address = "salutation" }`.
    A text is cut to 200 characters, and long runs of digits in it are left out."""
    lookup_seconds: float = Field(1.0, gt=0, le=10)
    """How long the answer may take. No call waits for it."""
    lookup_cache_seconds: float = Field(300, ge=0, le=86_400)
    """How long an answer counts for further calls of the same caller."""
    lookup_anywhere: bool = False
    """Allow a server with a public address. Hashes or numbers of callers then leave your network: docs/privacy.md."""

    @field_validator("key")
    @classmethod
    def _is_long(cls, key: SecretStr) -> SecretStr:
        value = key.get_secret_value()
        if value and len(value.encode()) < LEAST_KEY_BYTES:
            raise ValueError(f"has fewer than {LEAST_KEY_BYTES} bytes; use the output of `openssl rand -hex 32`")
        return key
