"""The plan file: what a plan looks like outside of the process, in JSON, with nothing secret in it.

Takes the JSON of a plan file, which is hostile input; gives `PlanFile`, the typed form that `show` and all renderers
read. A `Plan` becomes one in `of_plan`, and only there contents are turned into what may be seen:

* plain JSON;
* ``{"ref": address}`` for what another resource's SID will be;
* ``{"secret": "NAME", "digest": "…"}`` for what comes from secrets: their names, and a keyed digest of the content;
* ``{"digest": "…"}`` for other sensitive contents;
* ``{"unknown": reason}`` for what cannot be told before the apply;
* ``{"json": mapping}`` for JSON that is a mapping itself, so that no live value can pose as one of the above.

A plan file is an approval, not a program: nothing in it is ever sent. It is compared with a fresh plan.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reconciler import json_text
from reconciler.change import Action, Change, FieldChange, Guard
from reconciler.config.model import Reference, Unknown
from reconciler.errors import Place, PlanFileError, Problem
from reconciler.json_text import Json
from reconciler.kinds import kind_words
from reconciler.plan import Plan
from reconciler.redaction import spelled_out

_MOST_VERSIONS = 1000
_LONGEST_REASON = 500
Saved = TypeVar("Saved", bound="Part")


class Part(BaseModel):
    """What every part of a saved file is: frozen, and refusing what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceEntry(Part):
    """Where the files say something."""

    file: str = Field(description="The file, as it was named.")
    line: int = Field(description="The line, from 1; 0 when unknown.")
    column: int = Field(default=0, description="The column, from 1; 0 when unknown.")
    via: str = Field(default="", description="How the value came there: a variable, an overlay, a template.")


class FieldEntry(Part):
    """One field that differs."""

    path: str = Field(description="The field, dotted.")
    before: Json = Field(description="The live value; see the module for its forms.")
    after: Json = Field(description="The value in the files, likewise.")
    before_name: str = Field(default="", description="The name of what a reference refers to now; for people.")
    sensitive: bool = Field(description="Whether the values are hidden.")
    forces_replacement: bool = Field(description="Whether this makes the change a replace.")
    source: SourceEntry | None = Field(description="Where the files say so.")
    before_source: SourceEntry | None = Field(
        default=None,
        exclude_if=lambda place: place is None,
        description="Where other files say what was before; left out where the account does.",
    )
    inside: tuple[str, ...] = Field(default=(), description="For JSON, where inside of it the two differ.")


class StepEntry(Part):
    """One call to the API."""

    id: str = Field(description="Unique in the plan.")
    op: Literal["create", "update", "delete"] = Field(description="What is asked.")
    needs: tuple[str, ...] = Field(description="Steps that must have succeeded before.")


class GuardEntry(Part):
    """Why a change is not simply done."""

    name: str = Field(description="Which guard.")
    verdict: Literal["refused", "withheld"] = Field(description="Stops the apply, or is left out of it.")
    message: str = Field(description="What is protected, and the way out.")
    only_delete: bool = Field(default=False, description="Whether only the old resource of a replace is kept.")


class ChangeEntry(Part):
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


class UnmanagedEntry(Part):
    """A live resource that the files do not name."""

    address: str = Field(description="Its address, made of SIDs where the files have no handle.")
    kind: str = Field(description="What it is.")
    sid: str = Field(description="Its SID.")
    name: str = Field(description="Its natural key.")


class WarningEntry(Part):
    """Something doubtful."""

    code: str = Field(description="A stable name.")
    message: str = Field(description="What is doubtful.")
    hint: str = Field(default="", description="What to do.")
    address: str = Field(default="", description="The resource it is about.")
    source: SourceEntry | None = Field(default=None, description="Where in the files.")


class OptionsEntry(Part):
    """What the plan was made with."""

    env: str = Field(description="The environment; empty without one.")
    target: tuple[str, ...] = Field(default=(), description="Addresses the plan was narrowed to.")
    exclude: tuple[str, ...] = Field(default=(), description="Addresses the plan left out.")
    approved: tuple[str, ...] = Field(default=(), description="Addresses approved on the command line.")
    rotate: tuple[str, ...] = Field(default=(), description="Addresses whose never returned values are sent.")


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


