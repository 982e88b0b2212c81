"""What existing files say about applying them survives an export over them."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.export import Export
from reconciler.planning.plan import make_plan
from reconciler.state import Collection, State
from tests.builders import live, sid, state
from tests.export.test_export_kept import again

DESK = (sid("IS"),)
COMPLETE = [Collection(name) for name in ("service", "address_configuration", "credential")]


def account(*more: Any) -> State:
    """A service with a role, a closed conversation, and an address."""
    service = live("service", 1, {"friendly_name": "support"})
    role = live(
        "role",
        1,
        {"friendly_name": "agent", "type": "conversation", "permissions": ("sendMessage",)},
        parents=DESK,
    )
    address = live("address_configuration", 1, {"address": "+14155550100", "type": "sms"})
    return state(service, role, address, *more, complete=COMPLETE)


FILES = """
version: 1
services:
  support:
    roles:
      agent:
        type: conversation
        permissions: [sendMessage]
        lifecycle: {prevent_destroy: true, ignore_changes: [permissions]}
        sensitive: [permissions]
    prune: [roles]
    lifecycle: {prevent_destroy: true}
addresses:
  main: {address: "+14155550100", lifecycle: {prevent_create: true}}
credentials: {}
prune: {addresses: {match: "+1*", except: ["+14155550122"]}, credentials: {}}
limits: {deletes: 3, updates: 200}
acknowledge: [{code: stale-renamed-from, address: services.support.roles.agent}, {code: unused-prune}]
approvals: [{address: services.old, action: delete}]
unmanaged: {ignore: ["services.support.users*"]}
"""


def policies(made: Export) -> dict[str, Any]:
    config = made.config
    return {
        "limits": config.limits,
        "acknowledge": [(item.code, item.address) for item in config.acknowledge],
        "approvals": [str(item) for item in config.approvals],
        "ignore": config.unmanaged_ignore,
        "prune": {str(at): (rule.match, rule.keep) for at, rule in config.prune.items()},
        "lifecycle": {str(at): item.lifecycle for at, item in config.resources.items()},
        "sensitive": {str(at): item.sensitive for at, item in config.resources.items()},
    }


@pytest.mark.parametrize("in_one_file", [True, False])
def test_everything_that_files_say_about_applying_is_kept(in_one_file: bool) -> None:  # noqa: FBT001 - a parameter of the test
    made = again(FILES, account(), in_one_file=in_one_file)
    kept = policies(made)
    assert (kept["limits"].deletes, kept["limits"].updates, kept["limits"].creates) == (3, 200, None)
    assert kept["acknowledge"] == [("stale-renamed-from", "services.support.roles.agent"), ("unused-prune", "")]
    assert kept["approvals"] == ["services.old"]
    assert kept["ignore"] == ("services.support.users*",)
    assert kept["prune"] == {
        "addresses": (("+1*",), ("+14155550122",)),
        "credentials": ((), ()),
        "services.support.roles": ((), ()),
    }
    agent = kept["lifecycle"]["services.support.roles.agent"]
    assert (agent.prevent_destroy, agent.prevent_create, agent.ignore_changes) == (True, False, {"permissions"})
    assert kept["lifecycle"]["services.support"].prevent_destroy
    assert kept["lifecycle"]["addresses.main"].prevent_create
    assert kept["sensitive"]["services.support.roles.agent"] == {"permissions"}
    assert made.warnings == ()
    assert make_plan(made.config, account()).changes == ()
    text = "".join(made.files.values())
    assert "    lifecycle: {prevent_destroy: true}\n" in text
    assert "    prune: [roles]\n" in text


def test_a_second_export_changes_nothing() -> None:
    first = again(FILES, account())
    assert again(dict(first.files), account()).files == first.files


def test_a_prune_rule_that_would_delete_what_files_cannot_hold_is_dropped_with_a_warning() -> None:
    closed = live("conversation", 1, {"unique_name": "old", "state": "closed"}, parents=DESK)
    files = "version: 1\nservices: {support: {conversations: {}, roles: {}, prune: [conversations, roles]}}\n"
    made = again(files, account(closed))
    assert [str(at) for at in made.config.prune] == ["services.support.roles"]
    (warning,) = made.warnings
    assert warning == (
        "services.support.conversations: the prune rule of the existing files is not kept, because it would delete "
        "live resources that the exported files do not contain"
    )


def test_a_pruned_collection_that_is_empty_now_is_written_as_empty() -> None:
    files = "version: 1\nservices: {}\nprune: [services]\n"
    made = again(files, state(complete=COMPLETE), in_one_file=False)
    assert "services: {}\nprune: [services]\n" in made.files["reconciler.yaml"]


def test_a_field_that_moves_by_itself_joins_those_that_are_ignored_already() -> None:
    talk = live("conversation", 1, {"unique_name": "hall", "state": "inactive", "friendly_name": "Hall"}, parents=DESK)
    files = (
        "version: 1\nservices: {support: {conversations: {hall: {state: inactive, friendly_name: Hall, "
        "lifecycle: {ignore_changes: [friendly_name]}}}}}\n"
    )
    made = again(files, account(talk))
    hall = next(item for at, item in made.config.resources.items() if at.parts[-1] == "hall")
    assert hall.lifecycle.ignore_changes == {"friendly_name", "state"}
