"""The plan file: what a plan looks like outside of the process, in JSON, with nothing secret in it.

Takes the JSON of a plan file, which is hostile input; gives `PlanFile`, the typed form that `show` and all renderers
read. A `Plan` becomes one in `of_plan`, and only there contents are turned into what may be seen:

* plain JSON;
* ``{"ref": address, "sid": "RL…"}`` for another resource; the SID is null while the plan itself creates it;
* ``{"secret": "NAME", "digest": "…"}`` for what comes from secrets: their names, and a keyed digest of the content,
  which is missing where a secret is not set;
* ``{"digest": "…"}`` for other sensitive contents;
* either of the two with ``"shown": "https://hooks.example.com/in?token=(sensitive)"`` for a URL, of which only the
  secret parts are masked;
* ``{"unknown": reason}`` for what cannot be told before the apply;
* ``{"json": mapping}`` for JSON that is a mapping itself, so that no live value can pose as one of the above.

A plan file is an approval, not a program: nothing in it is ever sent. `reconciler.documents.approval` compares it with
a fresh plan. Only the approvals of the command line that made it have no counterpart there, so they count only if its
`seal` matches.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reconciler import json_text
from reconciler.address import Address, AddressError, looks_like_sid
from reconciler.change import Action, Change, FieldChange, Guard, InnerChange, Step
from reconciler.config.model import Reference, Unknown
from reconciler.errors import Place, PlanFileError, Problem
from reconciler.json_text import Json
from reconciler.kinds.fields import Content
from reconciler.planning.plan import Plan
from reconciler.redaction import FRAGMENT, HIDDEN, Redaction, spelled_out, texts_of
from reconciler.redaction.urls import MASK

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


class InnerEntry(Part):
    """One difference inside a JSON value."""

    path: str = Field(description='Where inside the value: `team`, `tags[0].name`, `["a.b"]`.')
    kind: Literal["added", "removed", "changed"] = Field(description="Which of the two sides has it.")
    before: Json = Field(default=None, description="The live value, as plain JSON; null where it is added.")
    after: Json = Field(default=None, description="The configured value, as plain JSON; null where it is removed.")


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
    inside: tuple[InnerEntry, ...] = Field(default=(), description="For JSON, the differences inside it.")


class StepEntry(Part):
    """One call to the API."""

    id: str = Field(description="Unique in the plan.")
    op: Literal["create", "update", "delete"] = Field(description="What is asked.")
    needs: tuple[str, ...] = Field(description="Steps that must have succeeded before.")
    address: str = Field(
        default="",
        exclude_if=lambda address: not address,
        description="The resource it writes to, where that is not the resource of the change.",
    )
    sets: dict[str, Json] = Field(
        default_factory=dict,
        exclude_if=lambda values: not values,
        description="What it sends besides the fields of the change, by field.",
    )


class GuardEntry(Part):
    """Why a change is not simply done."""

    name: str = Field(description="Which guard.")
    verdict: Literal["refused", "withheld"] = Field(description="Stops the apply, or is left out of it.")
    message: str = Field(description="What is protected, and the way out.")
    only_delete: bool = Field(default=False, description="Whether only the old resource of a replace is kept.")
    holders: tuple[str, ...] = Field(
        default=(), exclude_if=lambda names: not names, description="The users who hold the role, all of them."
    )
    fix: str = Field(
        default="", exclude_if=lambda text: not text, description="YAML that resolves it, for the configuration."
    )


class ChangeEntry(Part):
    """What happens to one resource."""

    address: str = Field(description="Where it stands in the files, or would stand.")
    kind: str = Field(description="What it is.")
    action: Literal["create", "update", "replace", "delete"] = Field(description="What happens to it.")
    sid: str | None = Field(description="The live resource; null when there is none yet.")
    name: str = Field(description="Its natural key; empty for a singleton.")
    service: str = Field(default="", description="The name of its service; empty at the top of the account.")
    parents: tuple[str | None, ...] = Field(
        description="The SIDs of the resources that contain it, outermost first; null for one that this plan creates."
    )
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
    severity: Literal["warning", "notice"] = Field(
        default="warning",
        exclude_if=lambda severity: severity == "warning",
        description="A notice names an entry of the configuration that has done its work and can be removed.",
    )
    message: str = Field(description="What is doubtful.")
    hint: str = Field(default="", description="What to do.")
    address: str = Field(default="", description="The resource it is about.")
    source: SourceEntry | None = Field(default=None, description="Where in the files.")


class OptionsEntry(Part):
    """What the plan was made with."""

    env: str = Field(description="The environment; empty without one.")
    target: tuple[str, ...] = Field(default=(), description="Addresses the plan was narrowed to.")
    exclude: tuple[str, ...] = Field(default=(), description="Addresses the plan left out.")
    approved: tuple[str, ...] = Field(default=(), description="What --approve approves: [ACTION:]ADDRESS.")
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
    acknowledged: int = Field(default=0, description="How many warnings the files acknowledge; they are not listed.")
    unreadable: tuple[WarningEntry, ...] = Field(
        default=(), description="Collections that may not be read, with what could not be planned because of that."
    )
    guards: tuple[GuardEntry, ...] = Field(default=(), description="What refuses the plan as a whole, such as limits.")
    unverified: tuple[str, ...] = Field(
        default=(), description="Declared values that Twilio never returns, and that this plan does not send."
    )
    unlisted: tuple[str, ...] = Field(
        default=(),
        exclude_if=lambda collections: not collections,
        description="Collections whose undeclared resources are not compared, because they are not pruned.",
    )
    left_out: tuple[str, ...] = Field(
        default=(), description="Declared resources that target or exclude leave out of the plan."
    )
    seal: str = Field(
        default="",
        exclude_if=lambda seal: not seal,
        description="A keyed digest of everything else but created_at: the approvals of an edited plan do not count.",
    )

    @property
    def has_changes(self) -> bool:
        """Whether files and account differ, withheld changes included."""
        return bool(self.changes)

    def to_json(self) -> str:
        """The text of the file: indented, in the order of the format, in ASCII, ending in a newline."""
        return spelled_out(self.model_dump_json(indent=2, by_alias=True, ensure_ascii=True)) + "\n"

    def sealed(self, key: bytes) -> PlanFile:
        """Return the plan with its seal.

        Args:
            key: see `of_plan`.
        """
        return self.model_copy(update={"seal": self._seal(key)})

    def has_valid_seal(self, key: bytes) -> bool:
        """Whether the plan is as it was sealed, with this key."""
        return hmac.compare_digest(self.seal.encode(errors="replace"), self._seal(key).encode())

    def _seal(self, key: bytes) -> str:
        """The HMAC of the plan's canonical JSON, without `created_at` and the seal itself."""
        parts = self.model_dump(mode="json", by_alias=True, exclude={"created_at", "seal"})
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        # The prefix keeps a seal from being the digest of a value, which is made with the same key.
        return "hmac-sha256:" + hmac.new(key, b"reconciler plan seal\0" + text.encode(), hashlib.sha256).hexdigest()


