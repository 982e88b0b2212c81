"""What scenarios of a plan share: a service to plan in, and short readings of a plan and of what was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from reconciler.change import Change, FieldChange
from reconciler.emulator import RequestRecord, Rules
from reconciler.errors import MatchError
from reconciler.planning.plan import Plan
from tests.world import World

HEAD = """
version: 1
services:
  club:
    friendly_name: Members' club
"""


def told(made: Plan) -> list[str]:
    """Changes as ``action address``, in order."""
    return [f"{change.action} {change.address}" for change in made.changes]


def only(made: Plan) -> Change:
    assert len(made.changes) == 1, told(made)
    return made.changes[0]


def fields(change: Change) -> dict[str, FieldChange]:
    return {item.path: item for item in change.fields}


def problems(error: pytest.ExceptionInfo[MatchError]) -> list[str]:
    return [problem.code for problem in error.value.problems]


def club(rules: Rules | None = None) -> tuple[World, str]:
    """An account with the club's service, and the path of that service."""
    account = World(rules or Rules())
    made = account.post("/v1/Services", {"FriendlyName": "Members' club"})
    return account, f"/v1/Services/{made['sid']}"


def sent(account: World) -> list[tuple[str, Mapping[str, Sequence[str]]]]:
    """Every write with its form, oldest first."""
    return [(f"{item.method} {item.path}", item.form) for item in writes(account)]


def writes(account: World) -> list[RequestRecord]:
    return [record for record in account.emulator.requests if record.method != "GET"]
