"""The edits that accept drift, and the document that shows them.

Takes edits and a `Plan`; returns an `AcceptFile` without secrets. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.lazy_dataclass import dataclass
from reconciler.workflow.owners import owners_of_files

if TYPE_CHECKING:
    from reconciler.accept.model import Item, Refusal
    from reconciler.documents.acceptance import AcceptFile, AffectedPart
    from reconciler.planning.plan import Plan
    from reconciler.workflow.replacing import Replacement


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Edits that make a configuration match an account.

    Attributes:
        folder: The root file's folder.
        files: The files to replace, by their paths relative to it.
        accepted: The differences that they accept.
        refused: The differences that cannot be accepted.
        concealed: The lines with secrets, by file, from 1.
        account_sid: The account.
        environment: The environment; empty for none.
        affected: The resources with differences, and what an apply would do to them instead.
        named_only: The names of values that differ below the given names, and are accepted only by their own.
        not_compared: The names of write-only fields.
        also_changed: The other environments that the edits change; empty for the configuration without one.
    """

    folder: Path
    files: Mapping[str, Replacement]
    accepted: tuple[Item, ...]
    refused: tuple[Refusal, ...]
    concealed: Mapping[str, frozenset[int]]
    account_sid: str
    environment: str
    affected: tuple[AffectedPart, ...] = ()
    named_only: tuple[str, ...] = ()
    not_compared: tuple[str, ...] = ()
    also_changed: tuple[str, ...] = ()


def affected_by(plan: Plan, addresses: Iterable[str], path: str, secrets: Collection[str]) -> tuple[AffectedPart, ...]:
    """Describe the resources with differences: their owners, and what an apply would do to them instead.

    Args:
        plan: The plan.
        addresses: The resources.
        path: The configuration.
        secrets: The secrets of the configuration, which are never shown.
    """
    from reconciler.documents.acceptance import AffectedPart  # noqa: PLC0415 - see the package
    from reconciler.documents.values import Mask  # noqa: PLC0415 - see the package

    mask = Mask(secrets)
    find = owners_of_files(path)
    changes = {str(change.address): change for change in plan.changes}

    def owners(address: str) -> tuple[str, ...]:
        change = changes[address]
        places = [change.source, *(field.source for field in change.fields)]
        return next((find(place.file) for place in places if place is not None), ()) if find is not None else ()

    return tuple(
        AffectedPart(
            address=address,
            kind=changes[address].kind.name,
            service=mask.every(changes[address].service),
            risk=changes[address].risk,
            owners=owners(address),
            effects=tuple(map(mask.long, changes[address].consequences)),
        )
        for address in dict.fromkeys(addresses)
        if address in changes
    )


def acceptance_document(acceptance: Acceptance, *, written: bool) -> AcceptFile:
    """Describe edits in a form that may be shown.

    Args:
        acceptance: The edits.
        written: Whether they were written.
    """
    from reconciler.accept.diff import unified  # noqa: PLC0415 - see the package
    from reconciler.documents.acceptance import (  # noqa: PLC0415 - see the package
        AcceptedPart,
        AcceptFile,
        EditedFile,
        RefusedPart,
    )

    return AcceptFile(
        account_sid=acceptance.account_sid,
        env=acceptance.environment,
        written=written,
        accepted=tuple(
            AcceptedPart(address=str(item.address), field=item.path, action=item.action) for item in acceptance.accepted
        ),
        refused=tuple(
            RefusedPart(address=item.address, field=item.path, reason=item.reason, hint=item.hint)
            for item in acceptance.refused
        ),
        affected=acceptance.affected,
        named_only=acceptance.named_only,
        not_compared=acceptance.not_compared,
        also_changed=acceptance.also_changed,
        files=tuple(
            EditedFile(
                path=(acceptance.folder / path).as_posix(),
                diff=tuple(
                    unified(
                        (acceptance.folder / path).as_posix(),
                        item.before or b"",
                        item.after,
                        acceptance.concealed.get(path, ()),
                    )
                ),
            )
            for path, item in acceptance.files.items()
        ),
    )
