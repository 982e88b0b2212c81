"""Each field of each example drifts, one at a time, and is accepted: the plan is empty, and only its lines changed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.kinds.fields import Shape
from reconciler.state import Live, State
from tests.accept.drifting import Desk, changed_lines, drift, others
from tests.pem import certificate_text, key_text

EXAMPLES = Path(__file__).parents[2] / "examples"
INTERPOLATED = "the value is a text with interpolations"
TOGETHER = "the edited files would be wrong: "
"""A field that only makes sense together with another one, which drifted as well."""
TABLE = [
    ("quickstart", "", ""),
    ("community", "", ""),
    ("support-desk", "prod", ""),
    ("support-desk", "prod", "base"),
    ("support-desk", "prod", "template"),
    ("support-desk", "staging", "overlay"),
]


def secrets() -> dict[str, str]:
    today = datetime.now(UTC)
    return {
        "APN_CERTIFICATE": certificate_text(begins=today - timedelta(days=1), ends=today + timedelta(days=365)),
        "APN_KEY": key_text(),
        "FCM_ACCOUNT": '{"project_id": "garden", "client_email": "fcm@push-1.invalid", "private_key": "made up"}',
    }


def drifts(one: Desk) -> Iterator[tuple[str, str]]:
    """Drift each field in turn, and take it back afterwards; yields its address, and its kind."""
    made, state = one.read()
    for address, live in made.live.items():
        for field in live.kind.fields:
            if field.write_only or field.immutable:
                continue
            old = live.values.get(field.path)
            for new in others(field, old, siblings(state, live, old) if field.shape is Shape.REF else ()):
                if not drift(one.account, live, field.path, new):
                    continue
                name = str(address.child(*field.path.split(".")))
                # A resource of another type is a missing one.
                if one.changes() == [name]:
                    yield name, live.kind.name
                    drift(one.account, live, field.path, old)
                    break
                drift(one.account, live, field.path, old)


def siblings(state: State, live: Live, sid: object) -> list[Live]:
    target = state.get(sid) if isinstance(sid, str) else None
    kind = target.kind if target is not None else None
    return [one for one in state if one.kind == kind and one.parents[:1] == live.parents[:1]]


@pytest.mark.slow
@pytest.mark.parametrize(("example", "env", "at"), TABLE)
def test_every_field_of_an_example_is_accepted(example: str, env: str, at: str, tmp_path: Path) -> None:
    check(example, env, at, tmp_path, 10**6)


@pytest.mark.parametrize(("example", "env", "at"), TABLE[:1])
def test_the_fields_of_an_example_are_accepted(example: str, env: str, at: str, tmp_path: Path) -> None:
    check(example, env, at, tmp_path, 12)


def check(example: str, env: str, at: str, folder: Path, most: int) -> None:
    path = folder / example
    shutil.copytree(EXAMPLES / example, path)
    one = Desk(path, env, secrets())
    one.apply()
    assert one.changes() == []
    before = one.files()
    accepted, refused = set[str](), list[tuple[str, str]]()
    for number, (name, kind) in enumerate(drifts(one)):
        if number >= most:
            break
        found = one.accept(name, at=at)
        if found.refused:
            assert one.files() == before
            refused += [(name, item.reason) for item in found.refused]
            continue
        accepted.add(kind)
        assert name not in one.changes(), name
        lines = changed_lines(before, one.files())
        # One line in place, or the lines of one value and the keys above it.
        assert 1 <= len(lines) <= 14, (name, lines)
        kept = [line for line in lines if line.startswith("-")]
        assert len(kept) <= 3, (name, lines)
        for file, text in before.items():
            (path / file).write_bytes(text.encode())
    expected = (INTERPOLATED, TOGETHER, "the live value is empty", *(["other environments"] if not at else []))
    if at == "template":
        expected = (*expected, "other environments")
    assert [item for item in refused if not item[1].startswith(expected)] == []
    assert accepted