def of_plan(plan: Plan, *, key: bytes, tool_version: str, created_at: str, hidden: Iterable[str] = ()) -> PlanFile:
    """Turn a plan into what may leave the process, sealed.

    Args:
        plan: the plan, secrets included.
        key: for the seal and the digests of sensitive contents; the same for the plan and for the apply that compares
            with it, and known only to those who may know the contents.
        tool_version: this program's version.
        created_at: the time, as ISO 8601 in UTC.
        hidden: secrets of the configuration, masked in what comes from the account, too.
    """
    mask = _Mask(hidden)
    actions = [change.action for change in plan.changes if not change.is_withheld]
    sids = _Sids(plan)
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
        changes=tuple(_change(change, plan.account_sid, key, sids, mask) for change in plan.changes),
        unmanaged=tuple(
            UnmanagedEntry(
                address=str(item.address),
                kind=item.live.kind.name,
                sid=item.live.sid,
                name=mask.every(item.name or item.live.title),
            )
            for item in plan.unmanaged
        ),
        warnings=tuple(_warning(problem, mask) for problem in plan.warnings),
        acknowledged=plan.acknowledged,
        unreadable=tuple(_warning(problem, mask) for problem in plan.unreadable),
        guards=tuple(_guard(guard, mask) for guard in plan.refusals),
        unverified=tuple(f"{address}: {path}" for address, path in plan.unverified),
        unlisted=tuple(str(address) for address in plan.unlisted),
        left_out=tuple(str(address) for address in plan.left_out),
    ).sealed(key)


