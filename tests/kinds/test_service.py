"""The kind `service`."""

from __future__ import annotations

from reconciler.api import wire
from reconciler.kinds.service import SERVICE
from tests.builders import sid


def test_it_is_a_name_that_is_given_once() -> None:
    (field,) = SERVICE.fields
    assert (field.path, field.param, field.natural_key, field.required, field.immutable) == (
        "friendly_name",
        "FriendlyName",
        True,
        True,
        True,
    )
    assert not SERVICE.updatable


def test_it_is_never_replaced_and_its_delete_destroys_history() -> None:
    assert SERVICE.irreplaceable == (
        "Twilio cannot rename a service, and a new one would start without its conversations"
    )
    assert SERVICE.destroys == "every conversation, message, user, and role in it"


def test_reads_an_answer() -> None:
    body = {
        "account_sid": None,
        "sid": sid("IS"),
        "friendly_name": "Support «desk»",
        "date_created": "2026-01-02T03:04:05Z",
        "date_updated": None,
        "links": {"roles": "https://conversations.twilio.com/v1/Services/IS/Roles"},
        "url": "https://conversations.twilio.com/v1/Services/IS",
    }
    assert wire.decode(SERVICE, body) == wire.Decoded(
        sid("IS"), {"friendly_name": "Support «desk»"}, "2026-01-02T03:04:05Z", ""
    )
