"""A15: whatever drifts, and however the file is written, the plan is then empty, and all else stays as it is."""

from __future__ import annotations

import copy
import json
import random
import re
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import ConfigError
from reconciler.kinds.fields import Shape
from reconciler.testing import EmulatedAccount
from tests.accept.configurations import files, labels
from tests.accept.drifting import Desk, changed_lines, drift, others

REFUSED = re.compile(
    r"the value comes through a YAML alias|an alias in \S+ repeats the value|the edited files would be wrong: "
    r"|\S+ cannot be edited in place|without it, the value in"
)


@settings(max_examples=15)
@given(text=files(), seed=st.integers(0, 10**6))
def test_accepted_drift_is_gone(text: str, seed: int) -> None:
    check(text, seed)


@pytest.mark.slow
@settings(max_examples=2000)
@given(text=files(), seed=st.integers(0, 10**6))
def test_accepted_drift_is_gone_thoroughly(text: str, seed: int) -> None:
    check(text, seed)


def check(text: str, seed: int) -> None:
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as name, closing(EmulatedAccount()) as account:
        folder = Path(name)
        for part in ("", "baseline"):
            (folder / part).mkdir(exist_ok=True)
            (folder / part / "reconciler.yaml").write_bytes(text.encode())
        one = Desk(folder, account=account)
        try:
            one.apply()
        except ConfigError:
            return  # two parts of the document do not go together
        assert one.changes() == []
        drifted = drift_some(one, chance)
        before = one.files()
        inputs = {"baseline": str(folder / "baseline")}
        found = one.accept(inputs=inputs)
        refused = tuple(f"{item.address}.{item.path}" for item in found.refused)
        for item in found.refused:
            assert REFUSED.match(item.reason), (item, text)
        left = set(one.changes())
        # Of a resource that cannot be cut out, every field is left.
        assert [name for name in left if not f"{name}.".startswith(refused)] == [], (left, refused)
        after = one.files()["reconciler.yaml"]
        assert_only(before["reconciler.yaml"], after, drifted)
        assert_comments(before["reconciler.yaml"], after)
        accepted = [
            (*item.address.parts, *item.path.split(".")) if item.path else item.address.parts for item in found.accepted
        ]
        assert rest(before["reconciler.yaml"], accepted) == rest(after, accepted)
        again = one.accept(inputs={**inputs})
        # What was refused can be accepted once its alias is gone, with the resource that was cut out.
        assert again.files == {} or refused
        assert refused or one.files()["reconciler.yaml"] == after


def drift_some(one: Desk, chance: random.Random) -> int:
    """Drift up to six values, and delete a role now and then; returns how many."""
    made, _ = one.read()
    fields = [
        (live, item)
        for address, live in made.live.items()
        for item in live.kind.fields
        if not item.write_only and not item.immutable and not item.natural_key and item.shape is not Shape.REF
        if item.path in one_declared(one, address)
    ]
    chance.shuffle(fields)
    count = 0
    for live, item in fields[: chance.randint(1, 6)]:
        choices = list(others(item, live.values.get(item.path), ()))
        count += bool(choices) and drift(one.account, live, item.path, chance.choice(choices))
    roles = [live for address, live in made.live.items() if live.kind.name == "role"]
    if roles and chance.random() < 0.3:
        live = chance.choice(roles)
        one.account.delete(f"/v1/Services/{live.parents[0]}/Roles/{live.sid}")
        count += 1
    return count


def one_declared(one: Desk, address: Any) -> set[str]:
    from reconciler.workflow.loading import validate

    return set(validate(one.inputs, {}).resources[address].values)


def rest(text: str, accepted: list[tuple[str, ...]]) -> Any:
    """What a file means without the accepted values."""
    document = copy.deepcopy(yaml.load(text.removeprefix("\ufeff"), getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    for parts in accepted:
        inner = document
        for part in parts[:-1]:
            inner = inner.get(part, {}) if isinstance(inner, dict) else {}
        if isinstance(inner, dict):
            inner.pop(parts[-1], None)
    return without_empty(document)


def without_empty(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    found = {key: without_empty(item) for key, item in value.items()}
    return {key: item for key, item in found.items() if item not in ({}, None)}


def assert_comments(before: str, after: str) -> None:
    """Every comment that names a value is there as long as the value, and not longer."""
    document = yaml.load(after.removeprefix("\ufeff"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    counts = {number: len(re.findall(rf"# @{number} ", after)) for number in labels(before)}
    for number, path in labels(before).items():
        assert counts[number] in expected_labels(document, path), (path, after)


def expected_labels(value: Any, path: list[Any]) -> set[int]:
    """How many labels of a value a document may have."""
    for part in path:
        if isinstance(part, list):
            item, count = part
            if not isinstance(value, list):
                return {0}
            left = sum(json.dumps(one) == json.dumps(item) for one in value)
            if left >= count:
                return {1}
            # Another item of JSON may have taken its place, and equal ones cannot be told apart.
            return {0, 1} if "attributes" in path or left else {0}
        if not isinstance(value, dict) or part not in value:
            return {0}
        value = value[part]
    return {1}


def assert_only(before: str, after: str, drifted: int) -> None:
    """The files differ in few lines, and in structure at no more places than drifted."""
    lines = changed_lines({"x": before}, {"x": after})
    assert (drifted > 0) or not lines
    assert before.startswith("\ufeff") == after.startswith("\ufeff")
    assert ("\r\n" in before) == ("\r\n" in after)
    assert not re.search("(?<!\r)\n", after) or not re.search("\r\n", before)
    yaml.load(after.removeprefix("\ufeff"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
