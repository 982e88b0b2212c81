"""An undo makes the account what it was before the apply, for every configuration and every account."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import event, given

from reconciler.address import Address
from reconciler.config.model import Config
from reconciler.emulator import Rules
from reconciler.errors import MatchError
from reconciler.planning.plan import Plan
from tests.properties.accounts import inhabited
from tests.properties.strategies import Call, accounts, configurations, text
from tests.properties.test_convergence import approved, quick, thorough
from tests.undone import differences, do, paths, picture, plan_undo
from tests.world import World, read

Excuse = tuple[str, str]
"""A path, and the key of the one difference that is excused; empty for everything at the path and below it."""
_FORMS: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
    "role": ("/v1/Services/{}/Roles", {"FriendlyName": "name", "Type": "type"}, {}),
    "user": ("/v1/Services/{}/Users", {"Identity": "name"}, {"FriendlyName": "Someone else's"}),
    "address": ("/v1/Configuration/Addresses", {"Address": "name", "Type": "type"}, {"FriendlyName": "Someone else's"}),
}
"""How a resource of a kind is made again: a path for its parent, the keys of its row, and other values."""


@quick
@given(configurations(), accounts())
def test_an_undo_restores_the_account(root: dict[str, Any], calls: list[Call]) -> None:
    restores(root, calls)


@pytest.mark.slow
@thorough
@given(configurations(), accounts())
def test_an_undo_restores_the_account_thoroughly(root: dict[str, Any], calls: list[Call]) -> None:
    restores(root, calls)


@pytest.mark.slow
@thorough
@given(configurations(), accounts())
def test_an_undo_changes_nothing_that_someone_made_since(root: dict[str, Any], calls: list[Call]) -> None:
    """Make what the apply deleted or replaced again, with other values, before the undo."""
    account, files = inhabited(calls, Rules()), read(text(root))
    made = planned(account, files)
    if made is None:
        return
    rows = account.snapshot()
    _, report = do(account, made, files)
    theirs = _made_again(rows, account)
    event(f"made again: {sorted({rows[sid]['kind'] for sid in theirs.values()})}")
    if not theirs:
        return
    before = account.snapshot()
    undo = plan_undo(account, report, files)
    do(account, undo, files)
    after = account.snapshot()
    assert {sid: after.get(sid) for sid in theirs} == {sid: before[sid] for sid in theirs}


def _made_again(rows: dict[str, Any], account: World) -> dict[str, str]:
    """Make a namesake of each role, user, and address that is gone; give its SID, and that of the former one."""
    present, made = account.snapshot(), dict[str, str]()
    for sid, row in rows.items():
        if sid in present or row["kind"] not in _FORMS or row["parent"] not in {*present, None}:
            continue
        path, names, given = _FORMS[row["kind"]]
        form = {**{key: str(row[of]) for key, of in names.items()}, **given}
        if row["kind"] == "role":
            form["Permission"] = "addParticipant" if row["type"] == "service" else "leaveConversation"
        answer = account.emulator.call("POST", path.format(row["parent"]), form)
        if answer.status == 201 and answer.body is not None:
            made[answer.body["sid"]] = sid
    return made


def planned(account: World, files: Config) -> Plan | None:
    """Plan with every approval; None if the account does not allow the configuration."""
    try:
        return approved(account, files)
    except MatchError:
        event("cannot be planned")
        return None


def restores(root: dict[str, Any], calls: list[Call]) -> None:
    account, files = inhabited(calls, Rules()), read(text(root))
    made = planned(account, files)
    if made is None:
        return
    before, rows, names = picture(account), account.snapshot(), paths(account)
    _, report = do(account, made, files)
    excuses = [*_lost_with_deletes(before, rows, names, account), *_made_by_twilio(before, account)]
    noted: set[Address] = set()
    while True:
        undo = plan_undo(account, report, files)
        assert undo.blocking() == (), undo.blocking()
        noted |= {address for address, _ in undo.irreversible}
        # A former default is protected until it is none any more.
        if not any(change.steps and not change.is_withheld for change in undo.changes):
            break
        done, _ = do(account, undo, files)
        event(f"exit code {done.exit_code}")
        assert done.exit_code in {0, 5}, [outcome for result in done.results for outcome in result.outcomes]
    left = differences(before, picture(account))
    excuses += _irreversible(noted, undo, account, names)
    withheld = list(_withheld(undo, account, before))
    unexplained = {
        what: sides
        for what, sides in left.items()
        if not any(_excuses(excuse, what) for excuse in (*excuses, *withheld))
    }
    assert unexplained == {}
    event("withheld" if withheld else "not all can be set back" if left else "the same as before")


def _excuses(excuse: Excuse, what: str) -> bool:
    path, key = excuse
    return what == f"{path}: {key}" if key else what == path or what.startswith((f"{path}: ", f"{path} "))


def _lost_with_deletes(
    before: dict[str, Any], rows: dict[str, Any], names: dict[str, str], account: World
) -> Iterator[Excuse]:
    """What a deleted service or conversation contained, and what a deleted user took part in."""
    gone = [sid for sid in rows if sid not in account.snapshot()]
    identities = set()
    for sid in gone:
        if rows[sid]["kind"] in {"service", "conversation"}:
            yield from ((path, "") for path in before if path.startswith(f"{names[sid]} / "))
        if rows[sid]["kind"] == "service":
            yield from ((names[sid], block) for block in ("configuration", "notifications", "webhooks"))
        if rows[sid]["kind"] == "user":
            identities.add((names[rows[sid]["parent"]], rows[sid]["name"]))
    for sid, row in rows.items():
        if row["kind"] == "participant" and (names[rows[row["parent"]]["parent"]], row["name"]) in identities:
            yield names[sid], ""


def _made_by_twilio(before: dict[str, Any], account: World) -> Iterator[Excuse]:
    """Users that Twilio made for participants: no report can tell which of them it made."""
    rows, names = account.snapshot(), paths(account)
    identities = {row["name"] for row in rows.values() if row["kind"] == "participant"}
    for sid, row in rows.items():
        if row["kind"] == "user" and row["name"] in identities and names[sid] not in before:
            yield names[sid], ""


def _irreversible(noted: Iterable[Address], undo: Plan, account: World, former: Mapping[str, str]) -> Iterator[Excuse]:
    """What plans listed as irreversible.

    Args:
        noted: the addresses.
        undo: the last plan.
        account: the account.
        former: the paths before the apply, by SID: a closed conversation keeps its new name, too.
    """
    names = paths(account)
    for address in noted:
        live = undo.live.get(address)
        if live is None:
            continue  # it is withheld, too
        if live.kind.singleton:
            yield names[live.parents[0]] if live.parents else "account", address.parts[-1]
        else:
            yield names[live.sid], ""
            if live.sid in former:
                yield former[live.sid], ""


def _withheld(undo: Plan, account: World, before: Iterable[str]) -> Iterator[Excuse]:
    """What the last plan withholds: a live resource, or one that is not created again."""
    names = paths(account)
    for change in undo.changes:
        if not change.is_withheld:
            continue
        if change.sid in names:
            yield names[change.sid], ""
        elif change.kind.match_by_content and change.parent is not None and change.parent in undo.live:
            yield f"{names[undo.live[change.parent].sid]} / webhook", ""
        elif change.kind.singleton:
            live = undo.live[change.address]
            yield names[live.parents[0]] if live.parents else "account", change.address.parts[-1]
        else:
            yield from (
                (path, "") for path in before if path.rpartition(" / ")[2].partition(" ")[2].startswith(change.name)
            )
