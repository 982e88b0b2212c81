"""Whatever is missing, and however the file is written: it is added, and everything else stays as it is."""

from __future__ import annotations

import random
import re
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import ConfigError
from reconciler.testing import EmulatedAccount
from tests.accept.configurations import files
from tests.accept.drifting import Desk, changed_lines
from tests.accept.test_accept import service
from tests.accept.test_round_trip import rest

REFUSED = re.compile(
    r"\S+ repeats this part through a YAML alias|the edited files would be wrong: \S+ cannot be edited"
)
TARGETS = ("services.desk", "services.Night", "addresses")


@settings(max_examples=4)
@given(text=files(), seed=st.integers(0, 10**6))
def test_what_is_missing_is_added(text: str, seed: int) -> None:
    check(text, seed)


@pytest.mark.slow
@settings(max_examples=400)
@given(text=files(), seed=st.integers(0, 10**6))
def test_what_is_missing_is_added_thoroughly(text: str, seed: int) -> None:
    check(text, seed)


def check(text: str, seed: int) -> None:
    with tempfile.TemporaryDirectory() as name, closing(EmulatedAccount()) as account:
        folder = Path(name)
        (folder / "reconciler.yaml").write_bytes(text.encode())
        one = Desk(folder, account=account)
        try:
            one.apply()
        except ConfigError:
            return  # two parts of the document do not go together
        made = make_some(one, random.Random(seed))
        before = one.files()["reconciler.yaml"]
        options: dict[str, Any] = {"inputs": {"targets": TARGETS}, "include": ("users",)}
        found = one.add(**options).acceptance
        for item in found.refused:
            assert REFUSED.match(item.reason), (item, text)
        after = one.files()["reconciler.yaml"]
        # Settings are counted one by one.
        assert len(found.accepted) + len(found.refused) >= made
        assert one.changes() == []
        added = [
            (*item.address.parts, *item.path.split(".")) if item.path else item.address.parts for item in found.accepted
        ]
        assert rest(before, added) == rest(after, added)
        # Only what is written in braces changes its line.
        lines = changed_lines({"x": before}, {"x": after})
        assert sum(line.startswith("-") for line in lines) <= len(found.accepted)
        assert before.startswith("\ufeff") == after.startswith("\ufeff")
        assert not re.search("(?<!\r)\n", after) or not re.search("\r\n", before)
        assert {item.address for item in one.add(**options).acceptance.accepted} == set()


def make_some(one: Desk, chance: random.Random) -> int:
    """Make some resources and settings that the configuration lacks; return how many at least."""
    base = service(one)
    role = {"Type": "service", "Permission": ["addParticipant"]}
    text = chance.choice(["x: y", "# no", "it's", "-", "{}", "null", "${x}", "Zoë 😀", "line\nbreak", "* a"])
    steps: list[tuple[str, dict[str, Any]]] = [
        (f"{base}/Roles", {"FriendlyName": "Boss of " + text.replace("\n", " "), **role}),
        (f"{base}/Users", {"Identity": "carl", "FriendlyName": text, "Attributes": '{"a": {"b": ["${x}", 1]}}'}),
        (f"{base}/Users", {"Identity": f"id {text}".replace("\n", " ")}),
        ("/v1/Configuration/Addresses", {"Address": "+14155550177", "Type": "sms", "AutoCreation.Enabled": "false"}),
        ("/v1/Services", {"FriendlyName": "Night"}),
        (f"{base}/Configuration/Webhooks", {"PreWebhookUrl": "https://h.example.com/?token=1234567"}),
    ]
    chosen = chance.sample(steps, chance.randint(0, len(steps)))
    for path, form in chosen:
        one.account.post(path, form)
    if ("/v1/Services", {"FriendlyName": "Night"}) not in chosen:
        one.account.post("/v1/Services", {"FriendlyName": "Night"})
        return len(chosen) + 1
    return len(chosen)
