"""Adds to each finding of a drift its owners and the ways out of it: accept, revert, ignore.

Takes a drift, and functions that find owners and write commands; returns a drift. Does no I/O.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reconciler.address import Address
from reconciler.config import paste
from reconciler.documents.drift import Difference, DriftField, DriftFile
from reconciler.documents.parts import NextStepsPart, SourcePart, UndeclaredPart, UnmanagedPart
from reconciler.documents.ways_out import Commands, Taken, adopted, by_hand, deletion
from reconciler.kinds import KINDS


def with_owners(drift: DriftFile, find: Callable[[str], tuple[str, ...]]) -> DriftFile:
    """Return a drift with the owners of each difference.

    Args:
        drift: The drift.
        find: Returns the owners of a file, by its name in the drift.
    """

    def of(*sources: SourcePart | None) -> tuple[str, ...]:
        return next((find(source.file) for source in sources if source is not None), ())

    def owned(field: DriftField, part: Difference) -> DriftField:
        return replace(field, owners=of(field.source, part.source))

    differences = tuple(
        replace(
            part,
            owners=of(part.source, *(field.source for field in part.fields)),
            fields=tuple(owned(field, part) for field in part.fields),
        )
        for part in drift.differences
    )
    return replace(drift, differences=differences)


def with_next_steps(drift: DriftFile, commands: Commands) -> DriftFile:
    """Return a drift with the ways out of each finding."""
    return replace(
        drift,
        differences=tuple(replace(part, next_steps=_difference(part, commands)) for part in drift.differences),
        unmanaged=tuple(replace(part, next_steps=_unmanaged(part, commands)) for part in drift.unmanaged),
        undeclared_settings=tuple(
            replace(part, next_steps=_setting(part, commands)) for part in drift.undeclared_settings
        ),
    )


def approvals(drift: DriftFile) -> list[str]:
    """Return the options with which an apply reverts every difference that no guard withholds."""
    return [word for part in drift.differences if not part.withheld for word in _approval(part)]


def _difference(part: Difference, commands: Commands) -> NextStepsPart:
    paths = [field.path for field in part.fields]
    whole = part.state != "differs" or not paths
    # Each field by its name: the address alone would also accept what is pending, and what is below it.
    names = [part.address] if whole else [f"{part.address}.{path}" for path in paths]
    accept, taken = (_kept(part, commands), Taken()) if part.state == "unwanted" else commands.accepted(names)
    ignore = f"lifecycle: {{ignore_changes: [{', '.join(paths)}]}}"
    return NextStepsPart(
        accept=accept,
        revert="" if part.withheld else commands.apply(["--target", part.address, *_approval(part)]),
        ignore=ignore if not whole else _kept_from_prune(part) or commands.drift(["--exclude", part.address]),
        forget=paste.forgotten(part.address) if part.standing == "removed_conflict" else "",
        by_hand=by_hand(part.address, taken),
    )


def _kept(part: Difference, commands: Commands) -> str:
    """Return how to keep a resource that an apply would delete: as a new one, or without `absent: true`."""
    is_declared = part.standing != "removed_conflict" and not _is_pruned(part)
    return "absent: false" if is_declared else commands.accept(commands.accepting.added(part.address, part.kind))


def _is_pruned(part: Difference) -> bool:
    """Whether an apply would delete a resource that is not declared: its address has its SID."""
    return part.state == "unwanted" and (part.sid is None or part.sid in part.address)


def _kept_from_prune(part: Difference) -> str:
    """Return YAML that keeps a resource that would be pruned; empty for any other one."""
    if not _is_pruned(part) or not part.name:
        return ""
    *container, collection = Address.parse(part.address).collection.parts
    return paste.yaml_path((*container, "prune", collection), f"{{except: [{paste.yaml_value(part.name)}]}}")


def _approval(part: Difference) -> tuple[str, ...]:
    """Return the options that approve what is refused otherwise: a conflict, or the loss of history."""
    kind = next((kind for kind in KINDS if kind.name == part.kind), None)
    conflicts = {"conflict", "removed_conflict"} & {part.standing, *(field.standing for field in part.fields)}
    is_replaced = part.state == "differs" and any(field.immutable for field in part.fields)
    destroys = kind is not None and kind.destroys
    if part.state == "unwanted":
        return ("--approve", part.address) if conflicts or destroys else ()
    words = ["--approve", f"replace:{part.address}"] if is_replaced and destroys else []
    words += ["--approve", f"update:{part.address}"] if conflicts and part.state == "differs" else []
    return tuple(words)


def _unmanaged(part: UnmanagedPart, commands: Commands) -> NextStepsPart:
    return NextStepsPart(
        accept=adopted(part, commands),
        revert="",
        ignore=paste.hidden(part.address),
        delete=deletion(part),
    )


def _setting(part: UndeclaredPart, commands: Commands) -> NextStepsPart:
    name = f"{part.address}.{part.field}"
    accept, taken = commands.accepted([name])
    return NextStepsPart(
        accept=accept,
        revert=_cleared(part) if part.clearable else "",
        ignore=paste.hidden(name),
        by_hand=by_hand(part.address, taken),
    )


def _cleared(part: UndeclaredPart) -> str:
    """Declare a field as empty, which the next apply clears."""
    return paste.yaml_path((*Address.parse(part.address).parts, *part.field.split(".")), "null")
