"""The kind `credential`; what its secrets must be is tested with certificates."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.api import wire
from reconciler.kinds.credential import CREDENTIAL
from reconciler.kinds.hooks import Fault
from reconciler.kinds.markers import Choice, Length
from tests.builders import sid


def test_what_is_secret_is_never_returned_and_cannot_be_cleared() -> None:
    secret = [field.path for field in CREDENTIAL.fields if field.secret]
    assert secret == ["certificate", "private_key", "api_key", "secret"]
    assert secret == [field.path for field in CREDENTIAL.fields if field.write_only]
    assert [path for path in secret if not CREDENTIAL.by_path[path].why_not_clearable()] == []


def test_nothing_of_it_is_given_once() -> None:
    assert [field.path for field in CREDENTIAL.fields if field.forces_replacement] == []
    assert CREDENTIAL.by_path["type"].required
    assert CREDENTIAL.by_path["friendly_name"].marker(Length) == Length(64)


def test_it_is_told_by_its_name_and_its_type() -> None:
    assert (CREDENTIAL.natural_key, CREDENTIAL.discriminator) == ("friendly_name", "type")


def test_another_type_takes_every_secret_along() -> None:
    assert CREDENTIAL.resend_with == {"type": ("certificate", "private_key", "api_key", "secret")}


@pytest.mark.parametrize(
    ("contents", "path", "hint"),
    [
        ({"type": "fcm", "sandbox": True}, "sandbox", "fcm uses secret"),
        ({"type": "fcm", "api_key": "k"}, "api_key", "fcm uses secret"),
        ({"type": "apn", "secret": "s"}, "secret", "apn uses certificate, private_key, sandbox"),
        ({"type": "gcm", "certificate": "c"}, "certificate", "gcm uses api_key"),
    ],
)
def test_a_field_of_another_type_is_a_fault(contents: dict[str, Any], path: str, hint: str) -> None:
    fault = Fault(path, f"{path} has no effect for type {contents['type']}", f"remove it; {hint}")
    assert fault in CREDENTIAL.check(contents)


@pytest.mark.parametrize(
    "contents",
    [{}, {"type": "fcm", "sandbox": False}, {"type": "apn", "sandbox": True}, {"secret": "s", "certificate": "c"}],
)
def test_these_go_together(contents: dict[str, Any]) -> None:
    assert CREDENTIAL.check(contents) == ()


@pytest.mark.parametrize(
    ("contents", "missing"),
    [
        ({"type": "apn"}, ["certificate", "private_key"]),
        ({"type": "apn", "certificate": "c"}, ["private_key"]),
        ({"type": "gcm"}, ["api_key"]),
        ({"type": "fcm", "secret": ""}, ["secret"]),
        ({"type": "fcm", "secret": "s"}, []),
        ({}, []),
    ],
)
def test_a_create_needs_what_its_type_sends_with(contents: dict[str, Any], missing: list[str]) -> None:
    assert CREDENTIAL.check_create(contents) == tuple(
        Fault(
            "type",
            f"a credential of type {contents['type']} requires `{path}`",
            f"set {path} from ${{secret:…}} or ${{file:…}}",
        )
        for path in missing
    )


def test_every_type_is_known_to_the_checks() -> None:
    choice = CREDENTIAL.by_path["type"].marker(Choice)
    assert choice is not None
    for word in choice.words:
        assert CREDENTIAL.check_create({"type": word}) != ()


@pytest.mark.parametrize(
    ("sandbox", "expected"),
    [("False", False), ("True", True), ("true", True), ("false", False), (True, True), (None, None)],
)
def test_its_sandbox_comes_back_as_text(sandbox: Any, expected: bool | None) -> None:  # noqa: FBT001
    body = {"sid": sid("CR"), "friendly_name": "iOS push", "type": "APN", "sandbox": sandbox}
    assert wire.decode(CREDENTIAL, body).values == {"type": "apn", "friendly_name": "iOS push", "sandbox": expected}
