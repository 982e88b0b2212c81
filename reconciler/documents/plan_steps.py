"""Adds to a plan the ways out of its findings: apply, accept, approve, forget, adopt, ignore, delete.

Takes a plan, and functions that write commands; returns a plan whose seal still fits, since the seal does not cover the
ways out. Does no I/O.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reconciler.config import paste
from reconciler.documents.parts import ChangePart, NextStepsPart, UnmanagedPart
from reconciler.documents.plan import CommandsPart, PlanFile
from reconciler.documents.ways_out import Commands, Taken, adopted, by_hand, deletion

_ACCEPTABLE = frozenset({"drifted", "conflict", "unknown"})


def with_next_steps(plan: PlanFile, commands: Commands | None, *, accepts: bool = True) -> PlanFile:
    """Return a plan with the ways out of each withheld or refused change, and of each unmanaged resource.

    Args:
        plan: The plan.
        commands: Functions that write commands; None if the command that ran is unknown, so that only YAML is added.
        accepts: Whether to name the command that accepts the account's values.
    """
    return replace(
        plan,
        changes=tuple(replace(part, next_steps=_change(part, commands)) for part in plan.changes),
        unmanaged=tuple(replace(part, next_steps=_unmanaged(part, commands)) for part in plan.unmanaged),
        commands=None if commands is None or not plan.changes else _commands(plan, commands, accepts=accepts),
    )


def approvals(plan: PlanFile) -> list[str]:
    """Return the options that approve the changes that need it.

    Not those of conflicts: each of those is a decision of its own.
    """
    parts = [part for part in plan.changes if part.guard is not None and part.guard.name == "approval"]
    return [word for part in parts for word in ("--approve", _approval(part))]


def _commands(plan: PlanFile, commands: Commands, *, accepts: bool) -> CommandsPart:
    apply = commands.apply(approvals(plan))
    # Of a first plan, the account has nothing that could be wanted instead.
    is_first = plan.baseline is None and plan.summary.create and not plan.summary.no_op
    if is_first or not accepts:
        return CommandsPart(apply=apply)
    parts = [found for part in plan.changes for found in _accepted(part, has_baseline=plan.baseline is not None)]
    names = [name for name, is_possible in parts if is_possible]
    accept, taken = commands.accepted(names) if names else ("", Taken())
    omitted = {*taken.refused, *taken.omitted, *(name for name, is_possible in parts if not is_possible)}
    return CommandsPart(
        apply=apply,
        accept=accept,
        accept_omits=tuple(name for name, _ in parts if name in omitted) if accept else (),
        by_hand=tuple(f"{name}: {why}" for name, why in taken.refused.items()),
    )


def _accepted(part: ChangePart, *, has_baseline: bool) -> Iterator[tuple[str, bool]]:
    """Yield the names of the values that the account may have instead, and whether `accept` may take them.

    Without a baseline, a resource that is missing is most likely a new one, so it is not taken out of the files.
    """
    if part.action != "update":
        if part.standing in _ACCEPTABLE if has_baseline else True:
            yield part.address, part.action == "create" and has_baseline
        return
    if None in part.parents:
        return
    for field in part.fields:
        if not field.returns and (field.standing in _ACCEPTABLE if has_baseline else True):
            yield f"{part.address}.{field.path}", True


def _approval(part: ChangePart) -> str:
    return part.address if part.action == "delete" else f"{part.action}:{part.address}"


def _change(part: ChangePart, commands: Commands | None) -> NextStepsPart | None:
    """Return the ways out of a change that a guard stops; None for any other change, which an apply makes."""
    guard = part.guard
    if guard is None:
        return None
    accept = approve = forget = ""
    taken = Taken()
    removed = [field.path for field in part.fields if field.standing == "removed_conflict"]
    match guard.name:
        case "approval":
            approve = _approved(part, commands)
            forget = paste.forgotten(part.address) if part.standing in {"removed", "removed_conflict"} else ""
        case "conflict" if guard.verdict == "refused":
            approve = _approved(part, commands)
            names = [f"{part.address}.{field.path}" for field in part.fields if field.standing == "conflict"]
            accept, taken = commands.accepted(names) if commands is not None else ("", taken)
        case "conflict":
            approve = _approved(part, commands)
            forget = paste.forgotten(part.address if not removed else f"{part.address}.{removed[0]}")
        case "unidentified":
            approve, forget = _approved(part, commands), paste.forgotten(part.address)
        # The address of a replace is still declared.
        case "declared_elsewhere" if part.action == "update" or part.standing:
            forget = paste.forgotten(part.address)
        case "implied" | "unclear_removal":
            forget = paste.forgotten(part.address)
        case "prevent_destroy" if part.standing == "removed":
            forget = paste.forgotten(part.address)
        case "prevent_create" if commands is not None:
            accept, taken = commands.accepted([part.address])
        case _:
            return None
    return NextStepsPart(
        accept=accept, revert="", ignore="", approve=approve, forget=forget, by_hand=by_hand(part.address, taken)
    )


def _approved(part: ChangePart, commands: Commands | None) -> str:
    if commands is None:
        return paste.approval(part.address, part.action)
    return commands.apply(["--approve", _approval(part)])


def _unmanaged(part: UnmanagedPart, commands: Commands | None) -> NextStepsPart:
    accept = "" if commands is None else adopted(part, commands)
    return NextStepsPart(accept=accept, revert="", ignore=paste.hidden(part.address), delete=deletion(part))
