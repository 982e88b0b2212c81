"""Two runs with one report file: an undo goes back past the second one only where it found what the first one left."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from reconciler.address import Address
from reconciler.change import Action
from reconciler.documents.continued_runs import continued
from reconciler.kinds import BY_NAME
from reconciler.planning.undo_targets import PastDigest, PastReference, PastUnknown, Target
from tests.builders import sid

SERVICE = Address.of("services", "desk")
USER, ROLE = SERVICE.child("users", "ada"), SERVICE.child("roles", "agent")
IS, ONE, TWO, THREE = sid("IS"), sid("US", 1), sid("US", 2), sid("US", 3)


def target(
    action: Action, before: Any = None, after: Any = None, *, old: str = "", new: str = "", **more: Any
) -> Target:
    """What a run did to a user."""
    made = Target(USER, BY_NAME["user"], SERVICE, (IS,), action, old_sid=old, new_sid=new, before=before, after=after)
    return replace(made, **more)


def update(path: str, before: Any, after: Any, of: str = ONE, **more: Any) -> Target:
    return target("update", {path: before}, {path: after}, old=of, new=of, **more)


@pytest.mark.parametrize(
    ("path", "values", "restored"),
    [
        ("friendly_name", ("a", "b", "b", "d"), "a"),
        ("friendly_name", ("a", "b", "c", "d"), "c"),
        ("friendly_name", ("a", "b", None, "d"), None),
        ("friendly_name", (None, "b", "", "d"), ""),
        ("friendly_name", ("a", None, "", "d"), "a"),  # the same as empty
        ("friendly_name", ("a", "b", "a", "b"), "a"),  # the first run had no effect, or was taken back
        ("attributes", ({"n": 1}, {"n": 2, "m": 0}, {"m": 0, "n": 2}, {}), {"n": 1}),
        ("attributes", ({"n": 1}, {"n": 2}, {"n": 2, "m": 0}, {}), {"n": 2, "m": 0}),
        ("friendly_name", (PastDigest("1"), PastDigest("2"), PastDigest("2"), "d"), PastDigest("1")),
        ("friendly_name", (PastDigest("1"), PastDigest("2"), PastDigest("3"), "d"), PastDigest("3")),
        ("friendly_name", ("a", PastUnknown(), PastUnknown(), "d"), "a"),
        ("role", tuple(PastReference(ROLE, one) for one in ("RL1", "RL2", "RL2", "RL3")), PastReference(ROLE, "RL1")),
        ("role", tuple(PastReference(ROLE, one) for one in ("RL1", "RL2", "RL4", "RL3")), PastReference(ROLE, "RL4")),
        ("role", tuple(PastReference(ROLE, one) for one in ("RL1", "", "RL2", "RL3")), PastReference(ROLE, "RL1")),
    ],
)
def test_a_value_that_someone_else_set_in_between_is_what_it_goes_back_to(
    path: str, values: Any, restored: Any
) -> None:
    before, left, found, after = values
    both = continued(update(path, before, left), update(path, found, after))
    assert both == update(path, restored, after)


def test_only_the_values_that_changed_in_between_do_not_go_back_further() -> None:
    earlier = target("update", {"friendly_name": "a", "attributes": {}}, {"friendly_name": "b", "attributes": {"n": 1}})
    later = target("update", {"friendly_name": "c", "attributes": {"n": 1}}, {"friendly_name": "d", "attributes": {}})
    both = continued(replace(earlier, entry=2), replace(later, entry=4))
    assert both == replace(later, before={"friendly_name": "c", "attributes": {}}, entry=2)


def test_it_names_the_first_run_that_is_undone() -> None:
    earlier, later = update("friendly_name", "a", "b", entry=2), update("friendly_name", "b", "d", entry=4)
    assert continued(earlier, later) == update("friendly_name", "a", "d", entry=2)
    foreign = update("friendly_name", "c", "d", entry=4)
    assert continued(earlier, foreign) == foreign


FULL = {"identity": "ada", "friendly_name": "a"}


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (target("create", None, FULL, new=ONE), update("friendly_name", "x", "d", TWO)),
        (target("create", None, FULL, new=ONE), target("delete", FULL, None, old=TWO)),
        (target("create", None, FULL, new=ONE), target("replace", FULL, FULL, old=TWO, new=THREE)),
        (update("friendly_name", "a", "b"), update("friendly_name", "b", "d", TWO)),
        (update("friendly_name", "a", "b"), target("delete", FULL, None, old=TWO)),
        (target("delete", FULL, None, old=ONE), update("friendly_name", "x", "d", TWO)),
        (target("delete", FULL, None, old=ONE), target("delete", {"identity": "ada"}, None, old=TWO)),
        (target("replace", FULL, FULL, old=ONE, new=TWO), update("friendly_name", "a", "d", THREE)),
        (target("replace", FULL, FULL, old=ONE, new=TWO), target("create", None, FULL, new=THREE)),
    ],
)
def test_a_resource_that_someone_else_put_in_its_place_is_another_one(earlier: Target, later: Target) -> None:
    assert continued(earlier, later) == later


def test_a_setting_of_a_service_that_was_made_again_is_another_one() -> None:
    earlier = update("friendly_name", "a", "b", "")
    later = replace(update("friendly_name", "b", "d", ""), parents=(sid("IS", 2),))
    assert continued(earlier, later) == later


def test_what_a_replace_left_keeps_what_someone_else_set_in_it() -> None:
    earlier = target("replace", {**FULL, "attributes": {}}, {**FULL, "attributes": {"n": 1}}, old=ONE, new=TWO)
    later = update("attributes", {"n": 2}, {"n": 3}, TWO)
    both = continued(earlier, later)
    assert both is not None
    assert (both.action, both.old_sid, both.new_sid) == ("replace", ONE, TWO)
    assert (both.before, both.after) == ({**FULL, "attributes": {"n": 2}}, {**FULL, "attributes": {"n": 3}})


def test_a_delete_without_effect_is_not_undone() -> None:
    earlier = target("delete", {**FULL, "attributes": {"n": 1}}, None, old=ONE, is_certain=False)
    later = update("friendly_name", "a", "d", ONE)
    assert continued(earlier, later) == later


def test_runs_that_follow_each_other_are_undone_together() -> None:
    created = target("create", None, FULL, new=ONE)
    assert continued(created, target("delete", FULL, None, old=ONE)) is None
    assert continued(created, update("friendly_name", "a", "d")) == target(
        "create", None, {**FULL, "friendly_name": "d"}, new=ONE
    )
    deleted = target("delete", FULL, None, old=ONE)
    assert continued(deleted, target("create", None, FULL, new=TWO)) == target("replace", FULL, FULL, old=ONE, new=TWO)
