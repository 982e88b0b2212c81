"""Arbitrary configurations meet arbitrary accounts: what is deleted, and who holds what afterwards.

The judge reads the traffic, the account, the YAML, and the plan that was shown; it shares nothing with the planner.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, seed, settings

from tests.oracles.command import Folder
from tests.oracles.judge import Case
from tests.oracles.reading import Configuration
from tests.oracles.worlds import Call, World, worlds

few = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    # Without shrinking: what fails is shown whole.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    report_multiple_bugs=False,
)
PARTS = 4
many = settings(few, max_examples=2000 // PARTS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(tmp_path_factory.mktemp("project"))


def judge(folder: Folder, world: World) -> str:
    """Plan, apply, and plan again; gives how it ended.

    Raises:
        AssertionError: something is wrong with it; the message tells the whole case.
    """
    account, root = world.account()
    folder.begin(json.dumps(root, indent=1))
    before = account.state()
    plan = folder.run(account, "plan", "--format", "json", *world.options)
    assert plan.writes == [], plan.traffic
    run = folder.run(account, "apply", "--yes", "--format", "json", *world.options, with_states=True)
    configuration = Configuration(root)
    is_scoped = bool(world.options) or any(
        resource.lifecycle.get("ignore_changes") for resource in configuration.resources
    )
    is_scoped = is_scoped or "ignore_changes" in json.dumps(root)
    shown = plan.document if plan.code == 0 else {}
    case = Case(configuration, shown, run, before, account.state(), is_scoped)
    findings = [*case.findings(), *case.unmanaged_changes()]
    if plan.code and run.writes:
        findings.append(f"the plan ended with exit {plan.code}, and the apply sent something")
    if run.code not in {0, 1, 4, 5}:
        findings.append(f"exit {run.code}")
    if run.code == 0:
        again = folder.run(account, "plan", "--format", "json", *world.options)
        findings += [f"planned again: {change['action']} {change['address']}" for change in again.document["changes"]]
    account.close()
    assert not findings, "\n".join(
        [*findings, f"exit {run.code}", run.traffic, run.err, json.dumps(root), *map(str, world.calls), *world.options]
    )
    return f"exit {run.code} {'with' if run.writes else 'without'} writes" if plan.code == 0 else "not planned"


@few
@given(worlds())
def test_every_delete_is_licensed(folder: Folder, world: World) -> None:
    event(judge(folder, world))


TYPES = {"c": "conversation", "s": "service"}
FORMER: dict[str, dict[str, Any]] = {
    "nothing": {},
    "absent": {"b": {"absent": True}},
    "absent-c": {"b": {"type": "conversation", "absent": True}},
    "absent-s": {"b": {"type": "service", "absent": True}},
    "c": {"b": {"type": "conversation", "permissions": ["sendMessage"]}},
    "s": {"b": {"type": "service", "permissions": ["joinConversation"]}},
}


def renaming(live: str, former: str, pruned: list[str]) -> World:
    """A role a that was named b, and live roles of both names: their types, as in ``cs,s``."""
    calls = [Call("Support", "/v1/Services", {"FriendlyName": "Support"})]
    for name, letters in zip("ab", live.split(","), strict=True):
        for letter in letters.strip("-"):
            permission = "leaveConversation" if letter == "c" else "editOwnUserInfo"
            form = {"FriendlyName": name, "Type": TYPES[letter], "Permission": permission}
            calls.append(Call("", "/v1/Services/<Support>/Roles", form))
    a = {"type": "conversation", "permissions": ["sendMessage"], "renamed_from": "b"}
    body = {"friendly_name": "Support", "roles": {"a": a, **FORMER[former]}, "prune": pruned}
    return World(calls, {"version": 1, "services": {"support": body}})


@pytest.mark.parametrize(
    "pruned", [pytest.param([], id="kept"), pytest.param(["roles"], id="pruned", marks=pytest.mark.slow)]
)
@pytest.mark.parametrize(
    "former",
    [pytest.param(name, marks=[pytest.mark.slow] if name in {"absent-c", "absent-s", "s"} else []) for name in FORMER],
)
def test_every_delete_beside_a_rename_and_roles_of_other_types_is_licensed(
    folder: Folder, former: str, pruned: list[str]
) -> None:
    states = ("-", "c", "s", "cs")
    ends = {f"{a},{b}": judge(folder, renaming(f"{a},{b}", former, pruned)) for a in states for b in states}
    not_planned = {"absent": {"c,cs", "cs,cs"}, "c": {"-,s"}}.get(former, set())
    assert {live for live, end in ends.items() if end == "not planned"} == not_planned
    assert set(ends.values()) <= {"not planned", "exit 0 with writes", "exit 0 without writes"}


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_every_delete_is_licensed_in_many_examples(folder: Folder, part: int) -> None:
    ends: Counter[str] = Counter()

    @seed(part)
    @many
    @given(worlds())
    def every(world: World) -> None:
        ends[judge(folder, world)] += 1

    every()
    assert ends["exit 0 with writes"] > many.max_examples / 5, ends
