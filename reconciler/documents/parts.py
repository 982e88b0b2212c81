"""The parts that several documents share: places, fields, changes, guards, warnings.

Each is a frozen pydantic model that refuses unknown keys, since a saved document is hostile input.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from reconciler.change import Standing
from reconciler.json_text import Json


class Part(BaseModel):
    """The base of every document and of its parts: frozen, and closed to unknown keys."""

    # A validator is built when the first instance is made or read: most commands need few of these classes.
    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        defer_build=True,
    )


class SourcePart(Part):
    """A place in the configuration."""

    file: str = Field(description="The file, as it was given.")
    line: int = Field(description="The line, from 1; 0 if unknown.")
    column: int = Field(default=0, description="The column, from 1; 0 if unknown.")
    via: str = Field(default="", description="Where the value came from: a variable, an overlay, or a template.")


class InnerPart(Part):
    """One difference inside a JSON value."""

    path: str = Field(description='The path inside the value: `team`, `tags[0].name`, `["a.b"]`.')
    kind: Literal["added", "removed", "changed"] = Field(description="Which of the two sides has it.")
    before: Json = Field(default=None, description="The former value, as plain JSON; null if it is added.")
    after: Json = Field(default=None, description="The configured value, as plain JSON; null if it is removed.")


class SincePart(Part):
    """An entry of the ledger, with which a difference is compared."""

    entry: int = Field(ge=0, description="Its number; 0 if the baseline is not from the ledger.")
    at: str = Field(
        pattern=r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?$",
        description="When it was written, as ISO 8601 in UTC; empty if unknown.",
    )
    commit: str = Field(
        pattern="^([0-9a-f]{40,64})?$", description="Its source commit, as a full object name; empty if there is none."
    )


_CLASS = (
    "How the difference stands to the baseline: `pending` (the configuration changed), `newly_declared`, `drifted` "
    "(the account changed), `conflict` (both changed), `unknown`, `removed` (no longer declared), `removed_conflict` "
    "(no longer declared, and the account changed), `up_to_date`. Absent without a baseline."
)
_SINCE = "The entry since which the value was right; for what was removed, the commit that removed it."


class FieldPart(Part):
    """One field that differs."""

    path: str = Field(description="The field's path, with dots.")
    before: Json = Field(description="The live value, in one of the forms of `reconciler.documents.values`.")
    after: Json = Field(description="The configured value, in the same forms.")
    before_name: str = Field(default="", description="The name of the resource that a live reference names.")
    sensitive: bool = Field(description="Whether the values are hidden.")
    forces_replacement: bool = Field(description="Whether this makes the change a replace.")
    source: SourcePart | None = Field(description="Where the configuration sets it.")
    before_source: SourcePart | None = Field(
        default=None,
        exclude_if=lambda place: place is None,
        description="Where another configuration sets the former value; absent if the account does.",
    )
    inside: tuple[InnerPart, ...] = Field(default=(), description="For JSON, the differences inside it.")
    standing: Standing = Field(default="", alias="class", exclude_if=lambda text: not text, description=_CLASS)
    since: SincePart | None = Field(default=None, exclude_if=lambda entry: entry is None, description=_SINCE)
    returns: bool = Field(
        default=False,
        exclude_if=lambda returns: not returns,
        description="Whether the configuration no longer declares the field, and `after` is what it returns to.",
    )
    adopted: bool = Field(
        default=False,
        exclude_if=lambda adopted: not adopted,
        description="Whether `after` is the value from before the field was managed.",
    )


class StepPart(Part):
    """One API call."""

    id: str = Field(description="Unique in the plan.")
    op: Literal["create", "update", "delete"] = Field(description="The operation.")
    needs: tuple[str, ...] = Field(description="The steps that must succeed first.")
    address: str = Field(
        default="",
        exclude_if=lambda address: not address,
        description="The resource it writes to, if that is not the resource of the change.",
    )
    sets: dict[str, Json] = Field(
        default_factory=dict,
        exclude_if=lambda values: not values,
        description="The values it sends besides the fields of the change, by field.",
    )


class GuardPart(Part):
    """Why a change is refused or withheld."""

    name: str = Field(description="The name of the guard.")
    verdict: Literal["refused", "withheld"] = Field(description="Stops the apply, or leaves this change out of it.")
    message: str = Field(description="What is protected, and what to do.")
    only_delete: bool = Field(default=False, description="Whether only the old resource of a replace is kept.")
    holders: tuple[str, ...] = Field(
        default=(), exclude_if=lambda names: not names, description="All users who hold the role."
    )
    fix: str = Field(
        default="", exclude_if=lambda text: not text, description="YAML for the configuration that resolves it."
    )
    only_fields: tuple[str, ...] = Field(
        default=(),
        exclude_if=lambda paths: not paths,
        description="The fields that alone are withheld; the others are written.",
    )

    @property
    def is_partial(self) -> bool:
        """Whether it withholds only the last step of a change."""
        return self.only_delete or bool(self.only_fields)


class TallyPart(Part):
    """One number of an impact."""

    number: int = Field(description="How many there are, as far as they were counted.")
    at_least: bool = Field(default=False, description="Whether there may be more than were counted.")
    noun: str = Field(description="What it counts, in the singular.")
    why_unknown: str = Field(
        default="", exclude_if=lambda text: not text, description="Why they could not be counted; absent if they were."
    )


class ImpactPart(Part):
    """What a delete destroys or affects, when the plan was made. An approved plan may differ in it."""

    counts: dict[str, TallyPart] = Field(
        default_factory=dict, description="The numbers, by the names that `at_most` of an approval takes."
    )
    last_message: str = Field(
        default="", exclude_if=lambda text: not text, description="The time of the newest message; absent if unknown."
    )
    holders: tuple[str, ...] = Field(
        default=(), exclude_if=lambda names: not names, description="Those who have the role until then."
    )
    diverted: str = Field(
        default="", exclude_if=lambda text: not text, description="Where inbound messages go instead."
    )


class NextStepsPart(Part):
    """The ways out of one finding of a drift or a plan: each a command, or YAML, or empty."""

    accept: str = Field(description="The command, or YAML, that makes the configuration match the account.")
    revert: str = Field(
        description="The command that applies the configured value; for an undeclared setting, YAML that clears it. "
        "Empty if an apply does not change it."
    )
    ignore: str = Field(description="YAML that hides the finding, or the command that leaves it out.")
    approve: str = Field(
        default="",
        exclude_if=lambda text: not text,
        description="The command that applies a refused or withheld change nevertheless, or YAML that approves it.",
    )
    forget: str = Field(
        default="",
        exclude_if=lambda text: not text,
        description="YAML that keeps what is no longer declared as it is, and stops managing it.",
    )
    delete: str = Field(
        default="", exclude_if=lambda text: not text, description="YAML that deletes an unmanaged resource."
    )


_NEXT_STEPS = "The ways out; absent if there are none, or if the command that ran is unknown."


class ChangePart(Part):
    """A change of one resource."""

    address: str = Field(description="The resource's address.")
    kind: str = Field(description="The resource's kind.")
    action: Literal["create", "update", "replace", "delete"] = Field(description="The action.")
    sid: str | None = Field(description="The live resource; null if there is none yet.")
    name: str = Field(description="The natural key; empty for a singleton.")
    service: str = Field(default="", description="The name of its service; empty at the top of the account.")
    parents: tuple[str | None, ...] = Field(
        description="The SIDs of the resources that contain it, outermost first; null for one that this plan creates."
    )
    fields: tuple[FieldPart, ...] = Field(description="The fields that differ.")
    steps: tuple[StepPart, ...] = Field(description="The API calls, in order.")
    reason: str = Field(description="The reason, as a short phrase.")
    risk: Literal["low", "medium", "high"] = Field(description="The risk.")
    consequences: tuple[str, ...] = Field(default=(), description="The effects that a reviewer must judge.")
    impact: ImpactPart | None = Field(
        default=None,
        exclude_if=lambda part: part is None,
        description="What its delete destroys or affects; absent if it deletes nothing. Not part of the approval.",
    )
    guard: GuardPart | None = Field(description="Why it is refused or withheld; null if it is not.")
    source: SourcePart | None = Field(default=None, description="Where the configuration declares it.")
    standing: Standing = Field(default="", alias="class", exclude_if=lambda text: not text, description=_CLASS)
    since: SincePart | None = Field(default=None, exclude_if=lambda entry: entry is None, description=_SINCE)
    next_steps: NextStepsPart | None = Field(
        default=None, exclude_if=lambda part: part is None, description=_NEXT_STEPS
    )


class UnmanagedPart(Part):
    """A live resource that the configuration does not declare."""

    address: str = Field(description="Its address, with SIDs for undeclared resources.")
    kind: str = Field(description="Its kind.")
    sid: str = Field(description="Its SID.")
    name: str = Field(description="Its natural key.")
    is_default: bool = Field(
        default=False,
        exclude_if=lambda flag: not flag,
        description="Whether it is the account's default service, which is never deleted; absent if false.",
    )
    next_steps: NextStepsPart | None = Field(
        default=None, exclude_if=lambda part: part is None, description=_NEXT_STEPS
    )
    first_seen: str = Field(
        default="",
        exclude_if=lambda text: not text,
        description="When a run with `--history` first found it; absent if unknown.",
    )


class UndeclaredPart(Part):
    """A live setting of the account or of a declared service that the configuration does not declare."""

    address: str = Field(description="The address of the block that could declare it.")
    kind: str = Field(description="The kind of that block.")
    service: str = Field(default="", description="The name of its service; empty for the account's settings.")
    field: str = Field(description="The field's path, with dots.")
    account: Json = Field(description="The live value, in one of the forms of a plan file.")
    account_name: str = Field(default="", description="The name of the resource that a live reference names.")
    sensitive: bool = Field(description="Whether the value is hidden.")
    risk: Literal["low", "medium", "high"] = Field(description="High for a URL that can reject messages.")
    meaning: str = Field(description="What the setting does.")
    clearable: bool = Field(description="Whether `null` or `sealed: true` can clear it.")
    next_steps: NextStepsPart | None = Field(
        default=None, exclude_if=lambda part: part is None, description=_NEXT_STEPS
    )
    first_seen: str = Field(
        default="",
        exclude_if=lambda text: not text,
        description="When a run with `--history` first found it; absent if unknown.",
    )


class WarningPart(Part):
    """A warning or a notice."""

    code: str = Field(description="A stable name.")
    severity: Literal["warning", "notice"] = Field(
        default="warning",
        exclude_if=lambda severity: severity == "warning",
        description="A notice is about a part of the configuration that is no longer needed.",
    )
    message: str = Field(description="What is doubtful.")
    hint: str = Field(default="", description="How to fix it.")
    fix: str = Field(
        default="",
        exclude_if=lambda text: not text,
        description="What to paste instead of what was written: an option of a command, or YAML. Absent if unknown.",
    )
    address: str = Field(default="", description="The address of the resource.")
    source: SourcePart | None = Field(default=None, description="The place in the configuration.")


class UndoPart(Part):
    """The report whose apply is undone."""

    report: str = Field(description="The path of its file, relative to the folder of the plan file.")
    digest: str = Field(description="`sha256:` and the SHA-256 digest of the file.")


class IrreversiblePart(Part):
    """A part of an apply that cannot be undone."""

    address: str = Field(description="The resource's address.")
    message: str = Field(description="What remains different, and why.")


class OptionsPart(Part):
    """The options that the plan was made with."""

    env: str = Field(description="The environment; empty for none.")
    target: tuple[str, ...] = Field(default=(), description="The addresses of `--target`.")
    exclude: tuple[str, ...] = Field(default=(), description="The addresses of `--exclude`.")
    approved: tuple[str, ...] = Field(default=(), description="The approvals of `--approve`: [ACTION:]ADDRESS.")
    rotate: tuple[str, ...] = Field(default=(), description="The addresses of `--rotate`.")
    baseline: str = Field(
        default="", exclude_if=lambda text: not text, description="The value of `--baseline`; absent for the ledger's."
    )
    ours: bool = Field(default=False, exclude_if=lambda ours: not ours, description="Whether `--ours` was given.")
    undo: UndoPart | None = Field(
        default=None,
        exclude_if=lambda undo: undo is None,
        description="The report whose apply it undoes; absent if it applies the configuration.",
    )


class SummaryPart(BaseModel):
    """The number of changes by action, and of other resources."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, defer_build=True
    )

    create: int
    update: int
    replace: int
    delete: int
    no_op: int = Field(alias="no-op", description="Resources that match the configuration.")
    unmanaged: int = Field(description="Live resources that the configuration does not declare.")
    withheld: int = Field(description="Changes that a guard withholds; not counted above.")
