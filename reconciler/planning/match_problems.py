"""Problems of matching: ambiguous names, unknown names, and two declarations of one resource.

Collects problems for `match`. Only resources that the plan covers are reported: what was not read is not missing.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.config.model import Declared
from reconciler.config.selection import Selection
from reconciler.errors import Problem
from reconciler.state import Live


class MatchProblems:
    """Collects the problems of one run of `match`.

    Args:
        selection: the part of the configuration that the plan covers.
    """

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._problems: list[Problem] = []

    @property
    def all(self) -> tuple[Problem, ...]:
        """Every problem, in the order in which they were reported."""
        return tuple(self._problems)

    def add(self, declared: Declared, code: str, message: str, hint: str) -> None:
        """Report a problem of a declared resource."""
        if self._selection.covers(declared):
            place = declared.pin_place or declared.place
            self._problems.append(Problem(code, message, place, hint, address=str(declared.address)))

    def add_ambiguous(self, declared: Declared, candidates: Sequence[Live]) -> None:
        """Report that several live resources match a declared one."""
        listed = ", ".join(
            f"{live.sid} (created {live.created or 'at an unknown time'}, updated {live.updated or 'never'})"
            for live in candidates
        )
        name = _title(declared, candidates[0])
        self.add(
            declared,
            "ambiguous-name",
            f"{len(candidates)} live resources of kind {declared.kind.noun} match {name!r}: {listed}",
            f"Set `sid` of {declared.address} to the one to manage.",
        )

    def add_unclear_rename(self, declared: Declared, other: Declared, live: Live, newer: Live) -> None:
        """Report a live resource that may be the one before or after a rename.

        Args:
            declared: the resource whose name it has.
            other: the resource that is renamed from it.
            live: the live resource.
            newer: the live resource of the other one, which was not created earlier.
        """
        self.add(
            declared,
            "unclear-rename",
            f"the live {live.kind.noun} {live.sid} may be {declared.address}, or what {other.address} is renamed from: "
            f"it is not newer than {newer.sid}, which has the new name of that one, so a rename may be unfinished",
            f"If {live.sid} is what {other.address} replaces, move what refers to it, delete it, and apply again. "
            f"Otherwise, remove `renamed_from` of {other.address}.",
        )

    def add_two_addresses(self, declared: Declared, other: Declared, live: Live) -> None:
        """Report that two declared resources match the same live one."""
        if not (self._selection.covers(declared) or self._selection.covers(other)):
            return
        title = _title(declared, live)
        named = f" ({title!r})" if title else ""
        self._problems.append(
            Problem(
                code="two-addresses",
                message=f"{declared.address} and {other.address} both match the live {live.kind.noun} "
                f"{live.sid}{named}",
                place=declared.place,
                hint="Declare it once.",
                related=((other.place, "the other declaration"),),
                address=str(declared.address),
            )
        )


def _title(declared: Declared, live: Live) -> str:
    """Return the live name, or a placeholder if the configuration hides it."""
    return live.title if declared.title == declared.natural_key else declared.title