class _Sids:
    """The SIDs that a plan refers to, without those of resources that it makes.

    Args:
        plan: the plan.
    """

    def __init__(self, plan: Plan) -> None:
        self._live = plan.sids
        self._made = {
            change.address
            for change in plan.changes
            if change.action in {"create", "replace"} and not change.is_withheld
        }

    def of(self, address: Address) -> str | None:
        """The SID of what an address names now; None for a resource that the plan makes, and for what is in one."""
        if any(Address(address.parts[:length]) in self._made for length in range(2, len(address.parts) + 1, 2)):
            return None
        sid = self._live.get(address)
        return address.parts[-1] if sid is None and looks_like_sid(address.parts[-1]) else sid

    def above(self, parent: Address | None) -> tuple[str | None, ...]:
        """The SIDs of a parent and of what contains it, outermost first."""
        parts = () if parent is None else parent.parts
        return tuple(self.of(Address(parts[:length])) for length in range(2, len(parts) + 1, 2))


@dataclass(frozen=True, slots=True)
class _Form:
    """Turns the contents of one change into the form in which they may be seen.

    Attributes:
        account_sid: the account, which digests are bound to.
        address: the change's address, likewise.
        key: for digests.
        sids: of what references name.
        mask: masks secrets of the configuration in what the account has.
    """

    account_sid: str
    address: str
    key: bytes
    sids: _Sids
    mask: _Mask

    def field(self, item: FieldChange) -> FieldEntry:
        """One field."""
        before = self._before(item)
        is_shown = before == {"json": item.before}
        return FieldEntry(
            path=item.path,
            before=before,
            after=self._side(item, item.after, item.secrets, self.mask.url(item.after_shown, self.mask.long)),
            before_name="" if item.sensitive else self.mask.every(item.before_name),
            sensitive=item.sensitive,
            forces_replacement=item.forces_replacement,
            source=_source(item.source),
            before_source=_source(item.before_source),
            inside=tuple(map(_inner, item.inside)) if is_shown else (),
        )

    def _before(self, item: FieldChange) -> Json:
        """The live content; one that repeats a secret of the configuration is as sensitive."""
        if not item.sensitive and any(self.mask.every(text) != text for text in texts_of(item.before)):
            return self._side(replace(item, sensitive=True), item.before, ())
        return self._side(item, item.before, (), self.mask.url(item.before_shown, self.mask.every))

    def step(self, step: Step, change: Change) -> StepEntry:
        """One step, with what it sends that no field of its change tells."""
        is_own = step.address == change.address
        told = {item.path for item in change.fields} if is_own else frozenset[str]()
        sets = {
            # Only a reference is plain for sure: whether another content may be shown is known of fields only.
            path: self._side(FieldChange(path, None, None, sensitive=not isinstance(content, Reference)), content, ())
            for path, content in step.values.items()
            if path not in told
        }
        address = "" if is_own else str(step.address)
        return StepEntry(id=step.id, op=step.op, needs=step.needs, address=address, sets=sets)

    def _side(
        self, item: FieldChange, content: Content | Reference | Unknown, secrets: tuple[str, ...], shown: str = ""
    ) -> Json:
        """A content in the form in which it may be seen; see the module for the forms."""
        parts = {"shown": shown} if shown else {}
        if isinstance(content, Unknown):
            return {"secret": ", ".join(secrets), **parts} if secrets else {"unknown": content.reason}
        if isinstance(content, Reference):
            return {"ref": str(content.address), "sid": self.sids.of(content.address)}
        if not item.sensitive or content is None:
            if isinstance(content, dict):
                return {"json": content}
            return list(content) if isinstance(content, tuple) else content
        digest = _digest(content, (self.account_sid, self.address, item.path), self.key)
        return {"secret": ", ".join(secrets), "digest": digest, **parts} if secrets else {"digest": digest, **parts}


def _change(change: Change, account_sid: str, key: bytes, sids: _Sids, mask: _Mask) -> ChangeEntry:
    form = _Form(account_sid, str(change.address), key, sids, mask)
    # Only the name of what the configuration does not declare comes from the account.
    words = mask.every if change.action == "delete" else mask.long
    return ChangeEntry(
        address=str(change.address),
        kind=change.kind.name,
        action=change.action,
        sid=change.sid,
        name=words(change.name),
        service=mask.long(change.service),
        parents=sids.above(change.parent),
        fields=tuple(form.field(item) for item in change.fields),
        steps=tuple(form.step(step, change) for step in change.steps),
        reason=change.reason,
        risk=change.risk,
        consequences=tuple(map(mask.long, change.consequences)),
        guard=_guard(change.guard, mask) if change.guard is not None else None,
        source=_source(change.source),
    )