class PlanFile(Part):
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
    guards: tuple[GuardEntry, ...] = Field(default=(), description="What refuses the plan as a whole, such as limits.")
    unverified: tuple[str, ...] = Field(
        default=(), description="Declared values that Twilio never returns, and that this plan does not send."
    )
    left_out: tuple[str, ...] = Field(
        default=(), description="Declared resources that target or exclude leave out of the plan."
    )

    @property
    def has_changes(self) -> bool:
        """Whether files and account differ, withheld changes included."""
        return bool(self.changes)

    def to_json(self) -> str:
        """The text of the file: indented, in the order of the format, in ASCII, ending in a newline."""
        return spelled_out(self.model_dump_json(indent=2, by_alias=True, ensure_ascii=True)) + "\n"


def of_plan(plan: Plan, *, key: bytes, tool_version: str, created_at: str) -> PlanFile:
    """Turn a plan into what may leave the process.

    Args:
        plan: the plan, secrets included.
        key: for the digests of sensitive contents; the same for the plan and for the apply that compares with it, and
            known only to those who may know the contents.
        tool_version: this program's version.
        created_at: the time, as ISO 8601 in UTC.
    """
    actions = [change.action for change in plan.changes if not change.is_withheld]
    return PlanFile(
        tool_version=tool_version,
        account_sid=plan.account_sid,
        created_at=created_at,
        config_digest=plan.config_digest,
        options=OptionsEntry(
            env=plan.environment,
            target=tuple(str(item) for item in plan.options.targets),
            exclude=tuple(str(item) for item in plan.options.excludes),
            approved=tuple(sorted(str(item) for item in plan.options.approved)),
            rotate=tuple(sorted(str(item) for item in plan.options.rotate)),
        ),
        summary=SummaryEntry(
            create=actions.count("create"),
            update=actions.count("update"),
            replace=actions.count("replace"),
            delete=actions.count("delete"),
            no_op=plan.unchanged,
            unmanaged=len(plan.unmanaged),
            withheld=len(plan.changes) - len(actions),
        ),
        changes=tuple(_change(change, plan.account_sid, key) for change in plan.changes),
        unmanaged=tuple(
            UnmanagedEntry(address=str(item.address), kind=item.live.kind.name, sid=item.live.sid, name=item.live.title)
            for item in plan.unmanaged
        ),
        warnings=tuple(_warning(problem) for problem in plan.warnings),
        guards=tuple(_guard(guard) for guard in plan.refusals),
        unverified=tuple(f"{address}: {path}" for address, path in plan.unverified),
        left_out=tuple(str(address) for address in plan.left_out),
    )


def _change(change: Change, account_sid: str, key: bytes) -> ChangeEntry:
    return ChangeEntry(
        address=str(change.address),
        kind=change.kind.name,
        action=change.action,
        sid=change.sid,
        name=change.name,
        service=change.service,
        fields=tuple(_field(item, (account_sid, str(change.address), item.path), key) for item in change.fields),
        steps=tuple(StepEntry(id=step.id, op=step.op, needs=step.needs) for step in change.steps),
        reason=change.reason,
        risk=change.risk,
        consequences=change.consequences,
        guard=_guard(change.guard) if change.guard is not None else None,
        source=_source(change.source),
    )


def _field(item: FieldChange, where: tuple[str, ...], key: bytes) -> FieldEntry:
    return FieldEntry(
        path=item.path,
        before=_seen(item.before, item, where, key, secrets=()),
        after=_seen(item.after, item, where, key, secrets=item.secrets),
        before_name="" if item.sensitive else item.before_name,
        sensitive=item.sensitive,
        forces_replacement=item.forces_replacement,
        source=_source(item.source),
        before_source=_source(item.before_source),
        inside=item.inside,
    )


