"""Each write of each scenario is refused once, loses its answer, or is the process's last; then it is applied again.

The account has to end as if nothing had happened, or what is withheld says why and nothing that only the account had is
lost. The judge compares pictures of the account, and knows nothing of plans.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from _pytest.mark import ParameterSet

from tests.oracles.account import Account, State, picture
from tests.oracles.command import Folder, Run
from tests.oracles.judge import Case
from tests.oracles.reading import Configuration
from tests.oracles.recorder import FAILURES, Fault
from tests.oracles.scenarios import SCENARIOS, Scenario

MOST_RUNS = 3
"""How many applies after a failure have to bring everything to its end."""
WITHHELD = 5
DONE = frozenset({0, WITHHELD})


@dataclass(frozen=True)
class Expected:
    """What an undisturbed apply did.

    Attributes:
        before: the account that it began with.
        configuration: what was applied.
        writes: how many writes it took.
        picture: what the account held at its end.
    """

    before: Account
    configuration: str
    writes: int
    picture: tuple[str, ...]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    return Folder(tmp_path_factory.mktemp("project"))


def apply(folder: Folder, account: Account, scenario: Scenario, fault: Fault | None = None) -> Run:
    return folder.run(
        account,
        *("apply", "--yes", "--format", "json", *scenario.options),
        fault=fault,
        environment=scenario.environment,
        with_states=True,
    )


def case_of(
    scenario: Scenario, configuration: str, run: Run, states: tuple[State, State], plan: Run | None = None
) -> Case:
    """An apply for the judge; without the plan that was shown, only what it attacked can be judged."""
    root = copy.deepcopy(_read(configuration))
    is_scoped = bool({"--target", "--exclude"} & {*scenario.options}) or "ignore_changes" in configuration
    root.setdefault("approvals", []).extend({"address": item} for item in _after("--approve", scenario.options))
    return Case(Configuration(root), {} if plan is None else plan.document, run, *states, is_scoped)


@functools.lru_cache
def _read(configuration: str) -> dict[str, Any]:
    root: dict[str, Any] = yaml.safe_load(configuration)
    return root


def _after(option: str, options: Sequence[str]) -> list[str]:
    return [value for name, value in itertools.pairwise(options) if name == option]


def prepared(folder: Folder, scenario: Scenario) -> tuple[Account, str]:
    """Set a scenario up; gives its account, and the configuration to apply to it."""
    before = Account()
    configurations = scenario.setup(before)
    *former, last = (configurations,) if isinstance(configurations, str) else configurations
    folder.begin(last)
    for configuration in former:
        folder.write(configuration)
        run = apply(folder, before, scenario)
        assert run.code == 0, run.out + run.err
    folder.write(last)
    return before, last


def undisturbed(folder: Folder, scenario: Scenario) -> Expected:
    """Apply a scenario in peace, twice, and judge both."""
    before, last = prepared(folder, scenario)
    account = before.copied()
    plan = folder.run(account, "plan", "--format", "json", *scenario.options, environment=scenario.environment)
    run = apply(folder, account, scenario)
    case = case_of(scenario, last, run, (before.state(), account.state()), plan)
    findings = [*case.findings(), *case.unmanaged_changes()]
    assert not findings, "\n".join([*findings, _told(run)])
    end = tuple(picture(account.state()))
    assert run.code == scenario.ends, _told(run)
    for part in scenario.has:
        assert any(part in line for line in end), (part, _told(run), *end)
    for part in scenario.lacks:
        assert not any(part in line for line in end), (part, _told(run), *end)
    again = apply(folder, account, scenario)
    assert again.code == scenario.ends, _told(again)
    assert scenario.repeats or again.writes == [], _told(again)
    gives_reasons(again)
    account.close()
    return Expected(before, last, len(run.writes), end)


def disturbed(folder: Folder, scenario: Scenario, expected: Expected, fault: Fault) -> None:
    """Apply a scenario with a fault, then again until nothing is left to do, and judge where that ends."""
    account = expected.before.copied()
    folder.begin(expected.configuration)
    runs = [apply(folder, account, scenario, fault)]
    assert runs[0].was_killed or runs[0].code != 0 or fault.failure != "refused", story(fault, runs)
    while goes_on(runs[-1], scenario):
        assert len(runs) <= MOST_RUNS + 1, story(fault, runs)
        runs.append(apply(folder, account, scenario))
    after = account.state()
    for run in runs:
        if not any(exchange.method == "DELETE" for exchange in run.log):
            continue
        attacks = case_of(scenario, expected.configuration, run, (expected.before.state(), after)).attacks()
        assert not attacks, f"{attacks}\n{story(fault, runs)}"
    end = tuple(picture(after))
    account.close()
    assert end == expected.picture, story(fault, runs, expected.picture, end)
    assert runs[-1].code == scenario.ends, story(fault, runs)
    gives_reasons(runs[-1])


def gives_reasons(run: Run) -> None:
    """Whatever a run withheld says why."""
    if run.code != WITHHELD:
        return
    outcomes = [outcome for change in run.document["changes"] for outcome in change["outcomes"]]
    withheld = [outcome["message"] for outcome in outcomes if outcome["status"] == "withheld"]
    assert withheld, run.out
    assert all(withheld), run.out


def faults_of(writes: int) -> Iterator[Fault]:
    """Every failure of each of so many writes."""
    for at in range(writes):
        for failure in FAILURES:
            yield Fault(failure, at)


def marked(scenarios: Iterable[Scenario]) -> list[ParameterSet]:
    """Scenarios as parameters of a test."""
    return [
        pytest.param(item, id=item.id, marks=[pytest.mark.xfail(reason=item.xfail)] if item.xfail else [])
        for item in scenarios
    ]


def test_there_are_many_scenarios_and_each_has_a_name_of_its_own() -> None:
    names = {item.name for item in SCENARIOS}
    assert len(names) == len(SCENARIOS) >= 100


@pytest.mark.parametrize("scenario", marked(SCENARIOS))
def test_a_failure_changes_nothing_about_the_end(scenario: Scenario, folder: Folder) -> None:
    """One failure of every other scenario, another one in each; where a fault is known, all of them."""
    expected = undisturbed(folder, scenario)
    possible = list(faults_of(expected.writes))
    if possible and not scenario.xfail:
        number = int.from_bytes(hashlib.sha256(scenario.name.encode()).digest()[:4])
        possible = [possible[number % len(possible)]] if SCENARIOS.index(scenario) % 2 else []
    for fault in possible:
        disturbed(folder, scenario, expected, fault)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", marked(SCENARIOS))
def test_no_failure_changes_anything_about_the_end(scenario: Scenario, folder: Folder) -> None:
    expected = undisturbed(folder, scenario)
    for fault in faults_of(expected.writes):
        disturbed(folder, scenario, expected, fault)


def goes_on(run: Run, scenario: Scenario) -> bool:
    """Whether something is left to do after a run."""
    return run.was_killed or run.code not in DONE | {scenario.ends} or (bool(run.writes) and not scenario.repeats)


def _told(run: Run) -> str:
    return (
        f"exit {run.code}{' (killed)' if run.was_killed else ''}\n{run.traffic}\n{run.err}{run.out if run.code else ''}"
    )


def story(fault: Fault | None, runs: Sequence[Run], expected: Sequence[str] = (), end: Sequence[str] = ()) -> str:
    """Describe what every run sent, and what is missing and surplus at the end."""
    lines = [f"{fault}:"]
    lines += [
        f"  run {number}: exit {run.code}{' (killed)' if run.was_killed else ''}\n{run.traffic}"
        + (f"\n{run.err}" if run.code not in DONE else "")
        for number, run in enumerate(runs)
    ]
    lines += [f"  missing: {line}" for line in expected if line not in end]
    lines += [f"  surplus: {line}" for line in end if line not in expected]
    return "\n".join(lines)
