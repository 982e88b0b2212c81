"""An entry of the ledger as a document: signed, free of secrets, and hostile when it is read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from reconciler.address import Address
from reconciler.config.model import Reference
from reconciler.documents.ledger import LedgerEntry, LedgerKey, parse_entry, stored_resource
from reconciler.errors import LedgerError
from reconciler.planning.baseline import Record
from tests.ledger.stored import started

KEY = LedgerKey(b"k" * 32)
HOOKS = "services.support.webhooks"
RESTORE = "Restore the ledger's ref from a clone or a remote that has the original, or start again with --start-ledger"
RECORDS = {
    "account.webhooks": Record(41, (), "adopted", {"filters": ("onMessageAdded",), "method": "GET"}),
    "services.support.configuration": Record(
        None,
        (41, 0),
        "adopted",
        {
            "reachability_enabled": False,
            "default_conversation_role": Reference(
                Address.parse('services.support.roles["channel user"]'), "role", "channel user"
            ),
        },
    ),
    "services.support.users.ada": Record(41, (42,), "created", {"attributes": {"ref": "x"}, "friendly_name": None}),
}


def entry(**changes: Any) -> LedgerEntry:
    resources = {name: stored_resource(record) for name, record in RECORDS.items()}
    return KEY.sign(started(**{"actor": "Ada", "resources": resources, **changes}))


def refusal(document: Any) -> str:
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    with pytest.raises(LedgerError) as caught:
        parse_entry(text).records()
    return str(caught.value)


def edited(**changes: Any) -> dict[str, Any]:
    return {**json.loads(entry().to_json()), **changes}


def test_an_entry_is_read_as_it_was_written() -> None:
    read = parse_entry(entry().to_json().encode())
    assert read == entry()
    assert {str(address): record for address, record in read.records().items()} == RECORDS
    assert KEY.has_signed(read) is True


def test_the_form_of_a_resource_leaves_out_what_is_empty() -> None:
    assert json.loads(entry().to_json())["resources"] == {
        "account.webhooks": {
            "baseline": 41,
            "origin": "adopted",
            "adopted": {"filters": ["onMessageAdded"], "method": "GET"},
        },
        "services.support.configuration": {
            "attempted": [41, 0],
            "origin": "adopted",
            "adopted": {
                "default_conversation_role": {
                    "ref": 'services.support.roles["channel user"]',
                    "built_in": "channel user",
                },
                "reachability_enabled": False,
            },
        },
        "services.support.users.ada": {
            "baseline": 41,
            "attempted": [42],
            "origin": "created",
            "adopted": {"attributes": {"json": {"ref": "x"}}, "friendly_name": None},
        },
    }


def test_any_edit_breaks_the_signature_and_another_key_cannot_tell() -> None:
    read = parse_entry(entry().to_json().encode())
    assert KEY.has_signed(replace(read, actor="Eve")) is False
    assert KEY.has_signed(replace(read, previous="b" * 40)) is False
    assert LedgerKey(b"o" * 32).has_signed(read) is None


def test_digests_are_bound_to_their_purpose_and_key() -> None:
    assert KEY.has_made(KEY.sid_digest("IS1"))
    assert not LedgerKey(b"o" * 32).has_made(KEY.sid_digest("IS1"))
    assert len({KEY.fingerprint("env:A", "x"), KEY.fingerprint("secret:A", "x"), KEY.sid_digest("x")}) == 3
    assert "IS1" not in KEY.sid_digest("IS1")


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (b"{", "it is not JSON"),
        (b"\xff", "it is not UTF-8 text"),
        (b'{"a":1,"a":2}', "an object has a duplicate key"),
        (b"[" * 5000 + b"]" * 5000, "it is nested too deeply"),
        (b"[]", "it must be an object"),
        ({"number": 7}, "at operation: it is missing"),
    ],
)
def test_text_that_is_no_entry(document: Any, why: str) -> None:
    name = "entry 7" if isinstance(document, dict) else "the newest entry"
    assert refusal(document) == f"{name} was modified ({why}). {RESTORE}"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"number": 0}, "at number: it must be at least 1"),
        ({"status": "done"}, "at status: it must be 'started', 'applied' or 'incomplete'"),
        ({"extra": 1}, "at extra: it is not a known key"),
        ({"format_version": True}, "at format_version: it must be 1"),
        ({"number": "1"}, "at number: it must be an integer"),
        ({"number": 1.0}, "at number: it must be an integer"),
        (
            {"source": {**edited()["source"], "commit": "--upload-pack=x"}},
            "at source.commit: it must match the pattern ^(?:[0-9a-f]{40}|[0-9a-f]{64})$",
        ),
    ],
)
def test_an_entry_with_a_wrong_value(changes: dict[str, Any], why: str) -> None:
    name = "the newest entry" if "number" in changes else "entry 42"
    assert refusal(edited(**changes)) == f"{name} was modified ({why}). {RESTORE}"


@pytest.mark.parametrize(
    "resources",
    [
        {"services": {"origin": "created"}},
        {"nothing.at.all": {"origin": "created"}},
        {"services[": {"origin": "created"}},
        {HOOKS: {"origin": "adopted", "adopted": {"no_such_field": "x"}}},
        {HOOKS: {"origin": "adopted", "adopted": {"method": 1}}},
        {HOOKS: {"origin": "adopted", "adopted": {"filters": "onMessageAdded"}}},
        {"credentials.ios": {"origin": "adopted", "adopted": {"private_key": "x"}}},
        {"services.support.users.ada": {"origin": "adopted", "adopted": {"attributes": "{}"}}},
        {"services.support.users.ada": {"origin": "adopted", "adopted": {"role": "RL" + "0" * 32}}},
        {"services.support.users.ada": {"origin": "adopted", "adopted": {"role": {"ref": "nowhere"}}}},
    ],
)
def test_resources_that_no_apply_records(resources: dict[str, Any]) -> None:
    why = "it has an address or a value that reconciler 1.0.0 does not write"
    assert refusal(edited(resources=resources)) == f"entry 42 was modified ({why}). {RESTORE}"


def test_a_later_format_asks_for_an_update() -> None:
    assert refusal(edited(format_version=2)) == (
        "the newest entry of the ledger has format version 2, which a later release of reconciler wrote. Update "
        "reconciler"
    )
