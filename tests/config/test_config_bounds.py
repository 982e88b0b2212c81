"""Bounds: reading costs in proportion to the files, and interpolation has a limit on its work, not only on its size.

Work is counted in calls, never in time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from reconciler.config import interpolation
from reconciler.config.interpolation import MOST_WORK
from reconciler.config.layout import Layout
from reconciler.kinds import KINDS
from tests.config.told import Files, problems_of

LAYOUT = Layout.of(KINDS)


def calls(files: Files, **options: Any) -> int:
    """How many calls of functions, Python's own included, reading takes."""
    count = 0

    def look(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        if event in {"call", "c_call"}:
            count += 1

    sys.setprofile(look)
    try:
        problems_of(files, layout=LAYOUT, **options)
    finally:
        sys.setprofile(None)
    return count


def lines(number: int, line: str) -> str:
    return "\n".join(line.replace("#", str(index)) for index in range(number))


def listed(number: int, item: str) -> str:
    return ", ".join(item.replace("#", str(index)) for index in range(number))


SID = "RL{:032x}"
LOOKS_UP = "  s#: {{friendly_name: '${{{}}}x'}}"
SHAPES: dict[str, Callable[[int], Files]] = {
    "unknown words": lambda n: f"account: {{webhooks: {{filters: [{listed(n, 'onWord#')}]}}}}",
    "words of programmable chat": lambda n: f"account: {{webhooks: {{filters: [{listed(n, 'onChannel#Added')}]}}}}",
    "the same word": lambda n: f"account: {{webhooks: {{filters: [{listed(n, 'onMessageAdd')}]}}}}",
    "unknown permissions": lambda n: (
        f"services: {{s: {{roles: {{r: {{type: service, permissions: [{listed(n, 'doThing#')}]}}}}}}}}"
    ),
    "triggers": lambda n: (
        "services: {s: {conversations: {c: {webhooks: {w: {target: trigger, url: https://a.example, "
        f"triggers: [{listed(n, 'word#')}]}}}}}}}}}}}}"
    ),
    "unknown keys at the top": lambda n: lines(n, "key#: 1"),
    "unknown keys of a resource": lambda n: f"services:\n  s:\n{lines(n, '    key#: 1')}",
    "unknown keys of resources": lambda n: f"services:\n{lines(n, '  s#: {freindly_name: x}')}",
    "duplicate keys": lambda n: f"services:\n  s: {{}}\n{lines(n, '  s: {}')}",
    "one name": lambda n: f"services:\n{lines(n, '  s#: {friendly_name: x}')}",
    "one name, pinned": lambda n: "services: {s: {roles: {"
    + ", ".join(f"r{i}: {{sid: {SID.format(i)}, friendly_name: x, type: service}}" for i in range(n))
    + "}}}",
    "names that look alike": lambda n: (
        "services:\n" + "\n".join(f"  s{i}: {{friendly_name: '{' ' * i}a'}}" for i in range(min(n, 200)))
    ),
    "credentials of one name": lambda n: f"credentials:\n{lines(n, '  c#: {friendly_name: x}')}",
    "one webhook": lambda n: (
        "services: {s: {conversations: {c: {webhooks: {"
        + listed(n, "w#: {target: studio, flow_sid: FW0123456789abcdef0123456789abcdef}")
        + "}}}}}"
    ),
    "one pair": lambda n: (
        "services: {s: {conversations: {c: {participants: {"
        + listed(n, "p#: {address: '+14155550199', proxy_address: '+14155550100'}")
        + "}}}}}"
    ),
    "unknown references": lambda n: f"services:\n  s:\n    users:\n{lines(n, '      u#: {role: rol#}')}",
    "unknown variables": lambda n: f"services:\n{lines(n, LOOKS_UP.format('var:v#'))}",
    "unset secrets": lambda n: f"services:\n{lines(n, LOOKS_UP.format('secret:V#'))}",
    "variables": lambda n: f"variables:\n{lines(n, '  v#: x')}\nservices:\n{lines(n, LOOKS_UP.format('var:v#'))}",
    "unknown templates": lambda n: f"templates:\n{lines(n, '  t#: {}')}\nservices:\n{lines(n, '  s#: {template: u#}')}",
    "environments": lambda n: f"environments:\n{lines(n, '  e#: {variables: {v: 1}, x: 1}')}",
    "prune twice": lambda n: f"addresses: {{}}\nprune: [{listed(n, 'addresses')}]",
    "unknown collections": lambda n: f"prune: [{listed(n, 'a#')}]",
    "approvals": lambda n: f"approvals: [{listed(n, '{address: services.s#}')}]",
    "ignored fields": lambda n: f"services: {{s: {{lifecycle: {{ignore_changes: [{listed(n, 'f#')}]}}}}}}",
    "keys of attributes": lambda n: f"services: {{s: {{users: {{u: {{attributes: {{{listed(n, 'k#: +1')}}}}}}}}}}}",
    "aliases": lambda n: f"x-a: &a {{target: flex}}\nx-b: [{listed(n, '*a')}]",
    "anchors": lambda n: f"x-a: [{listed(n, '&a# 1')}]\nx-b: *nothing",
    "included files": lambda n: {
        "reconciler.yaml": f"version: 1\ninclude: [{listed(n, 'f#.yaml')}]",
        **{f"f{i}.yaml": f"services: {{s{i}: {{}}, s: {{friendly_name: x}}}}" for i in range(n)},
    },
    "unsets": lambda n: f"services:\n{lines(n, '  s#: !unset')}",
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_twice_as_much_costs_twice_as_much(shape: str) -> None:
    files = SHAPES[shape]
    calls(files(50))  # what is made once does not count
    few, many = calls(files(150)), calls(files(300))
    assert many < 2.5 * few + 2000, (few, many)


# --- interpolation ---


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """The pieces that interpolation looks at, which a limit has to hold."""
    seen = 0
    piece = interpolation.Interpolation._piece

    def counted(*arguments: Any) -> Any:
        nonlocal seen
        seen += 1
        return piece(*arguments)

    monkeypatch.setattr(interpolation.Interpolation, "_piece", counted)
    return lambda: seen


def doubling(levels: int, first: str) -> str:
    rows = "\n".join(f"  v{number}: '{f'${{var:v{number - 1}}}' * 2}'" for number in range(1, levels))
    return f"variables:\n  v0: {first}\n{rows}\n"


@pytest.mark.parametrize(
    "first",
    [
        "''",
        "'${env:EMPTY}'",
        "'${secret:NOT_SET}'",
        "'${env:NOT_SET:-}'",
        "'${var:nothing:-}'",
        "x",
        "'${NAME}'",
    ],
)
@pytest.mark.parametrize("use", ["services: {s: {friendly_name: '${var:v59}'}}", "x-nothing: 1"])
def test_empty_values_cannot_multiply(work: Callable[[], int], first: str, use: str) -> None:
    text = doubling(60, first) + use
    problems_of(text, {"EMPTY": ""}, layout=LAYOUT)
    assert work() < 1000


def test_what_a_text_records_does_not_multiply() -> None:
    text = doubling(30, "''") + "services: {s: {friendly_name: 'x${var:v29}'}}"
    assert problems_of(text, layout=LAYOUT) == ()


@pytest.mark.parametrize("value", ["''", "x"])
def test_aliases_of_one_text_cannot_multiply_its_work(
    work: Callable[[], int], monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setattr(interpolation, "MOST_WORK", MOST_WORK // 1000)
    anchored = f"variables: {{a: {value}}}\nx-a: &a '{'${var:a}' * 500}'\n"
    attributes = f"attributes: {{a: [{listed(2000, '*a')}]}}"
    text = f"{anchored}services: {{s: {{users: {{u: {{{attributes}}}}}}}}}"
    problems = problems_of(text, layout=LAYOUT)
    assert "too-large" in {item.code for item in problems}
    assert work() < 5000


def test_a_limit_is_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interpolation, "MOST_WORK", 1000)
    text = f"variables: {{a: {'x' * 300}}}\nservices:\n{lines(50, LOOKS_UP.format('var:a'))}"
    assert [item.code for item in problems_of(text, layout=LAYOUT) if item.code != "too-long"] == ["too-large"]


def test_patterns_of_includes_are_limited() -> None:
    text = f"include: [{listed(1500, 'none#/*.yaml')}]"
    problems = problems_of(text)
    assert [item.code for item in problems if item.severity == "error"][:1] == ["too-large"]
