"""Drift, one field at a time: another valid value of a field, written to the emulated account directly."""

from __future__ import annotations

import asyncio
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.api import wire
from reconciler.change import FieldChange
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.kinds.markers import Choice, Vocabulary
from reconciler.planning.plan import Plan
from reconciler.report import Silent
from reconciler.state import Live, State
from reconciler.testing import EmulatedAccount
from reconciler.workflow import Endpoint, Inputs, Request
from reconciler.workflow.acceptance import Acceptance
from reconciler.workflow.accepting import accept
from reconciler.workflow.adding import Addition, add_missing
from reconciler.workflow.connecting import connect
from reconciler.workflow.editing import write
from reconciler.workflow.loading import validate
from reconciler.workflow.planning import plan_options, read_and_plan


class Desk:
    """A configuration on the disk, and an emulated account.

    Args:
        path: The configuration.
        env: Its environment.
        variables: Environment variables.
    """

    def __init__(
        self, path: Path, env: str = "", variables: dict[str, str] | None = None, account: EmulatedAccount | None = None
    ) -> None:
        self.account = account or EmulatedAccount()
        self.path = path
        self.inputs = Inputs(str(path), environment=env)
        self.endpoint = Endpoint(app=self.account.app, environment=variables or {})

    def apply(self) -> None:
        self.account.apply(self.path, env=self.inputs.environment, environ=self.endpoint.environment)

    def read(self) -> tuple[Plan, State]:
        from reconciler.api.client import ReadClient

        async def run() -> tuple[Plan, State]:
            config = validate(self.inputs, self.endpoint.environment, secrets_later=True)
            async with connect(self.endpoint, ReadClient, Silent(), config=config) as client:
                return await read_and_plan(config, client, Silent(), plan_options(self.inputs))

        return asyncio.run(run())

    def changes(self) -> list[str]:
        made, _ = self.read()
        return [
            str(change.address if not change.fields else change.address.child(*item.path.split(".")))
            for change in made.changes
            for item in change.fields or (FieldChange("", None, None),)
        ]

    def accept(self, *addresses: str, **options: Any) -> Acceptance:
        inputs = replace(self.inputs, **options.pop("inputs", {}))
        request = Request(addresses, **options)
        found = asyncio.run(accept(inputs, self.endpoint, Silent(), request))
        if not (found.refused and request.is_named):
            write(found)
        return found

    def add(self, **options: Any) -> Addition:
        """Add what the configuration lacks."""
        inputs = replace(self.inputs, **options.pop("inputs", {}))
        added = asyncio.run(add_missing(inputs, self.endpoint, Silent(), **options))
        write(added.acceptance)
        return added

    def files(self) -> dict[str, str]:
        root = self.path if self.path.is_dir() else self.path.parent
        return {path.relative_to(root).as_posix(): path.read_bytes().decode() for path in sorted(root.rglob("*.yaml"))}


def changed_lines(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """The lines of a diff without context."""
    found: list[str] = []
    for path, text in before.items():
        lines = difflib.unified_diff(text.splitlines(), after[path].splitlines(), n=0, lineterm="")
        found += [line for line in lines if not line.startswith(("---", "+++", "@@"))]
    return found


def others(field: Field, content: Content, siblings: Sequence[Live]) -> Iterator[Content]:
    """Yield other values of a field that may be valid."""
    match field.shape:
        case Shape.TEXT:
            yield "Changed in the console: yes"
            yield ""
        case Shape.URL:
            yield "https://changed.example.com/path?a=b"
        case Shape.BOOL:
            yield not content
        case Shape.INT:
            yield (content if isinstance(content, int) else 0) + 1
        case Shape.ENUM:
            choice = field.marker(Choice)
            yield from (word for word in (choice.words if choice else ()) if word != content)
        case Shape.TIMER:
            yield from ("PT55M", "P20D")
        case Shape.SET:
            words = list(content) if isinstance(content, (list, tuple)) else []
            vocabulary = field.marker(Vocabulary)
            known = vocabulary.words if vocabulary is not None else ()
            yield (*words[1:], *[word for word in known if word not in words][:1])
            yield tuple(words[1:])
            yield tuple([word for word in known if word not in words][:2])
        case Shape.JSON:
            yield {**(content if isinstance(content, dict) else {}), "changed": {"at": "12:00", "by": [1, None]}}
            yield from other_json(content)
        case Shape.REF:
            yield from (live.sid for live in siblings if live.sid != content)
        case _:
            pass


def other_json(value: Any) -> Iterator[Any]:
    """Yield JSON with other items and keys inside."""
    if isinstance(value, list):
        yield from (
            ["new", *value],
            [*value, {"new": {"in": [1]}}],
            value[1:],
            [*value[:1], [], *value[1:]],
            value[::-1],
        )
        yield from ([*value[:-1], {"last": True}], [*value[:1], [], *value[1:]])
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(value, dict):
            yield {name: one for name, one in value.items() if name != key}
        for other in other_json(item):
            yield {**value, key: other} if isinstance(value, dict) else [*value[:key], other, *value[key + 1 :]]


def drift(account: EmulatedAccount, live: Live, path: str, content: Content) -> bool:
    """Write a value; return whether the account took it."""
    form: dict[str, Any] = {}
    for name, value in wire.encode(live.kind, {path: content}, lambda sent: sent):
        form.setdefault(name, []).append(value)
    if not form:
        return False
    where = (
        wire.collection_path(live.kind, live.parents)
        if live.kind.singleton
        else wire.instance_path(live.kind, live.parents, live.sid)
    )
    try:
        account.post(where, {name: value if len(value) > 1 else value[0] for name, value in form.items()})
    except Exception:  # noqa: BLE001 - the account refuses it
        return False
    return True
