"""The record of each resource of an undo, whatever handle it had before the apply, or has now."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.address import Address
from reconciler.config.model import Config, Declared
from reconciler.ledger.undone_addresses import UndoneRecords, in_present_addresses
from reconciler.planning.baseline import Record
from reconciler.planning.plan import UndoneAddress
from tests.ledger.clones import Clones, commit, git
from tests.world import read

ALPHA, BETA, GAMMA = (
    f"friendly_name: {name}, type: conversation, permissions: [x]" for name in ("Alpha", "Beta", "Gamma")
)
SERVICE = Address.parse("services.s")


def role(handle: str) -> Address:
    return SERVICE.child("roles", handle)


def files(**roles: str) -> Config:
    lines = "".join(f"      {handle}: {{{content}}}\n" for handle, content in roles.items())
    return read(f"version: 1\nservices:\n  s:\n    roles:\n{lines or '      {}'}")


def present(
    identity: Declared,
    item: UndoneAddress,
    *,
    current: dict[str, Record],
    before: dict[str, Record],
    entries: dict[int, Config],
    sid: str = "",
) -> UndoneRecords:
    """Give the records of a role of entry 2's report their present addresses; `sid` is the one of its live resource."""
    service = Record(1)
    found = in_present_addresses(
        UndoneRecords(
            {identity.address: item},
            {SERVICE: service, identity.address: Record(2)},
            {SERVICE: service, **{role(handle): one for handle, one in before.items()}},
        ),
        {SERVICE: service, **{role(handle): one for handle, one in current.items()}},
        {
            SERVICE: files().resources[SERVICE],
            identity.address: replace(identity, pin=sid or None),
        },
        {number: config.resources for number, config in entries.items()},
        lambda record, one: bool(one) and record.sid_digest not in {"", one},
    )
    return replace(found, left={}, before={one: record for one, record in found.before.items() if one != SERVICE})


UPDATED = UndoneAddress("write", existed=True)
NOW_BETA = {1: files(a=ALPHA), 3: files(a=BETA, b=ALPHA)}


def test_the_attempt_is_recorded_where_the_resource_is_now() -> None:
    alpha = files(a=ALPHA).resources[role("a")]
    assert present(
        alpha, UPDATED, current={"a": Record(3), "b": Record(3)}, before={"a": Record(1)}, entries=NOW_BETA
    ) == UndoneRecords({role("b"): UPDATED}, {}, {role("b"): Record(1, declared_as={1: role("a")})})


def test_a_resource_that_got_another_name_since_keeps_its_handle() -> None:
    entries = {1: files(a=ALPHA), 3: files(a=BETA)}
    renamed = files(a=BETA).resources[role("a")]
    for identity in (renamed, files(a=GAMMA).resources[role("a")]):
        found = present(identity, UPDATED, current={"a": Record(3)}, before={"a": Record(1)}, entries=entries)
        assert found == UndoneRecords({role("a"): UPDATED}, {}, {role("a"): Record(1)})


def test_what_is_no_longer_recorded_takes_no_other_record() -> None:
    alpha = files(a=ALPHA).resources[role("a")]
    current = {"a": Record(3, sid_digest="RL2")}
    found = present(alpha, UPDATED, current=current, before={"a": Record(1)}, entries={3: files(a=BETA)}, sid="RL1")
    assert list(found.undone) == [role("Alpha")]
    deleted = UndoneAddress("write", creates=True, existed=True)
    identities = {SERVICE: files().resources[SERVICE], role("a"): alpha}
    before = UndoneRecords({role("a"): deleted}, {}, {SERVICE: Record(1), role("a"): Record(1)})
    entries = {number: config.resources for number, config in {1: files(a=ALPHA), 3: files(a=BETA)}.items()}
    records = {SERVICE: Record(1), role("a"): Record(3)}
    found = in_present_addresses(before, records, identities, entries, lambda *_: False)
    assert found.undone == {role("Alpha"): deleted}
    assert found.before[role("Alpha")] == Record(1, declared_as={1: role("a")})


def test_exchanged_handles_take_back_their_own_records() -> None:
    alpha = files(b=ALPHA).resources[role("b")]
    former = {"a": Record(1, sid_digest="alpha"), "b": Record(1, sid_digest="beta")}
    entries = {1: files(a=ALPHA, b=BETA), 2: files(a=BETA, b=ALPHA)}
    found = present(alpha, UPDATED, current={"a": Record(2), "b": Record(2)}, before=former, entries=entries)
    assert found.undone == {role("b"): UPDATED}
    assert found.before[role("b")] == Record(1, sid_digest="alpha", declared_as={1: role("a")})


def test_a_created_resource_has_no_former_record_of_its_handle() -> None:
    created = UndoneAddress("write")
    gamma = files(a=GAMMA).resources[role("a")]
    entries = {1: files(a=ALPHA), 2: files(a=GAMMA)}
    found = present(gamma, created, current={"a": Record(2)}, before={"a": Record(1)}, entries=entries)
    assert found == UndoneRecords({role("a"): created}, {}, {})


def test_handles_are_compared_where_no_declaration_can_be_read() -> None:
    alpha = files(a=ALPHA).resources[role("a")]
    found = present(alpha, UPDATED, current={"a": Record(3)}, before={"a": Record(1)}, entries={})
    assert found == UndoneRecords({role("a"): UPDATED}, {}, {role("a"): Record(1)})


# --- in git ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("undoes", [False, True])
def test_an_undo_changes_no_record_of_the_resource_that_has_the_handle_now(clones: Clones, undoes: bool) -> None:  # noqa: FBT001 - a column
    text = (clones.here / "reconciler.yaml").read_text(encoding="utf-8")

    def apply(roles: str, *arguments: str) -> int:
        commit({"reconciler.yaml": text.replace("roles: {", f"roles: {{{roles}, ")}, clones.here)
        git("push", "-q", "origin", "main", at=clones.here)
        return clones.apply(*arguments).code

    alpha, beta = (f"{{friendly_name: {name}, type: conversation, permissions: [%s]}}" for name in ("Alpha", "Beta"))
    assert apply(f"a: {alpha % 'sendMessage'}", "--start-ledger") == 0
    assert apply(f"a: {alpha % 'addParticipant'}", "--report", "../report.json") == 0
    assert apply(f"b: {alpha % 'addParticipant'}, a: {beta % 'addParticipant'}") == 0
    before = clones.entry().records()
    if undoes:
        assert clones.at("here", "undo", "../report.json", "--yes").code == 0
        a, b = (Address.parse(f"services.support.roles.{handle}") for handle in "ab")
        assert clones.entry().records() == {**before, b: replace(before[b], attempted=(1,), declared_as={1: a})}
    commit({"reconciler.yaml": text}, clones.here)
    git("push", "-q", "origin", "main", at=clones.here)
    done = clones.apply("--format", "json")
    assert (done.code, done.json["summary"]["delete"]) == (0, 2)
