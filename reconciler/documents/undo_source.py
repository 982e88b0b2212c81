"""What an undo reads of a report: which resource each step wrote to, and its values before and after. Pure.

Takes a `ReportFile`, which is hostile input; gives `Target`s. A report is only compared with the account and shown as a
plan, so an edited one cannot make an undo send anything else. Its addresses, kinds, fields, and types must be valid.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from reconciler.address import Address, AddressError, looks_like_sid
from reconciler.change import Action, Op
from reconciler.documents.continued_runs import continued
from reconciler.documents.report import EarlierRunPart, OutcomePart, ReportFile, ResultPart
from reconciler.documents.values import typed_content
from reconciler.errors import PlanFileError
from reconciler.json_text import Json
from reconciler.kinds import BY_NAME
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Field, Shape
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.undo_targets import (
    PastDigest,
    PastReference,
    PastUnknown,
    PastValue,
    PastValues,
    Target,
    plain,
)


@dataclass(frozen=True, slots=True)
class _Write:
    """One step that wrote, or may have written."""

    change: ResultPart
    op: Op
    address: Address
    kind: Kind
    parent: Address | None
    parents: tuple[str, ...]
    sid: str
    before: PastValues | None
    after: PastValues | None
    is_certain: bool


def undo_targets(report: ReportFile, name: str) -> tuple[Target, ...]:
    """Return what an apply did to each resource.

    Args:
        report: its report.
        name: what to call it in an error.

    Raises:
        PlanFileError: it does not contain the values before the apply, or contains something that no apply writes.
    """
    if report.format_version == 1:
        raise PlanFileError(
            f"{name} was written by an older release of reconciler, and does not contain the values before the apply. "
            "Revert the configuration instead, and apply it"
        )
    found: dict[Address, Target] = {}
    try:
        for run in report.runs:
            for target in _targets(run):
                earlier = found.pop(target.address, None)
                both = target if earlier is None else continued(earlier, target)
                if both is not None:
                    found[target.address] = both
    except (TypeError, ValueError, RecursionError) as error:
        raise PlanFileError(f"{name} is not a report of this version of reconciler ({error})") from None
    return tuple(_with_names([target for _, target in sorted(found.items())]))


def _targets(run: EarlierRunPart) -> Iterator[Target]:
    writes: dict[Address, list[_Write]] = {}
    for write in _writes(run):
        writes.setdefault(write.address, []).append(write)
    return (replace(_folded(items), entry=run.entry) for items in writes.values())


def _with_names(targets: list[Target]) -> Iterator[Target]:
    """Name resources that are created again by their natural keys: an address made of a SID would be wrong then."""
    taken = {target.address for target in targets}
    renamed: dict[Address, Address] = {}
    for target in targets:
        name = target.kind.name_of(plain(target.before or {}))
        address = target.address.collection.child(name)
        is_free = bool(name) and not looks_like_sid(name) and address not in taken
        if target.action == "delete" and looks_like_sid(target.address.parts[-1]) and is_free:
            taken.add(address)
            renamed[target.address] = address
    for target in targets:
        yield replace(
            target,
            address=renamed.get(target.address, target.address),
            before=_renamed(target.before, renamed),
            after=_renamed(target.after, renamed),
        )


def _renamed(values: PastValues | None, renamed: Mapping[Address, Address]) -> PastValues | None:
    if values is None or not renamed:
        return values
    return {
        path: replace(past, address=renamed.get(past.address, past.address))
        if isinstance(past, PastReference) and past.address is not None
        else past
        for path, past in values.items()
    }


def _writes(run: EarlierRunPart) -> Iterator[_Write]:
    for change in run.changes:
        for outcome in change.outcomes:
            if outcome.before is None and outcome.after is None:
                continue
            if outcome.status in {"done", "failed"}:
                yield _write(change, outcome, is_certain=True)
            elif outcome.status == "interrupted" or (outcome.status == "skipped" and not run.ended):
                yield _write(change, outcome, is_certain=False)


def _write(change: ResultPart, outcome: OutcomePart, *, is_certain: bool) -> _Write:
    """Check and convert the outcome of a step.

    Raises:
        ValueError: no apply writes such an outcome.
    """
    text = outcome.address or change.address
    kind = BY_NAME.get(outcome.kind or change.kind)
    if kind is None:
        raise ValueError(f"{text} has an unknown kind")
    try:
        address = Address.parse(text)
    except AddressError as error:
        raise ValueError(str(error)) from None
    parent = _checked_parent(address, kind)
    if len(outcome.parents) != _depth(kind):
        raise ValueError(f"{text} has the wrong number of parents")
    return _Write(
        change=change,
        op=outcome.op,
        address=address,
        kind=kind,
        parent=parent,
        parents=outcome.parents,
        sid=outcome.sid,
        before=_values(kind, outcome.before),
        after=_values(kind, outcome.after),
        is_certain=is_certain,
    )


def _depth(kind: Kind) -> int:
    return 0 if kind.parent is None else 1 + _depth(BY_NAME[kind.parent])


def _checked_parent(address: Address, kind: Kind) -> Address | None:
    """Return the address of the resource that contains another one.

    Raises:
        ValueError: it is not an address of its kind.
    """
    handles = 0 if kind.singleton else 1
    section = address.parts[: len(address.parts) - handles]
    if len(section) < len(kind.section) or section[len(section) - len(kind.section) :] != kind.section:
        raise ValueError(f"{address} is not an address of its kind")
    above = section[: len(section) - len(kind.section)]
    if (kind.parent is None) != (not above):
        raise ValueError(f"{address} is not an address of its kind")
    if kind.parent is None:
        return None
    parent = Address(above)
    _checked_parent(parent, BY_NAME[kind.parent])
    return parent


# --- values ----------------------------------------------------------------------------------------------------------


def _values(kind: Kind, values: Mapping[str, Json] | None) -> dict[str, PastValue] | None:
    if values is None:
        return None
    unknown = next((path for path in values if path not in kind.by_path), None)
    if unknown is not None:
        raise ValueError(f"{unknown!r} is not a field of its kind")
    return {path: _value(kind.by_path[path], form) for path, form in values.items()}


def _value(field: Field, form: Json) -> PastValue:
    """Convert one of the forms of `reconciler.documents.values`.

    Raises:
        ValueError: it is not one of them, or has the wrong type.
    """
    if form is None:
        return None
    if not isinstance(form, dict):
        if field.shape is Shape.REF and isinstance(form, str):
            return PastReference(None, form)
        # JSON that is not a mapping comes from the account, and is what it is.
        return form if field.shape is Shape.JSON else typed_content(field, form)
    if form.keys() == {"json"} and field.shape is Shape.JSON:
        return typed_content(field, form["json"])
    if form.keys() == {"ref", "sid"} and isinstance(form["ref"], str) and isinstance(form["sid"], str | None):
        return PastReference(Address.parse(form["ref"]), form["sid"] or "")
    digest = form.get("digest")
    if isinstance(digest, str):
        return PastDigest(digest)
    if form.keys() & {"unknown", "secret"}:
        return PastUnknown()
    raise ValueError(f"a value of {field.path} has an unknown form")


# --- resources -------------------------------------------------------------------------------------------------------


def _folded(writes: list[_Write]) -> Target:
    """Combine the steps that wrote to one resource."""
    first = writes[0]
    creates = [write for write in writes if write.op == "create" and write.before is None]
    deletes = [write for write in writes if write.op == "delete"]
    updates = [write for write in writes if write not in creates and write not in deletes]
    own = next((write.change for write in writes if write.change.address == str(write.address)), None)
    target = Target(
        address=first.address,
        recorded=str(first.address),
        kind=first.kind,
        parent=first.parent,
        parents=writes[-1].parents,
        action="update",
        name="" if own is None else own.name,
        service=first.change.service,
        is_certain=all(write.is_certain for write in writes),
    )
    after = dict(creates[0].after or {}) if creates else {}
    after |= _joined(write.after for write in updates)
    if not creates and not deletes:
        is_known = any(write.before is not None for write in updates)
        before = _joined(write.before for write in reversed(updates)) if is_known else None
        sid = "" if first.kind.singleton else first.sid
        return replace(target, old_sid=sid, new_sid=sid, before=before, after=after)
    action: Action = "replace" if creates and deletes else "create" if creates else "delete"
    target = replace(
        target,
        action=action,
        new_sid=creates[0].sid if creates else "",
        old_sid=deletes[0].sid if deletes else "",
        before=deletes[0].before if deletes else None,
        after=after if creates else None,
    )
    old = _kept_old(creates)
    # The old resource of a replace still exists, so that it needs no values from before.
    return replace(target, action="replace", old_sid=old) if action == "create" and old else target


def _joined(values: Iterable[PastValues | None]) -> dict[str, PastValue]:
    joined: dict[str, PastValue] = {}
    for item in values:
        joined |= item or {}
    return joined


def _kept_old(creates: list[_Write]) -> str:
    """Return the SID of the old resource of a replace whose delete did not take effect; empty for none."""
    if not creates or creates[0].change.action != "replace":
        return ""
    outcomes = creates[0].change.outcomes
    return next((outcome.sid for outcome in outcomes if outcome.op == "delete" and outcome.sid), "")
