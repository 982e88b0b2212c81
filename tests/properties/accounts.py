"""Accounts in which somebody did something, and what a plan may have touched in them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.emulator import Rules
from reconciler.planning.plan import Plan
from tests.properties.strategies import CONVERSATIONS, Call
from tests.world import World

_PLACEHOLDER = re.compile(r"<([^<>]+)>")


def inhabited(calls: list[Call], readings: Rules) -> World:
    """An account in which somebody made those calls, as far as the API let them."""
    made = World(rules=readings)

    def sid(match: re.Match[str]) -> str:
        if match.group(1) in CONVERSATIONS or match.group(1) == "other":
            rows = reversed(made.snapshot().items())
            return next((sid for sid, row in rows if row["name"] == match.group(1)), "CH" + "0" * 32)
        name, _, role = match.group(1).partition("/")
        found = [item["sid"] for item in made.get("/v1/Services")["services"] if item["friendly_name"] == name]
        if not role:
            return str(found[0])
        members = made.get(f"/v1/Services/{found[0]}/Roles")["roles"]
        return next((str(item["sid"]) for item in members if item["friendly_name"] == role), "RL" + "0" * 32)

    for path, form in calls:
        filled = {key: re.sub(_PLACEHOLDER, sid, item) if isinstance(item, str) else item for key, item in form.items()}
        made.emulator.call("POST", re.sub(_PLACEHOLDER, sid, path), filled)
    return made


def only_named_differs(before: Mapping[str, Any], after: Mapping[str, Any], plans: Iterable[Plan]) -> None:
    """Only what plans named is different: what they changed or deleted, and in singletons the fields they named."""
    plans = list(plans)
    gone = {change.sid for made in plans for change in made.changes if change.action in {"delete", "replace"}}
    gone |= {sid for sid, row in before.items() if row["parent"] in gone}
    # What becomes of an address whose service is deleted is Twilio's doing, and unverified.
    gone |= {
        sid for sid, row in before.items() if (row.get("auto_creation") or {}).get("conversation_service_sid") in gone
    }
    identities = {row["name"] for sid, row in before.items() if sid in gone and row["kind"] == "user"}
    gone |= {sid for sid, row in before.items() if row["kind"] == "participant" and row["name"] in identities}
    gone |= {sid for sid, row in before.items() if row["parent"] in gone}
    named: dict[str, set[str]] = {}
    for made in plans:
        for sid, keys in _named(made).items():
            named.setdefault(sid, set()).update(keys)
    for sid, row in before.items():
        if sid in gone:
            continue
        assert sid in after, f"{sid} is gone: {row}"
        if sid not in named:
            assert row == after[sid], sid
        assert _unnamed(row, named.get(sid, set())) == _unnamed(after[sid], named.get(sid, set())), sid


def _unnamed(row: dict[str, Any], named: set[str]) -> dict[str, Any]:
    """What no step names, flat; dates aside, and what auto-creation of another type shows."""
    flat = {
        f"{key}.{inner}": item for key, value in row.items() if isinstance(value, dict) for inner, item in value.items()
    }
    flat |= {key: value for key, value in row.items() if not isinstance(value, dict)}
    moved = ["auto_creation."] if "auto_creation.type" in named else []
    moved += ["bindings."] if any(key.startswith("bindings.") for key in named) else []
    # Whatever changes a conversation's state or timers starts them anew.
    moved += ["timers.", "last_active"] if named & {"state", "timers.inactive", "timers.closed"} else []
    if any(key.startswith("configuration.") for key in named):
        moved.append("configuration.")
    return {
        key: value
        for key, value in flat.items()
        if key not in named and key != "date_updated" and not key.startswith(tuple(moved))
    }


def _named(made: Plan) -> dict[str, set[str]]:
    """By SID, the keys of a snapshot that some step of the plan sends."""
    blocks = {
        "account_configuration": "configuration",
        "account_webhook": "webhooks",
        "service_configuration": "configuration",
        "service_notification": "notifications",
        "service_webhook": "webhooks",
    }
    named: dict[str, set[str]] = {}
    for change in made.changes:
        for step in change.steps:
            block = blocks.get(step.kind.name)
            if block is not None:
                owner = made.account_sid if step.parent is None else made.execution.sids.get(step.parent, "")
            else:
                owner = step.sid or ""
            for path in step.values:
                field = step.kind.by_path[path]
                keys = {".".join(field.response), field.param} if block is None else {field.param, field.response[0]}
                if path == step.kind.natural_key:
                    keys.add("name")  # a snapshot's own word for it
                named.setdefault(owner, set()).update(keys if block is None else {f"{block}.{key}" for key in keys})
    return named
