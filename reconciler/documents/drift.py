"""A drift in JSON: how the account differs from the files, typed, with nothing secret in it.

Takes the `PlanFile` that has all of it, or the JSON of a drift, which is hostile input; gives `DriftFile`. What a plan
would create is missing here, and so is what comes with a service that is missing (its settings, the roles that Twilio
makes in it), though a plan would update that; what a plan would delete is unwanted. Does no I/O.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal, TypeAlias

from pydantic import Field

from reconciler.change import Action
from reconciler.documents.entries import (
    ChangeEntry,
    FieldEntry,
    InnerEntry,
    OptionsEntry,
    Part,
    SourceEntry,
    SummaryEntry,
    UnmanagedEntry,
    WarningEntry,
)
from reconciler.documents.plan import PlanFile
from reconciler.documents.saved import parse_as
from reconciler.json_text import Json
from reconciler.redaction import spelled_out

State: TypeAlias = Literal["missing", "differs", "unwanted"]

LONGEST_ADDRESS = 10_000
"""Characters; what is longer is no address."""
_MOST_KINDS = 8
STATES: dict[Action, State] = {"create": "missing", "update": "differs", "replace": "differs", "delete": "unwanted"}


class InnerDrift(Part):
    """One difference inside a JSON value."""

    path: str = Field(description='Where inside the value: `team`, `tags[0].name`, `["a.b"]`.')
    only_in: Literal["", "files", "account"] = Field(default="", description="Which side has it; empty for both.")
    files: Json = Field(default=None, description="The value in the files, as plain JSON; null where they lack it.")
    account: Json = Field(default=None, description="The value in the account, likewise.")


class DriftField(Part):
    """One field that differs."""

    path: str = Field(description="The field, dotted.")
    files: Json = Field(description="What the files say, in the forms that contents have in a plan file.")
    account: Json = Field(description="What the account has, likewise.")
    account_name: str = Field(default="", description="The name of what the account's reference refers to; for people.")
    sensitive: bool = Field(description="Whether the values are hidden.")
    immutable: bool = Field(default=False, description="Whether only a replacement could make it equal.")
    source: SourceEntry | None = Field(description="Where the files say so.")
    inside: tuple[InnerDrift, ...] = Field(default=(), description="For JSON, the differences inside it.")


class Difference(Part):
    """One resource that is not as the files say."""

    address: str = Field(description="Where it stands in the files, or would stand.")
    kind: str = Field(description="What it is.")
    state: State = Field(description="Missing in the account, different there, or there and not wanted by the files.")
    sid: str | None = Field(description="The live resource; null when there is none.")
    name: str = Field(description="Its natural key; empty for a singleton.")
    service: str = Field(default="", description="The name of its service; empty at the top of the account.")
    risk: Literal["low", "medium", "high"] = Field(default="low", description="How much making it equal would risk.")
    fields: tuple[DriftField, ...] = Field(description="What differs.")
    source: SourceEntry | None = Field(default=None, description="Where the files declare it.")


class DriftSummary(Part):
    """How many of each."""

    differs: int
    missing: int
    unwanted: int
    unmanaged: int = Field(description="Live resources that the files do not name.")
    equal: int = Field(description="Resources that are as the files say.")


class DriftFile(Part):
    """How an account differs from its files."""

    format: Literal["reconciler.drift"] = "reconciler.drift"
    format_version: Literal[1] = 1
    tool_version: str
    account_sid: str
    created_at: str = Field(description="When the account was read.")
    config_digest: str = Field(description="What the files mean, as a digest.")
    env: str = Field(description="The environment; empty without one.")
    summary: DriftSummary
    differences: tuple[Difference, ...]
    unmanaged: tuple[UnmanagedEntry, ...]
    not_compared: tuple[str, ...] = Field(default=(), description="Declared values that Twilio never returns.")
    unlisted: tuple[str, ...] = Field(
        default=(),
        exclude_if=lambda collections: not collections,
        description="Collections whose undeclared resources are not compared, because they are not pruned.",
    )
    warnings: tuple[WarningEntry, ...]
    unreadable: tuple[WarningEntry, ...] = Field(
        default=(), description="Collections that may not be read, with what could not be compared because of that."
    )

    def to_json(self) -> str:
        """The text of the file: indented, in the order of the format, in ASCII, ending in a newline."""
        return spelled_out(self.model_dump_json(indent=2, ensure_ascii=True)) + "\n"


def drift_document(plan: PlanFile) -> DriftFile:
    """What a plan says of what is."""
    missing = _missing(plan)
    states = Counter(_state(entry, missing) for entry in plan.changes)
    return DriftFile(
        tool_version=plan.tool_version,
        account_sid=plan.account_sid,
        created_at=plan.created_at,
        config_digest=plan.config_digest,
        env=plan.options.env,
        summary=DriftSummary(
            differs=states["differs"],
            missing=states["missing"],
            unwanted=states["unwanted"],
            unmanaged=len(plan.unmanaged),
            equal=plan.summary.no_op,
        ),
        differences=tuple(_difference(entry, _state(entry, missing)) for entry in plan.changes),
        unmanaged=plan.unmanaged,
        not_compared=plan.unverified,
        unlisted=plan.unlisted,
        warnings=plan.warnings,
        unreadable=plan.unreadable,
    )


def _missing(plan: PlanFile) -> frozenset[str]:
    """The addresses of what is not in the account."""
    return frozenset(entry.address for entry in plan.changes if STATES[entry.action] == "missing")


def _state(entry: ChangeEntry, missing: frozenset[str]) -> State:
    return "missing" if STATES[entry.action] == "differs" and _above(entry.address, missing) else STATES[entry.action]


def _above(address: str, missing: frozenset[str]) -> str:
    """The outermost of the missing resources that an address lies in; empty when it lies in none."""
    if len(address) > LONGEST_ADDRESS:
        return ""
    ends = (end for end, character in enumerate(address) if character in ".[")
    return next((address[:end] for end in ends if address[:end] in missing), "")


def for_people(plan: PlanFile, *, below: bool = False) -> PlanFile:
    """A plan as a drift of it is told to people: a service that is missing is one difference, with its parts counted.

    Args:
        plan: the plan.
        below: whether what lies in something that is missing is listed all the same.

    Returns:
        The plan with a summary of all that is missing, and with a reason only where something is left away: how much.
    """
    missing = _missing(plan)
    inside: dict[str, Counter[str]] = {}
    kept: list[ChangeEntry] = []
    states: Counter[Action] = Counter()
    for entry in plan.changes:
        action: Action = "create" if _state(entry, missing) == "missing" else entry.action
        states[action] += 1
        above = _above(entry.address, missing) if action == "create" else ""
        if above and not below:
            inside.setdefault(above, Counter())[entry.kind.replace("_", " ")] += 1
        else:
            kept.append(entry.model_copy(update={"action": action, "reason": ""}))
    summary = plan.summary.model_copy(
        update={action: states[action] for action in ("create", "update", "replace", "delete")}
    )
    changes = tuple(
        entry.model_copy(update={"reason": _with_it(inside[entry.address])}) if entry.address in inside else entry
        for entry in kept
    )
    return plan.model_copy(update={"summary": summary, "changes": changes})


def _with_it(kinds: Counter[str]) -> str:
    listed = ", ".join(f"{kind} {number:,}" for kind, number in sorted(kinds.items())[:_MOST_KINDS])
    return f"and {kinds.total():,} below it: {listed}{', …' if len(kinds) > _MOST_KINDS else ''}"


def _difference(entry: ChangeEntry, state: State) -> Difference:
    return Difference(
        address=entry.address,
        kind=entry.kind,
        state=state,
        sid=entry.sid,
        name=entry.name,
        service=entry.service,
        risk=entry.risk,
        fields=tuple(
            DriftField(
                path=field.path,
                files=field.after,
                account=field.before,
                account_name=field.before_name,
                sensitive=field.sensitive,
                immutable=field.forces_replacement,
                source=field.source,
                inside=tuple(map(_inner, field.inside)),
            )
            for field in entry.fields
        ),
        source=entry.source,
    )


_ONLY_IN: dict[str, Literal["", "files", "account"]] = {"added": "files", "removed": "account", "changed": ""}
_KINDS: dict[str, Literal["added", "removed", "changed"]] = {"files": "added", "account": "removed", "": "changed"}


def _inner(entry: InnerEntry) -> InnerDrift:
    return InnerDrift(path=entry.path, only_in=_ONLY_IN[entry.kind], files=entry.after, account=entry.before)


def _inner_entry(entry: InnerDrift) -> InnerEntry:
    return InnerEntry(path=entry.path, kind=_KINDS[entry.only_in], before=entry.account, after=entry.files)


def to_plan(drift: DriftFile) -> PlanFile:
    """The plan that a drift was told from, as far as renderers of drifts look at it; it has no steps and no guards."""
    changes = tuple(_change(difference) for difference in drift.differences)
    actions = Counter(change.action for change in changes)
    return PlanFile(
        tool_version=drift.tool_version,
        account_sid=drift.account_sid,
        created_at=drift.created_at,
        config_digest=drift.config_digest,
        options=OptionsEntry(env=drift.env),
        summary=SummaryEntry(
            create=actions["create"],
            update=actions["update"],
            replace=actions["replace"],
            delete=actions["delete"],
            no_op=drift.summary.equal,
            unmanaged=drift.summary.unmanaged,
            withheld=0,
        ),
        changes=changes,
        unmanaged=drift.unmanaged,
        warnings=drift.warnings,
        unreadable=drift.unreadable,
        unverified=drift.not_compared,
        unlisted=drift.unlisted,
    )


def _action(difference: Difference) -> Action:
    match difference.state:
        case "missing":
            return "create"
        case "unwanted":
            return "delete"
        case _:
            return "replace" if any(field.immutable for field in difference.fields) else "update"


def _change(difference: Difference) -> ChangeEntry:
    return ChangeEntry(
        address=difference.address,
        kind=difference.kind,
        action=_action(difference),
        sid=difference.sid,
        name=difference.name,
        service=difference.service,
        parents=(),
        fields=tuple(
            FieldEntry(
                path=field.path,
                before=field.account,
                after=field.files,
                before_name=field.account_name,
                sensitive=field.sensitive,
                forces_replacement=field.immutable,
                source=field.source,
                inside=tuple(map(_inner_entry, field.inside)),
            )
            for field in difference.fields
        ),
        steps=(),
        reason="",
        risk=difference.risk,
        guard=None,
        source=difference.source,
    )


def parse_drift(text: str | bytes, name: str) -> DriftFile:
    """Read a saved drift.

    Args:
        text: its content.
        name: what to call it in an error.

    Raises:
        PlanFileError: when it is none, or one of another format version.
    """
    return parse_as(DriftFile, text, name, "drift", "reconciler drift --format json")