def _seen(content: Json, item: FieldChange, where: tuple[str, ...], key: bytes, secrets: tuple[str, ...]) -> Json:
    """A content in the form in which it may be seen; see the module for the forms."""
    if isinstance(content, Unknown):
        return {"secret": ", ".join(secrets)} if secrets else {"unknown": content.reason}
    if isinstance(content, Reference):
        return {"ref": str(content.address)}
    if not item.sensitive or content is None:
        if isinstance(content, dict):
            return {"json": content}
        return list(content) if isinstance(content, tuple) else content
    text = json.dumps([*where, content], sort_keys=True, ensure_ascii=True)
    digest = "hmac-sha256:" + hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    return {"secret": ", ".join(secrets), "digest": digest} if secrets else {"digest": digest}


def _source(place: Place | None) -> SourceEntry | None:
    if place is None:
        return None
    return SourceEntry(file=place.file, line=place.line, column=place.column, via=place.via)


def _guard(guard: Guard) -> GuardEntry:
    return GuardEntry(name=guard.name, verdict=guard.verdict, message=guard.message, only_delete=guard.only_delete)


def _warning(problem: Problem) -> WarningEntry:
    return WarningEntry(
        code=problem.code,
        message=problem.message,
        hint=problem.hint,
        address=problem.address,
        source=_source(problem.place),
    )


def not_approved(approved: PlanFile, fresh: PlanFile) -> tuple[str, ...]:
    """What a fresh plan would do that an approved one did not say, in sentences; empty when it may go ahead.

    A fresh change is approved when the approved plan has one of the same address, action, resource and fields, each
    with the same before and after. Three things may be so because part of the plan has been done already: fields that
    came with a new service (before: unknown then) may be known or done by now; a replace that lost its old resource is
    a create; a replace that has its new resource is a delete of the old one, as long as the files mean what they meant
    (of other files it could be a delete without a new one). What the approved plan showed as withheld is not approved,
    though nothing may hold it any more.
    """
    if approved.account_sid != fresh.account_sid:
        return (f"the plan was made for account {approved.account_sid}, and this is {fresh.account_sid}",)
    by_address = {entry.address: entry for entry in approved.changes}
    replaced: set[str | None] = set()
    if approved.config_digest == fresh.config_digest:
        replaced = {entry.sid for entry in approved.changes if entry.action == "replace" and not _held(entry)}
    found: list[str] = []
    for change in fresh.changes:
        if _held(change) == _WHOLE:
            continue
        if change.action == "delete" and change.sid in replaced:
            continue
        entry = by_address.get(change.address)
        if entry is None:
            found.append(f"{change.address}: {change.action} was not in the approved plan")
        else:
            found.extend(f"{change.address}: {reason}" for reason in _mismatches(entry, change))
    return tuple(found)


_WHOLE = 2
_ACTIONS: tuple[Action, ...] = ("create", "update", "replace", "delete")


def _held(entry: ChangeEntry) -> int:
    """How much of a change a guard leaves out: nothing, the delete of a replace (1), or `_WHOLE`."""
    if entry.guard is None or entry.guard.verdict != "withheld":
        return 0
    return 1 if entry.guard.only_delete else _WHOLE


