"""The tables T6 (fields) and T7 (resources), row by row."""

from __future__ import annotations

import itertools
from typing import Literal

import pytest

from tests.model.rules import FieldState, Mark, ReturnValue, Value, classify_field, classify_resource

# B, D, L: class | plan | drift. `–` is not declared in B and D, and empty in L, which is also the return value.
FIELDS = """
– – –: not managed | – | section 3
– – x: not managed | – | section 3
– – y: not managed | – | section 3
– x –: pending (newly declared) | change | pending
– x x: up to date | – | –
– x y: pending (newly declared) | change | pending
– y –: pending (newly declared) | change | pending
– y x: pending (newly declared) | change | pending
– y y: up to date | – | –
x – –: up to date | forgotten | –
x – x: pending (removed) | return | pending
x – y: conflict (removed) | withheld | drift
x x –: drifted | change | drift
x x x: up to date | – | –
x x y: drifted | change | drift
x y –: conflict | refused | drift
x y x: pending | change | pending
x y y: up to date | – | –
y – –: up to date | forgotten | –
y – x: conflict (removed) | withheld | drift
y – y: pending (removed) | return | pending
y x –: conflict | refused | drift
y x x: up to date | – | –
y x y: pending | change | pending
y y –: drifted | change | drift
y y x: drifted | change | drift
y y y: up to date | – | –
x y z: conflict | refused | drift
unknown x x: up to date | – | –
unknown x y: unknown | change | drift
unknown x –: unknown | change | drift
unknown – –: up to date | forgotten | –
unknown – x: conflict (removed) | withheld | drift
"""

# The same with an adopted value x or y, or without a return value ("stays").
RETURNS = """
x – x, adopted y: pending (removed) | return | pending
x – y, adopted y: up to date | forgotten | –
x – –, adopted y: conflict (removed) | withheld | drift
x – x, adopted x: up to date | forgotten | –
x – y, adopted x: conflict (removed) | withheld | drift
– – y, adopted y: not managed | – | section 3
x x y, adopted y: drifted | change | drift
x – x, stays: up to date | forgotten | –
x – y, stays: up to date | forgotten | –
"""

RESOURCES = """
– – missing: up to date | forgotten | –
– – as B: unmanaged | listed | unmanaged
– – changed: unmanaged | listed | unmanaged
– absent missing: up to date | – | –
– absent as B: pending | delete | pending
– absent changed: pending | delete | pending
– declared missing: pending | create | pending
– declared as B: fields | fields | fields
– declared changed: fields | fields | fields
absent – missing: up to date | forgotten | –
absent – as B: unmanaged | listed | unmanaged
absent – changed: unmanaged | listed | unmanaged
absent absent missing: up to date | – | –
absent absent as B: drifted | delete | drift
absent absent changed: drifted | delete | drift
absent declared missing: pending | create | pending
absent declared as B: fields | fields | fields
absent declared changed: fields | fields | fields
declared – missing: up to date | forgotten | –
declared – as B: pending (removed) | R1, R2 | pending
declared – changed: conflict (removed) | withheld | drift
declared absent missing: up to date | – | –
declared absent as B: pending | delete | pending
declared absent changed: pending | delete | pending
declared declared missing: drifted | create | drift
declared declared as B: fields | fields | fields
declared declared changed: fields | fields | fields
"""


def lines(table: str) -> list[str]:
    return table.strip().splitlines()


def field_state(text: str) -> FieldState:
    special: dict[str, FieldState] = {"–": Mark.UNDECLARED, "unknown": Mark.UNKNOWN}
    return special.get(text, text)


def live(text: str) -> Value:
    return None if text == "–" else text


@pytest.mark.parametrize("line", lines(FIELDS) + lines(RETURNS))
def test_fields(line: str) -> None:
    situation, _, expected = line.partition(": ")
    states, _, special = situation.partition(", ")
    b, d, now = states.split()
    returns: ReturnValue = Mark.NO_RETURN if special == "stays" else special.removeprefix("adopted ") or None
    verdict = classify_field(field_state(b), field_state(d), live(now), returns)
    assert f"{verdict.kind} | {verdict.plan} | {verdict.drift}" == expected


@pytest.mark.parametrize("line", lines(RESOURCES))
def test_resources(line: str) -> None:
    situation, _, expected = line.partition(": ")
    b, d, state = situation.split(maxsplit=2)
    kinds: dict[str, Literal["–", "absent", "declared"]] = {"–": "–", "absent": "absent", "declared": "declared"}
    states: dict[str, Literal["missing", "as B", "changed"]] = {
        "missing": "missing",
        "as B": "as B",
        "changed": "changed",
    }
    verdict = classify_resource(kinds[b], kinds[d], states[state])
    assert f"{verdict.kind} | {verdict.plan} | {verdict.drift}" == expected


def test_the_tables_are_complete() -> None:
    assert {" ".join(one) for one in itertools.product("–xy", repeat=3)} <= {x.split(":")[0] for x in lines(FIELDS)}
    every = itertools.product(("–", "absent", "declared"), ("–", "absent", "declared"), ("missing", "as B", "changed"))
    assert {" ".join(one) for one in every} == {x.split(":")[0] for x in lines(RESOURCES)}