def _inner(change: InnerChange) -> InnerEntry:
    return InnerEntry(path=change.path, kind=change.kind, before=change.before, after=change.after)


def _digest(content: Json, where: tuple[str, ...], key: bytes) -> str:
    text = json.dumps([*where, content], sort_keys=True, ensure_ascii=True)
    return "hmac-sha256:" + hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


class _Mask:
    """Masks secrets of the configuration in what comes from the account.

    Args:
        secrets: the secrets.

    Attributes:
        every: masks all of them, in a value or a name.
        long: masks the longer ones. In a sentence or a text of the configuration, a short one is most likely a word.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        known = frozenset(secrets)
        self.every = Redaction(known)
        self.long = Redaction(secret for secret in known if len(secret) >= FRAGMENT)

    @staticmethod
    def url(shown: str, redact: Redaction) -> str:
        """A masked URL without what else is a secret."""
        return redact(shown).replace(HIDDEN, MASK)


@dataclass(frozen=True, slots=True)
class LiveEntry:
    """What is live now at an address of an approved plan.

    Attributes:
        sid: its SID.
        parents: the SIDs of what contains it, outermost first.
        name: its natural key as it may be shown.
        created: when it was made, as the API says it; empty where it does not.
        digests: of its sensitive fields, as `of_plan` makes them.
    """

    sid: str
    parents: tuple[str, ...]
    name: str
    created: str
    digests: Mapping[str, str]


def live_entries(plan: Plan, approved: PlanFile, *, key: bytes, hidden: Iterable[str] = ()) -> dict[str, LiveEntry]:
    """What is live by now of the resources that an approved plan makes, by address.

    Args:
        plan: the fresh plan.
        approved: the approved one.
        key: for the digests; see `of_plan`.
        hidden: secrets of the configuration; likewise.
    """
    mask = _Mask(hidden)
    found = {}
    for entry in approved.changes:
        if entry.action not in {"create", "replace"}:
            continue
        try:
            address = Address.parse(entry.address)
        except AddressError:
            continue  # an edited file: nothing is live there
        live = plan.live.get(address)
        if live is None:
            continue
        found[entry.address] = LiveEntry(
            sid=live.sid,
            parents=live.parents,
            name=mask.long(plan.titles.get(address, "")),
            created=live.created,
            digests={
                item.path: _digest(content, (plan.account_sid, entry.address, item.path), key)
                for item in entry.fields
                if item.sensitive and (content := live.values.get(item.path)) is not None
            },
        )
    return found


def _source(place: Place | None) -> SourceEntry | None:
    if place is None:
        return None
    return SourceEntry(file=place.file, line=place.line, column=place.column, via=place.via)


def _guard(guard: Guard, mask: _Mask) -> GuardEntry:
    return GuardEntry(
        name=guard.name,
        verdict=guard.verdict,
        message=mask.long(guard.message),
        only_delete=guard.only_delete,
        holders=tuple(map(mask.every, guard.holders)),
        fix=mask.long(guard.fix),
    )


def _warning(problem: Problem, mask: _Mask) -> WarningEntry:
    return WarningEntry(
        code=problem.code,
        severity="notice" if problem.severity == "notice" else "warning",
        message=mask.long(problem.message),
        hint=mask.long(problem.hint),
        address=problem.address,
        source=_source(problem.place),
    )


WHOLE = 2
_ACTIONS: tuple[Action, ...] = ("create", "update", "replace", "delete")


def withheld_part(entry: ChangeEntry) -> int:
    """How much of a change a guard leaves out: nothing (0), the delete of a replace (1), or `WHOLE`."""
    if entry.guard is None or entry.guard.verdict != "withheld":
        return 0
    return 1 if entry.guard.only_delete else WHOLE


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
    repeated = next(
        (address for address, count in Counter(it.address for it in found.changes).items() if count > 1), ""
    )
    if repeated:
        raise PlanFileError(f"{name} has two changes of {repeated}; make a new plan with `{command}`")
    doing = Counter(entry.action for entry in found.changes if withheld_part(entry) < WHOLE)
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
        if any(item["type"] == "missing" and item["loc"][-1:] == ("parents",) for item in error.errors()):
            raise PlanFileError(
                f"{name} was made by an older release of reconciler, which did not record the SIDs that an approval "
                f"covers; make a new plan with `{command}`"
            ) from None
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
