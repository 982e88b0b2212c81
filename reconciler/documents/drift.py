"""The drift document: how an account differs from its configuration, without secrets.

Takes the `PlanFile` that would remove the differences, or the JSON of a drift, which is hostile input; returns
`DriftFile`. A resource that the plan would create is missing, and so are the settings and built-in roles of a missing
service, which the plan would update; a resource that it would delete is unwanted. Does no I/O.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from pydantic import Field

from reconciler.change import Action, Standing
from reconciler.documents.drift_log import SightingPart
from reconciler.documents.parts import (
    ChangePart,
    FieldPart,
    InnerPart,
    NextStepsPart,
    Part,
    SincePart,
    SourcePart,
    UndeclaredPart,
    UnmanagedPart,
    WarningPart,
)
from reconciler.documents.plan import PlanFile
from reconciler.documents.saved import parse_as
from reconciler.json_text import Json
from reconciler.redaction import spelled_out

DriftState: TypeAlias = Literal["missing", "differs", "unwanted"]

NOT_DRIFT: frozenset[Standing] = frozenset({"pending", "newly_declared", "removed"})
"""Differences that a change of the configuration explains: it was merged, and not applied yet."""

LONGEST_ADDRESS = 10_000
"""Characters; a longer text is not an address."""
_STATES: Mapping[Action, DriftState] = {
    "create": "missing",
    "update": "differs",
    "replace": "differs",
    "delete": "unwanted",
}


class InnerDrift(Part):
    """One difference inside a JSON value."""

    path: str = Field(description='The path inside the value: `team`, `tags[0].name`, `["a.b"]`.')
    only_in: Literal["", "files", "account"] = Field(default="", description="The side that has it; empty for both.")
    files: Json = Field(default=None, description="The configured value, as plain JSON; null if there is none.")
    account: Json = Field(default=None, description="The live value, as plain JSON; null if there is none.")


class DriftField(Part):
    """One field that differs."""

    path: str = Field(description="The field's path, with dots.")
    files: Json = Field(description="The configured value, in one of the forms of a plan file.")
    account: Json = Field(description="The live value, in the same forms.")
    account_name: str = Field(default="", description="The name of the resource that a live reference names.")
    sensitive: bool = Field(description="Whether the values are hidden.")
    immutable: bool = Field(default=False, description="Whether only a replace could change it.")
    source: SourcePart | None = Field(description="Where the configuration sets it.")
    inside: tuple[InnerDrift, ...] = Field(default=(), description="For JSON, the differences inside it.")
    standing: Standing = Field(
        default="",
        alias="class",
        exclude_if=lambda text: not text,
        description="How the difference stands to the baseline; absent without one. See the plan's schema.",
    )
    since: SincePart | None = Field(
        default=None,
        exclude_if=lambda part: part is None,
        description="The entry since which the value was right; for what was removed, the commit that removed it.",
    )
    owners: tuple[str, ...] = Field(
        default=(),
        exclude_if=lambda names: not names,
        description="The owners of the file that sets it, by the repository's CODEOWNERS; absent if none.",
    )
    first_seen: str = Field(
        default="",
        exclude_if=lambda text: not text,
        description="When a run with `--history` first found it; absent if unknown.",
    )


class Difference(Part):
    """A resource that differs from the configuration."""

    address: str = Field(description="The resource's address.")
    kind: str = Field(description="The resource's kind.")
    state: DriftState = Field(description="Missing in the account, different, or live and to be deleted.")
    sid: str | None = Field(description="The live resource; null if there is none.")
    name: str = Field(description="The natural key; empty for a singleton.")
    service: str = Field(default="", description="The name of its service; empty at the top of the account.")
    risk: Literal["low", "medium", "high"] = Field(
        default="low", description="The risk of the change that would remove the difference."
    )
    fields: tuple[DriftField, ...] = Field(description="The fields that differ.")
    source: SourcePart | None = Field(default=None, description="Where the configuration declares it.")
    standing: Standing = Field(
        default="",
        alias="class",
        exclude_if=lambda text: not text,
        description="How the resource as a whole stands to the baseline; absent if only fields differ.",
    )
    since: SincePart | None = Field(
        default=None,
        exclude_if=lambda part: part is None,
        description="The entry since which it was as declared, or the commit that removed it.",
    )
    owners: tuple[str, ...] = Field(
        default=(),
        exclude_if=lambda names: not names,
        description="The owners of the file that declares it, by the repository's CODEOWNERS; absent if none.",
    )
    next_steps: NextStepsPart | None = Field(
        default=None,
        exclude_if=lambda part: part is None,
        description="How to accept, revert, or ignore all of it; absent if the command that ran is unknown.",
    )
    first_seen: str = Field(
        default="",
        exclude_if=lambda text: not text,
        description="When a run with `--history` first found it; absent if unknown.",
    )


class DriftSummary(Part):
    """The number of resources by state."""

    differs: int
    missing: int
    unwanted: int
    unmanaged: int = Field(description="Live resources that the configuration does not declare.")
    undeclared_settings: int = Field(
        default=0,
        description="Live settings of the account and of declared services that the configuration does not declare.",
    )
    equal: int = Field(description="Resources that match the configuration.")
    pending: int = Field(
        default=0,
        exclude_if=lambda number: not number,
        description="Resources with changes that were merged and not applied yet; they are not drift.",
    )
    unreadable: int = Field(
        default=0,
        exclude_if=lambda number: not number,
        description="Collections that could not be read; the other numbers do not include what they contain.",
    )


class DriftFile(Part):
    """The differences between an account and its configuration."""

    format: Literal["reconciler.drift"] = "reconciler.drift"
    format_version: Literal[1] = 1
    tool_version: str
    account_sid: str
    created_at: str = Field(description="When the account was read.")
    config_digest: str = Field(description="A digest of the configuration's meaning.")
    env: str = Field(description="The environment; empty for none.")
    target: tuple[str, ...] = Field(
        default=(), exclude_if=lambda addresses: not addresses, description="The addresses of `--target`."
    )
    exclude: tuple[str, ...] = Field(
        default=(), exclude_if=lambda addresses: not addresses, description="The addresses of `--exclude`."
    )
    summary: DriftSummary
    differences: tuple[Difference, ...]
    pending: tuple[Difference, ...] = Field(
        default=(),
        exclude_if=lambda parts: not parts,
        description="Changes of the configuration since the baseline that no apply has made yet.",
    )
    baseline: SincePart | None = Field(
        default=None,
        exclude_if=lambda part: part is None,
        description="The configuration that was applied last, with which both sides were compared.",
    )
    unmanaged: tuple[UnmanagedPart, ...]
    undeclared_settings: tuple[UndeclaredPart, ...] = Field(
        default=(),
        description="Live settings of the account and of declared services that the configuration does not declare: "
        "first URLs that can reject messages, then other URLs, then the rest.",
    )
    not_compared: tuple[str, ...] = Field(default=(), description="Write-only values, which were not compared.")
    unlisted: tuple[str, ...] = Field(
        default=(),
        exclude_if=lambda collections: not collections,
        description="Collections whose undeclared resources were not compared, because they are not pruned.",
    )
    unsearched: tuple[str, ...] = Field(
        default=(),
        exclude_if=lambda collections: not collections,
        description="Top-level collections that were not searched for unmanaged resources, because the configuration "
        "declares nothing in them.",
    )
    left_out: tuple[str, ...] = Field(
        default=(),
        exclude_if=lambda addresses: not addresses,
        description="Declared resources that `--target` or `--exclude` omits.",
    )
    warnings: tuple[WarningPart, ...]
    acknowledged: int = Field(
        default=0,
        exclude_if=lambda number: not number,
        description="The number of acknowledged warnings; they are not listed.",
    )
    requests: int = Field(
        default=0, exclude_if=lambda number: not number, description="The number of requests; absent if unknown."
    )
    to_notify: int | None = Field(
        default=None,
        exclude_if=lambda number: number is None,
        description="The number of findings that are new, or due for a reminder; absent without `--history`.",
    )
    history: tuple[SightingPart, ...] = Field(
        default=(),
        exclude_if=lambda rows: not rows,
        description="The findings of this and earlier runs with the same `--history`, at most 500.",
    )
    unreadable: tuple[WarningPart, ...] = Field(
        default=(), description="Collections that could not be read, with the resources that could not be compared."
    )

    def to_json(self) -> str:
        """Render the document as indented ASCII that ends in a newline."""
        return spelled_out(self.model_dump_json(indent=2, ensure_ascii=True)) + "\n"


def drift_document(plan: PlanFile, undeclared: Sequence[UndeclaredPart] = ()) -> DriftFile:
    """Describe the drift that a plan would remove.

    Args:
        plan: the plan.
        undeclared: live settings that are not declared, which no plan changes.
    """
    missing = frozenset(part.address for part in plan.changes if _STATES[part.action] == "missing")
    differences: list[Difference] = []
    pending: list[Difference] = []
    for part in plan.changes:
        found = _difference(part, missing)
        drifted, merged = _split(found)
        differences += [drifted] if drifted is not None else []
        pending += [merged] if merged is not None else []
    states = Counter(part.state for part in differences)
    return DriftFile(
        tool_version=plan.tool_version,
        account_sid=plan.account_sid,
        created_at=plan.created_at,
        config_digest=plan.config_digest,
        env=plan.options.env,
        target=plan.options.target,
        exclude=plan.options.exclude,
        summary=DriftSummary(
            differs=states["differs"],
            missing=states["missing"],
            unwanted=states["unwanted"],
            unmanaged=len(plan.unmanaged),
            undeclared_settings=len(undeclared),
            equal=plan.summary.no_op,
            pending=len(pending),
            unreadable=len(plan.unreadable),
        ),
        differences=tuple(differences),
        pending=tuple(pending),
        baseline=plan.baseline,
        unmanaged=plan.unmanaged,
        undeclared_settings=tuple(undeclared),
        not_compared=plan.unverified,
        unlisted=plan.unlisted,
        unsearched=plan.unsearched,
        left_out=plan.left_out,
        warnings=plan.warnings,
        acknowledged=plan.acknowledged,
        unreadable=plan.unreadable,
    )


def missing_above(address: str, missing: frozenset[str]) -> str:
    """Return the outermost missing resource that contains an address; empty if none does."""
    if len(address) > LONGEST_ADDRESS:
        return ""
    ends = (end for end, character in enumerate(address) if character in ".[")
    return next((address[:end] for end in ends if address[:end] in missing), "")


def _difference(part: ChangePart, missing: frozenset[str]) -> Difference:
    state = _STATES[part.action]
    if state == "differs" and missing_above(part.address, missing):
        state = "missing"  # a setting of a missing service, or a role that Twilio creates in it
    return Difference(
        address=part.address,
        kind=part.kind,
        state=state,
        sid=part.sid,
        name=part.name,
        service=part.service,
        risk=part.risk,
        fields=tuple(map(_field, part.fields)),
        source=part.source,
        standing=part.standing,
        since=part.since,
    )


def _split(part: Difference) -> tuple[Difference | None, Difference | None]:
    """Split a difference into what drifted and what is pending; None for a part that is empty."""
    if part.standing or not any(field.standing for field in part.fields):
        return (None, part) if part.standing in NOT_DRIFT else (part, None)
    merged = tuple(field for field in part.fields if field.standing in NOT_DRIFT)
    drifted = tuple(field for field in part.fields if field.standing not in NOT_DRIFT)
    return (
        part.model_copy(update={"fields": drifted}) if drifted else None,
        part.model_copy(update={"fields": merged}) if merged else None,
    )


def _field(part: FieldPart) -> DriftField:
    return DriftField(
        path=part.path,
        files=part.after,
        account=part.before,
        account_name=part.before_name,
        sensitive=part.sensitive,
        immutable=part.forces_replacement,
        source=part.source,
        inside=tuple(map(_inner, part.inside)),
        standing=part.standing,
        since=part.since,
    )


_ONLY_IN: Mapping[str, Literal["", "files", "account"]] = {"added": "files", "removed": "account", "changed": ""}


def _inner(part: InnerPart) -> InnerDrift:
    return InnerDrift(path=part.path, only_in=_ONLY_IN[part.kind], files=part.after, account=part.before)


def parse_drift(text: str | bytes, name: str) -> DriftFile:
    """Parse a saved drift.

    Args:
        text: its text.
        name: what to call it in an error, usually its file.

    Raises:
        PlanFileError: it is not a drift, or one of another format version.
    """
    return parse_as(DriftFile, text, name, "drift", "reconciler drift --format json")
