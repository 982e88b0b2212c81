"""The plan file: what a plan looks like outside of the process, in JSON, with nothing secret in it.

Takes the JSON of a plan file, which is hostile input; gives `PlanFile`, the typed form that `show` and all renderers
read. A `Plan` becomes one in `reconciler.plan.to_file`, and only there contents are turned into what may be seen:

* plain JSON;
* ``{"ref": address}`` for what another resource's SID will be;
* ``{"secret": "NAME", "digest": "…"}`` for what comes from secrets: their names, and a keyed digest of the content;
* ``{"digest": "…"}`` for other sensitive contents;
* ``{"unknown": reason}`` for what cannot be told before the apply.

A plan file is an approval, not a program: nothing in it is ever sent. It is compared with a fresh plan.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reconciler.errors import PlanFileError

Json = Any  # field contents are JSON of any shape


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceEntry(_Part):
    """Where the files say something."""

    file: str = Field(description="The file, as it was named.")
    line: int = Field(description="The line, from 1; 0 when unknown.")
    column: int = Field(default=0, description="The column, from 1; 0 when unknown.")
    via: str = Field(default="", description="How the value came there: a variable, an overlay, a template.")


class FieldEntry(_Part):
    """One field that differs."""

    path: str = Field(description="The field, dotted.")
    before: Json = Field(description="The live value; see the module for its forms.")
    after: Json = Field(description="The value in the files, likewise.")
    before_name: str = Field(default="", description="The name of what a reference refers to now; for people.")
    sensitive: bool = Field(description="Whether the values are hidden.")
    forces_replacement: bool = Field(description="Whether this makes the change a replace.")
    source: SourceEntry | None = Field(description="Where the files say so.")


class StepEntry(_Part):
    """One call to the API."""

    id: str = Field(description="Unique in the plan.")
    op: Literal["create", "update", "delete"] = Field(description="What is asked.")
    needs: tuple[str, ...] = Field(description="Steps that must have succeeded before.")


class GuardEntry(_Part):
    """Why a change is not simply done."""

    name: str = Field(description="Which guard.")
    verdict: Literal["refused", "withheld"] = Field(description="Stops the apply, or is left out of it.")
    message: str = Field(description="What is protected, and the way out.")
    only_delete: bool = Field(default=False, description="Whether only the old resource of a replace is kept.")


class ChangeEntry(_Part):
    """What happens to one resource."""

    address: str = Field(description="Where it stands in the files, or would stand.")
    kind: str = Field(description="What it is.")
    action: Literal["create", "update", "replace", "delete"] = Field(description="What happens to it.")
    sid: str | None = Field(description="The live resource; null when there is none yet.")
    name: str = Field(description="Its natural key; empty for a singleton.")
    service: str = Field(default="", description="The name of its service; empty at the top of the account.")
    fields: tuple[FieldEntry, ...] = Field(description="What differs.")
    steps: tuple[StepEntry, ...] = Field(description="The calls, in their order.")
    reason: str = Field(description="Why, as a short phrase.")
    risk: Literal["low", "medium", "high"] = Field(description="How careful a reviewer should be.")
    consequences: tuple[str, ...] = Field(default=(), description="What only a person can judge, in sentences.")
    guard: GuardEntry | None = Field(description="Why it is not simply done; null when it is.")
    source: SourceEntry | None = Field(default=None, description="Where the files declare it.")


class UnmanagedEntry(_Part):
    """A live resource that the files do not name."""

    address: str = Field(description="Its address, made of SIDs where the files have no handle.")
    kind: str = Field(description="What it is.")
    sid: str = Field(description="Its SID.")
    name: str = Field(description="Its natural key.")


class WarningEntry(_Part):
    """Something doubtful."""

    code: str = Field(description="A stable name.")
    message: str = Field(description="What is doubtful.")
    hint: str = Field(default="", description="What to do.")
    address: str = Field(default="", description="The resource it is about.")
    source: SourceEntry | None = Field(default=None, description="Where in the files.")


class OptionsEntry(_Part):
    """What the plan was made with."""

    env: str = Field(description="The environment; empty without one.")
    target: tuple[str, ...] = Field(default=(), description="Addresses the plan was narrowed to.")
    exclude: tuple[str, ...] = Field(default=(), description="Addresses the plan left out.")
    approved: tuple[str, ...] = Field(default=(), description="Addresses approved on the command line.")


class SummaryEntry(BaseModel):
    """How many of each."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    create: int
    update: int
    replace: int
    delete: int
    no_op: int = Field(alias="no-op", description="Resources that are as the files say.")
    unmanaged: int = Field(description="Live resources that the files do not name.")
    withheld: int = Field(description="Changes that a guard leaves out; not counted above.")


class PlanFile(_Part):
    """A plan as it is shown, saved and approved."""

    format: Literal["reconciler.plan"] = "reconciler.plan"
    format_version: Literal[1] = 1
    tool_version: str
    account_sid: str
    created_at: str = Field(description="When it was made; the only part that differs between equal plans.")
    config_digest: str = Field(description="What the files mean, as a digest.")
    options: OptionsEntry
    summary: SummaryEntry
    changes: tuple[ChangeEntry, ...]
    unmanaged: tuple[UnmanagedEntry, ...]
    warnings: tuple[WarningEntry, ...]
    left_out: tuple[str, ...] = Field(default=(), description="Addresses of changes that target or exclude left out.")

    @property
    def has_changes(self) -> bool:
        """Whether files and account differ, withheld changes included."""
        return bool(self.changes)

    def to_json(self) -> str:
        """The text of the file: indented, in the order of the format, ending in a newline."""
        return self.model_dump_json(indent=2, by_alias=True) + "\n"


def parse(text: str | bytes, name: str) -> PlanFile:
    """Read a plan file.

    Args:
        text: its content.
        name: what to call it in an error.

    Raises:
        PlanFileError: when it is no plan file, or one of another format version; the message says what is wrong where.
    """
    try:
        return PlanFile.model_validate_json(text, strict=False)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        what = f"at {where}: {first['msg']}" if where else first["msg"]
        raise PlanFileError(
            f"{name} is no plan of this version of reconciler ({what}); make one with `reconciler plan --out {name}`"
        ) from None
