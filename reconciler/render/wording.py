"""Words that several renderers use: numbers with nouns, and operations of steps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.kinds import KINDS

if TYPE_CHECKING:  # plans do without
    from reconciler.documents.report import OutcomePart, ResultPart
    from reconciler.render.rows import SettingRow, UnmanagedGroup, UnmanagedRow

PAST: Mapping[str, str] = {"create": "created", "update": "updated", "replace": "replaced", "delete": "deleted"}


def count(number: int, noun: str) -> str:
    """Write a number with its noun: ``1 role``, ``1,200 roles``, ``2 addresses``."""
    plural = "" if number == 1 else "es" if noun.endswith("s") else "s"
    return f"{number:,} {noun}{plural}"


def operation(result: ResultPart, outcome: OutcomePart) -> str:
    """Name a step's operation; for a replace, with the old or new resource."""
    if result.action != "replace":
        return outcome.op
    return f"{outcome.op} of the {'old' if outcome.op == 'delete' else 'new'} resource"


def incomplete(number: int) -> str:
    """Say how many collections could not be read, to put before a headline; empty for none."""
    return f"Incomplete: {count(number, 'collection')} could not be read. " if number else ""


def undeclared_advice(settings: Iterable[SettingRow]) -> str:
    """Say what to do about undeclared settings; only what Twilio can clear can be sealed."""
    seal = "Set `sealed: true` on the service or on `account` to clear what is not declared. "
    clearing = seal if any(row.clearable for row in settings) else ""
    return f"Declare a value to keep it. {clearing}To hide a value, list it under `unmanaged.ignore`."


IF_REVERTED = "If reverted:"
"""Before an effect of the change that would remove a difference."""

ONLY_DEFAULT = "Unmanaged: only the account's default service (--verbose shows the options)."
"""Instead of the list of unmanaged resources: almost every account has this one, and the list must not become noise."""


def is_only_default(groups: Sequence[UnmanagedGroup]) -> bool:
    """Return whether the only unmanaged resource is the account's default service."""
    return [row.is_default for group in groups for row in group.rows] == [True]


def undeclared(number: int) -> str:
    """Count the live settings that the configuration does not declare."""
    return f"{count(number, 'live setting')} that the configuration does not declare"


FIRST_UNLISTED = 3
_MOST_OWNERS = 5
_MOMENT = "%Y-%m-%dT%H:%M:%SZ"


def not_listed(collections: Sequence[str], *, verbose: bool) -> str:
    """Say that the undeclared resources of these collections were not compared.

    Args:
        collections: the escaped addresses of the collections.
        verbose: whether to name all of them.
    """
    shown = collections if verbose or len(collections) <= FIRST_UNLISTED + 1 else collections[:FIRST_UNLISTED]
    missing = len(collections) - len(shown)
    more = f", … {missing:,} more" if missing else ""
    pruned = f"the {'collection is' if len(collections) == 1 else 'collections are'} not pruned"
    return f"Not compared: undeclared {', '.join(shown)}{more} ({pruned}{'; --verbose lists them' if missing else ''})"


def owned_by(owners: Sequence[str]) -> str:
    """Name the owners of a file: ``owner: @acme/support``; empty for none."""
    if not owners:
        return ""
    more = f" and {len(owners) - _MOST_OWNERS:,} more" if len(owners) > _MOST_OWNERS else ""
    return f"owner{'' if len(owners) == 1 else 's'}: {', '.join(owners[:_MOST_OWNERS])}{more}"


def example(groups: Sequence[UnmanagedGroup]) -> tuple[str, UnmanagedRow]:
    """Return the resource whose ways out are shown as an example, after its kind.

    Not a service if there is something else, and not the account's default service if there is any other resource.
    """
    containers = {kind.name for kind in KINDS if kind.is_container}
    found = [(group.kind, row) for group in groups for row in group.rows]
    return min(found, key=lambda one: (one[1].is_default, one[0] in containers))


def first_steps(number: int, noun: str) -> str:
    """Introduce the ways out of one of several findings."""
    return f"For this {noun}:" if number == 1 else "For example, for one of them:"


def age(first_seen: str, now: str) -> str:
    """Say for how long a finding has been seen: ``first seen 2026-11-18, 3 days ago``; empty if it is unknown."""
    seconds = seconds_between(first_seen, now) if first_seen else None
    if seconds is None:
        return ""
    days, hours = divmod(max(seconds, 0) // 3600, 24)
    ago = f"{count(days, 'day')} ago" if days else f"{count(hours, 'hour')} ago" if hours else "less than an hour ago"
    return f"first seen {first_seen[:10]}, {ago}"


def minute(moment: str) -> str:
    """Write a moment of a document for people: ``2026-11-18 09:30 UTC``."""
    return f"{moment[:10]} {moment[11:16]} UTC"


def seconds_between(start: str, end: str) -> int | None:
    """Return the seconds between two moments of a document; None if one of them is unknown."""
    try:
        difference = datetime.strptime(end, _MOMENT) - datetime.strptime(start, _MOMENT)  # noqa: DTZ007 - both are UTC
    except ValueError:
        return None
    return int(difference.total_seconds())
