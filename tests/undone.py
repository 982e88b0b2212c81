"""Applies with reports, undos of them, and accounts compared by what they contain: the harness of the tests of undo."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reconciler.api.client import Client, ReadClient
from reconciler.api.fetch import fetch, fetch_planned
from reconciler.config.model import Approval, Config
from reconciler.documents.plan import plan_document
from reconciler.documents.report import ReportFile, parse_report, report_document
from reconciler.documents.step_values import StepValues
from reconciler.documents.undo_source import undo_targets
from reconciler.documents.values import Digests, Mask
from reconciler.execution.apply import apply
from reconciler.planning.baseline import DeclaredElsewhere, nowhere
from reconciler.planning.options import PlanOptions
from reconciler.planning.plan import Plan
from reconciler.planning.undo import Undo
from reconciler.report import Report, Silent
from tests.world import _ANYONE, World, _once

KEY = b"0123456789abcdef0123456789abcdef"
URL = "https://conversations.twilio.com"


def do(account: World, made: Plan, config: Config) -> tuple[Report, ReportFile]:
    """Apply a plan; give the outcomes, and the report as a file has it."""
    values = StepValues(made, config.resources, Mask(), Digests(made.account_sid, KEY))

    async def run() -> Report:
        async with Client(URL, _ANYONE, transport=account.transport(), retry=_once()) as client:
            return await apply(made, client, Silent(), values=values)

    report = asyncio.run(run())
    seen = plan_document(made, key=KEY, tool_version="0", created_at="2026-01-02T12:00:00Z")
    return report, parse_report(report_document(report, seen).sealed(KEY).to_json(), "report.json")


def plan_undo(
    account: World, report: ReportFile, config: Config, declared_elsewhere: DeclaredElsewhere = nowhere
) -> Plan:
    """Plan the undo of a report, with everything approved that requires it."""
    undo = Undo(
        config,
        undo_targets(report, "report.json"),
        "report.json",
        Digests(report.account_sid, KEY).of,
        unsealed="" if report.has_valid_seal(KEY) else "report.json",
    )

    async def run(options: PlanOptions) -> Plan:
        async with ReadClient(URL, _ANYONE, transport=account.transport()) as client:
            state = await fetch(undo.draft(), client, Silent())
            return await fetch_planned(lambda: undo.plan(state, options, declared_elsewhere), state, client, Silent())

    options = PlanOptions()
    made = asyncio.run(run(options))
    required = tuple(
        Approval.parse(f"{change.action}:{change.address}")
        for change in made.changes
        if change.guard is not None and change.guard.name == "approval"
    )
    return asyncio.run(run(replace(options, approved=required))) if required else made


# --- accounts by content ---------------------------------------------------------------------------------------------

_BY_ITSELF = ("date_", "last_", "next_index", "created_by", "timers")
"""What changes by itself; the durations of timers are in `durations`."""


def paths(account: World) -> dict[str, str]:
    """The path of every resource in an account by its SID: kinds and names instead of SIDs."""
    rows = account.snapshot()
    found: dict[str, str] = {}
    for sid in rows:
        path = _path(sid, rows)
        while path in found.values():
            path += "'"
        found[sid] = path
    return found


def picture(account: World) -> dict[str, Any]:
    """Everything in an account by its path, without SIDs, dates, and empty values."""
    named = paths(account)
    found: dict[str, Any] = {}
    for sid, row in account.snapshot().items():
        content = {key: value for key, value in row.items() if not key.startswith(_BY_ITSELF) and key != "parent"}
        if isinstance(content.get("attributes"), str):
            content["attributes"] = json.loads(content["attributes"])
        if "webhooks" in content:
            # What a webhook without a method uses; the API shows it, too.
            content["webhooks"] = {**content["webhooks"], "method": content["webhooks"].get("method") or "POST"}
        found[named[sid]] = _named(content, named)
    return found


def _path(sid: str, rows: Mapping[str, Any]) -> str:
    row = rows[sid]
    if row["parent"] is None:
        return "account"
    name = (
        row["name"]
        or row.get("friendly_name")
        or _binding(row.get("messaging_binding"))
        or json.dumps([row.get("target"), row.get("configuration")], sort_keys=True)
    )
    of_type = f" ({row['type']})" if row["kind"] in {"role", "credential"} else ""
    return f"{_path(row['parent'], rows)} / {row['kind']} {name}{of_type}"


def _binding(binding: Any) -> str:
    """Name a participant outside of chat, as plans do; empty for everything else."""
    if not isinstance(binding, dict) or "address" not in binding:
        return ""
    return (
        f"{binding['address']} via {binding['proxy_address']}" if binding.get("proxy_address") else binding["address"]
    )


def _named(value: Any, paths: Mapping[str, str]) -> Any:
    """Replace SIDs by paths, and leave out what is empty."""
    if isinstance(value, dict):
        inner = {key: _named(item, paths) for key, item in value.items()}
        return {key: item for key, item in inner.items() if item not in (None, "", False, {}, [], "{}")}
    if isinstance(value, list):
        return sorted((_named(item, paths) for item in value), key=repr)
    return paths.get(value, value) if isinstance(value, str) else value


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What differs between two pictures, by path and key."""
    found: dict[str, tuple[Any, Any]] = {}
    for path in sorted({*before, *after}):
        old, new = before.get(path), after.get(path)
        if old is None or new is None:
            found[path] = (old, new)
            continue
        for key in sorted({*old, *new}):
            if old.get(key) != new.get(key):
                found[f"{path}: {key}"] = (old.get(key), new.get(key))
    return found