def _mismatches(approved: ChangeEntry, fresh: ChangeEntry) -> list[str]:
    remainder = approved.action == "replace" and fresh.action == "create"
    if approved.action != fresh.action and not remainder:
        return [f"{approved.action} was approved, and now it would be {fresh.action}"]
    if approved.sid is not None and approved.sid != fresh.sid and not remainder:
        return [f"the approved plan was about {approved.sid}, and now it is about {fresh.sid}"]
    if approved.kind != fresh.kind:
        return [
            f"the approved plan was about a {kind_words(approved.kind)}, and now it is about a {kind_words(fresh.kind)}"
        ]
    if _held(approved) > _held(fresh) and not (remainder and _held(approved) < _WHOLE):
        what = fresh.action if _held(approved) == _WHOLE else "delete of the old one"
        return [f"the {what} was withheld in the approved plan, and now it would be done"]
    old, new = ({item.path: item for item in entry.fields} for entry in (approved, fresh))
    was_new = any(isinstance(item.before, dict) and "unknown" in item.before for item in approved.fields)
    found = [f"{path} was not in the approved change" for path in new if path not in old]
    if not was_new and not remainder:
        found += [f"{path} was in the approved change, and is not any more" for path in old if path not in new]
    for path, item in new.items():
        was = old.get(path)
        if was is None:
            continue
        if was.sensitive and not item.sensitive:
            # Whoever approved it has not seen it.
            found.append(f"{path} was hidden in the approved plan, and is not sensitive")
        if was.after != item.after:
            found.append(f"{path} would become something else than was approved{_or_other_key(was.after, item.after)}")
        is_open = isinstance(was.before, dict) and "unknown" in was.before
        if was.before != item.before and not is_open and not remainder:
            found.append(
                f"{path} is not what it was when the plan was approved{_or_other_key(was.before, item.before)}"
            )
    return found


def _or_other_key(approved: Json, fresh: Json) -> str:
    """What else may be the cause where only digests are compared."""
    if all(isinstance(content, dict) and "digest" in content for content in (approved, fresh)):
        return ", or the plan was made with other credentials (RECONCILER_PLAN_KEY is for that)"
    return ""


def parse(text: str | bytes, name: str) -> PlanFile:
    """Read a plan file.

    Args:
        text: its content.
        name: what to call it in an error.

    Raises:
        PlanFileError: when it is no plan file, or one of another format version; the message says what is wrong where.
    """
    command = "reconciler plan --out plan.json"
    found = parse_as(PlanFile, text, name, "plan", command)
    doing = Counter(entry.action for entry in found.changes if _held(entry) < _WHOLE)
    counted: dict[str, int] = {action: doing[action] for action in _ACTIONS}
    counted |= {"unmanaged": len(found.unmanaged), "withheld": len(found.changes) - doing.total()}
    wrong = next((key for key, count in counted.items() if getattr(found.summary, key) != count), None)
    if wrong is not None:
        # People and pipelines read the summary first, and would take it for the whole.
        raise PlanFileError(
            f"{name} is no plan of this version of reconciler (at summary.{wrong}: it holds {counted[wrong]}); "
            f"make one with `{command}`"
        )
    return found


class _Head(BaseModel):
    """What every file of ours begins with."""

    format: str


def format_of(text: str | bytes) -> str:
    """Which format a JSON text says it has; empty when it says none, or is no JSON."""
    try:
        return _Head.model_validate_json(text).format
    except ValidationError:
        return ""


def _newer(model: type[Part], found: Json) -> int:
    """The version of a format, where it is the right format and a later version; 0 otherwise."""
    if not isinstance(found, dict) or found.get("format") != model.model_fields["format"].default:
        return 0
    version = found.get("format_version")
    return version if type(version) is int and 1 < version < _MOST_VERSIONS else 0


def parse_as(model: type[Saved], text: str | bytes, name: str, noun: str, command: str) -> Saved:
    """Read a saved file, which is hostile input.

    Args:
        model: what it should hold.
        text: its content.
        name: what to call it in an error.
        noun: what that is, in a word.
        command: how one is made.

    Raises:
        PlanFileError: when it does not hold that; the message says what is wrong where.
    """
    what = ""
    try:
        found = json_text.document(text)
        newer = _newer(model, found)
        if newer:
            raise PlanFileError(
                f"{name} is a {noun} of format version {newer}, and this release of reconciler reads version 1; use "
                f"the release that made it, or make a new one with `{command}`"
            )
        return model.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        what = f"at {where}: {first['msg']}" if where else first["msg"]
    except RecursionError:
        what = "it nests too deep"
    except ValueError as error:
        what = f"not JSON: {error}" if isinstance(error, json.JSONDecodeError) else str(error)
    raise PlanFileError(
        f"{name} is no {noun} of this version of reconciler ({what[:_LONGEST_REASON]}); make one with `{command}`"
    )
