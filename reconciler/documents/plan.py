"""The plan file: a plan as JSON that people review, programs read, and `apply --plan` compares with a fresh plan.

Takes a `Plan`, or the JSON of a plan file, which is hostile input; returns `PlanFile`, which contains no secrets: the
forms of its values are those of `reconciler.documents.values`. Does no I/O.

A plan file is an approval, not a program: nothing in it is ever sent. `reconciler.documents.approval` compares it with
a fresh plan. Only the approvals of the command line that made it have no counterpart there, so they count only if its
`seal` matches.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import field, replace
from operator import not_
from typing import Literal

from reconciler.address import Address, looks_like_sid
from reconciler.change import Action, Change, FieldChange, Step
from reconciler.config.model import Reference
from reconciler.documents.base import Part, described, is_none
from reconciler.documents.parts import (
    ChangePart,
    GuardPart,
    IrreversiblePart,
    OptionsPart,
    SincePart,
    StepPart,
    SummaryPart,
    UndoPart,
    UnmanagedPart,
    WarningPart,
)
from reconciler.documents.saved import parse_as
from reconciler.documents.values import (
    Digests,
    Mask,
    ValueForms,
    guard_part,
    impact_part,
    since_part,
    source_part,
    warning_part,
)
from reconciler.documents.writing import to_content, to_text
from reconciler.errors import PlanFileError
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.plan import Plan
from reconciler.redaction import spelled_out


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandsPart(Part):
    """The commands that continue from a plan."""

    apply: str = field(
        metadata=described("The command that makes this plan again and applies it, with the approvals that it lacks.")
    )
    accept: str = field(
        default="",
        metadata=described(
            "The command that writes the account's values of the changed fields into the configuration.",
            exclude_if=not_,
        ),
    )
    accept_omits: tuple[str, ...] = field(
        default=(),
        metadata=described("The resources and fields that differ, and that `accept` leaves out.", exclude_if=not_),
    )
    by_hand: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "The values that no command accepts, each with the reason and what to change by hand.", exclude_if=not_
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFile(Part):
    """A plan as it is shown, saved, and approved."""

    format: Literal["reconciler.plan"] = "reconciler.plan"
    format_version: Literal[1] = 1
    tool_version: str
    account_sid: str
    created_at: str = field(metadata=described("When it was made; the only part that differs between equal plans."))
    config_digest: str = field(metadata=described("A digest of the configuration's meaning."))
    options: OptionsPart
    summary: SummaryPart
    changes: tuple[ChangePart, ...]
    unmanaged: tuple[UnmanagedPart, ...]
    warnings: tuple[WarningPart, ...]
    acknowledged: int = field(
        default=0, metadata=described("The number of acknowledged warnings; they are not listed.")
    )
    unreadable: tuple[WarningPart, ...] = field(
        default=(),
        metadata=described("Collections that could not be read, with the resources that could not be planned."),
    )
    guards: tuple[GuardPart, ...] = field(
        default=(), metadata=described("Guards that refuse the plan as a whole, such as limits.")
    )
    unverified: tuple[str, ...] = field(
        default=(), metadata=described("Write-only values that were not compared and that this plan does not send.")
    )
    unlisted: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "Collections whose undeclared resources were not compared, because they are not pruned.", exclude_if=not_
        ),
    )
    unsearched: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "Top-level collections that were not searched for unmanaged resources, because the configuration "
            "declares nothing in them.",
            exclude_if=not_,
        ),
    )
    left_out: tuple[str, ...] = field(
        default=(), metadata=described("Declared resources that `--target` or `--exclude` omits.")
    )
    baseline: SincePart | None = field(
        default=None,
        metadata=described(
            "The configuration that was applied last, with which both sides were compared.", exclude_if=is_none
        ),
    )
    irreversible: tuple[IrreversiblePart, ...] = field(
        default=(), metadata=described("Of an undo, what remains different permanently.", exclude_if=not_)
    )
    commands: CommandsPart | None = field(
        default=None,
        metadata=described("Commands that continue; absent if the command that ran is unknown.", exclude_if=is_none),
    )
    seal: str = field(
        default="",
        metadata=described(
            "A keyed digest of everything but created_at: the approvals of an edited plan do not count.",
            exclude_if=not_,
        ),
    )

    @property
    def has_changes(self) -> bool:
        """Whether the account differs from the configuration, withheld changes included."""
        return bool(self.changes)

    def to_json(self) -> str:
        """Render the document as indented ASCII that ends in a newline."""
        return spelled_out(to_text(self, indent=2)) + "\n"

    def sealed(self, key: bytes) -> PlanFile:
        """Return the plan with its seal.

        Args:
            key: see `plan_document`.
        """
        return replace(self, seal=self._seal(key))

    def has_valid_seal(self, key: bytes) -> bool:
        """Check that the plan is unchanged since it was sealed with this key."""
        return hmac.compare_digest(self.seal.encode(errors="replace"), self._seal(key).encode())

    def _seal(self, key: bytes) -> str:
        """Compute the HMAC of the canonical JSON without `created_at`, the seal itself, and suggested commands."""
        content = to_content(self, exclude={"created_at", "seal", "commands"})
        for part in (*content["changes"], *content["unmanaged"]):
            part.pop("next_steps", None)
        text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        # The prefix keeps a seal from being the digest of a value, which is made with the same key.
        return "hmac-sha256:" + hmac.new(key, b"reconciler plan seal\0" + text.encode(), hashlib.sha256).hexdigest()


def plan_document(
    plan: Plan, *, key: bytes, tool_version: str, created_at: str, hidden: Iterable[str] = ()
) -> PlanFile:
    """Turn a plan into a document without secrets and without a seal, which only a saved plan needs.

    Args:
        plan: the plan, secrets included.
        key: the key of the digests of sensitive values, and of a seal. Plan and apply must use the same one, and it
            must be known only to those who may know the values.
        tool_version: this program's version.
        created_at: the time, as ISO 8601 in UTC.
        hidden: secrets of the configuration, which are masked in live values too.
    """
    mask, digests = Mask(hidden), Digests(plan.account_sid, key)
    actions = [change.action for change in plan.changes if not change.is_withheld]
    references = _References(plan)
    return PlanFile(
        tool_version=tool_version,
        account_sid=plan.account_sid,
        created_at=created_at,
        config_digest=plan.config_digest,
        options=_options(plan),
        summary=SummaryPart(
            create=actions.count("create"),
            update=actions.count("update"),
            replace=actions.count("replace"),
            delete=actions.count("delete"),
            no_op=plan.unchanged,
            unmanaged=len(plan.unmanaged),
            withheld=len(plan.changes) - len(actions),
        ),
        changes=tuple(_change(change, references, mask, digests) for change in plan.changes),
        unmanaged=tuple(
            UnmanagedPart(
                address=str(item.address),
                kind=item.live.kind.name,
                sid=item.live.sid,
                name=mask.every(item.name or item.live.title),
                is_default=item.is_default,
            )
            for item in plan.unmanaged
        ),
        warnings=tuple(warning_part(problem, mask) for problem in plan.warnings),
        acknowledged=plan.acknowledged,
        unreadable=tuple(warning_part(problem, mask) for problem in plan.unreadable),
        guards=tuple(guard_part(guard, mask) for guard in plan.refusals),
        unverified=tuple(f"{address}: {path}" for address, path in plan.unverified),
        unlisted=tuple(str(address) for address in plan.unlisted),
        unsearched=tuple(str(address) for address in plan.unsearched),
        left_out=tuple(str(address) for address in plan.left_out),
        irreversible=tuple(
            IrreversiblePart(address=str(address), message=mask.long(message)) for address, message in plan.irreversible
        ),
        baseline=since_part(plan.baseline),
    )


def _options(plan: Plan) -> OptionsPart:
    options, undo = plan.options, plan.options.undo
    return OptionsPart(
        env=plan.environment,
        target=tuple(str(item) for item in options.targets),
        exclude=tuple(str(item) for item in options.excludes),
        approved=tuple(sorted(str(item) for item in options.approved)),
        rotate=tuple(sorted(str(item) for item in options.rotate)),
        baseline=options.baseline,
        ours=options.ours,
        undo=None if undo is None else UndoPart(report=undo.path, digest=undo.digest, is_empty=undo.is_empty),
    )


class _References:
    """Resolves the references of a plan to SIDs, except those of resources that it creates.

    Args:
        plan: the plan.
    """

    def __init__(self, plan: Plan) -> None:
        self._live = plan.execution.sids
        self._created = {
            change.address
            for change in plan.changes
            if change.action in {"create", "replace"} and not change.is_withheld
        }

    def of(self, address: Address) -> str | None:
        """Return the SID at an address; None for a resource that the plan creates, and for one inside it."""
        if any(Address(address.parts[:length]) in self._created for length in range(2, len(address.parts) + 1, 2)):
            return None
        sid = self._live.get(address)
        return address.parts[-1] if sid is None and looks_like_sid(address.parts[-1]) else sid

    def above(self, parent: Address | None) -> tuple[str | None, ...]:
        """Return the SIDs of a parent and of the resources that contain it, outermost first."""
        parts = () if parent is None else parent.parts
        return tuple(self.of(Address(parts[:length])) for length in range(2, len(parts) + 1, 2))


def _change(change: Change, references: _References, mask: Mask, digests: Digests) -> ChangePart:
    forms = ValueForms(str(change.address), mask, digests, references.of)
    # Only the name of an undeclared resource comes from the account.
    words = mask.every if change.action == "delete" else mask.long
    return ChangePart(
        address=str(change.address),
        kind=change.kind.name,
        action=change.action,
        sid=change.sid,
        name=words(change.name),
        service=mask.long(change.service),
        parents=references.above(change.parent),
        fields=tuple(forms.field(item) for item in change.fields),
        steps=tuple(_step(step, change, forms) for step in change.steps),
        reason=change.reason,
        risk=change.risk,
        consequences=tuple(map(mask.long, change.consequences)),
        impact=impact_part(change.impact, mask) if change.impact is not None else None,
        guard=guard_part(change.guard, mask) if change.guard is not None else None,
        source=source_part(change.source),
        standing=change.standing,
        since=since_part(change.since),
    )


def _step(step: Step, change: Change, forms: ValueForms) -> StepPart:
    """Describe a step, with the values it sends that are not fields of its change."""
    is_own = step.address == change.address
    own_fields = {item.path for item in change.fields} if is_own else frozenset[str]()
    sets = {
        # Only a reference is certain to be plain: whether another content may be shown is known of fields only.
        path: forms.side(FieldChange(path, None, None, sensitive=not isinstance(content, Reference)), content, ())
        for path, content in step.values.items()
        if path not in own_fields
    }
    return StepPart(id=step.id, op=step.op, needs=step.needs, address="" if is_own else str(step.address), sets=sets)


WHOLE = 2
_ACTIONS: tuple[Action, ...] = ("create", "update", "replace", "delete")


def withheld_part(change: ChangePart) -> int:
    """Return how much of a change a guard withholds: nothing (0), its last step (1), or `WHOLE`."""
    if change.guard is None or change.guard.verdict != "withheld":
        return 0
    return 1 if change.guard.is_partial else WHOLE


def parse_plan(text: str | bytes, name: str, *, or_report: bool = False) -> PlanFile:
    """Parse a plan file.

    Args:
        text: its text.
        name: what to call it in an error, usually its file.
        or_report: whether the user could have given a report as well, for an error.

    Raises:
        PlanFileError: it is not a plan file, or one of another format version; the message says what is wrong and
            where.
    """
    command = "reconciler plan --out plan.json"
    others = ("reconciler apply --report report.json",) if or_report else ()
    found = parse_as(PlanFile, text, name, "plan or report" if or_report else "plan", command, *others)
    repeated = next(
        (address for address, count in Counter(it.address for it in found.changes).items() if count > 1), ""
    )
    if repeated:
        raise PlanFileError(f"{name} has two changes of {repeated}. Make a new plan with `{command}`")
    doing = Counter(change.action for change in found.changes if withheld_part(change) < WHOLE)
    counted: dict[str, int] = {action: doing[action] for action in _ACTIONS}
    counted |= {"unmanaged": len(found.unmanaged), "withheld": len(found.changes) - doing.total()}
    wrong = next((key for key, count in counted.items() if getattr(found.summary, key) != count), None)
    if wrong is not None:
        # People and pipelines read the summary first, and would take it for the whole.
        raise PlanFileError(
            f"{name} is not a plan of this version of reconciler (at summary.{wrong}: it holds {counted[wrong]}). "
            f"Make one with `{command}`"
        )
    return found
