"""Reports `absent` and `renamed_from` entries that match nothing, each with the near miss.

Takes a `PlanContext`; returns problems: a warning if a similarly written resource was probably meant, a notice for an
`absent` that has nothing to delete. Pure; decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.address import Address
from reconciler.config import paste
from reconciler.config.lookalike import difference
from reconciler.config.model import Declared
from reconciler.errors import Problem, Severity
from reconciler.kinds.base import Kind
from reconciler.planning.context import PlanContext
from reconciler.planning.naming import title
from reconciler.planning.near import Nearness
from reconciler.state import Live

_REMOVE = "Remove it from the configuration."


class UnusedNames:
    """Finds names that match nothing.

    Args:
        context: configuration and account.
        near: finds near misses, within a shared budget.
    """

    def __init__(self, context: PlanContext, near: Nearness) -> None:
        self.context = context
        self.near = near

    def absents(self) -> Iterator[Problem]:
        """Report each `absent` that deletes nothing."""
        for declared in self.context.desired.absent:
            if declared.address in self.context.matching.live or not self.context.selection.covers(declared):
                continue
            parents = self.context.parents(declared)
            if parents is None:
                continue
            where, name = self._where(declared), quoted(declared.title or declared.pin or declared.address.parts[-1])
            meant = self._meant(declared, parents, declared.natural_key)
            if declared.renamed_from:
                meant = self._of_name(declared.kind, parents, declared.renamed_from) or meant
            if meant is not None and meant.title == declared.title:
                name += self._of_type({path: value.content for path, value in declared.values.items()}, meant.kind)
            message = f"absent: no {declared.kind.noun} {name} in {where}"
            if meant is None:
                hint = f"Nothing to delete. {_REMOVE}"
                yield self._about(declared, "done-absent", message, hint, severity="notice")
                continue
            yield self._about(
                declared,
                "unused-absent",
                f"{message}. {self._did_you_mean(meant, declared.title)}",
                f"Pin it with its SID, or write its {self._what_differs(declared, meant)} exactly as it is live.",
                fix=paste.absent_pin(declared.address.parts[-1], meant.sid),
            )

    def former_names(self) -> Iterator[Problem]:
        """Report each `renamed_from` that renames nothing."""
        for declared in self.context.config.exceptions:
            if not declared.renamed_from or declared.pin is not None or not self.context.must_exist(declared):
                continue
            live = self.context.matching.live.get(declared.address)
            parents = self.context.parents(declared)
            if parents is None:
                continue
            if live is None:
                yield self._unused_former_name(declared, parents)
            elif live.name == declared.natural_key and not self._is_being_completed(declared, parents):
                yield self._stale_former_name(declared, parents, live)

    def _is_being_completed(self, declared: Declared, parents: tuple[str, ...]) -> bool:
        """Whether this plan completes an interrupted rename, for which `renamed_from` is still needed."""
        old = self._of_name(declared.kind, parents, declared.renamed_from)
        return old is not None and self.context.successor(old.sid) == declared.address

    def _stale_former_name(self, declared: Declared, parents: tuple[str, ...], live: Live) -> Problem:
        old = self._of_name(declared.kind, parents, declared.renamed_from)
        name = quoted(title(declared, live))
        is_shown = declared.title == declared.natural_key
        if old is None or not is_shown or old.sid in self.context.matching.addresses:
            message = f"renamed_from: {name} already has its new name"
            return self._about(declared, "stale-renamed-from", message, "Remove renamed_from.")
        return self._about(
            declared,
            "stale-renamed-from",
            f"renamed_from: both {name} and {quoted(old.title)} exist in {self._where(declared)}; "
            "the old one is left alone",
            "Remove renamed_from. To delete the old one, declare it as absent.",
            fix=paste.absent_pin(self._handle_of(declared, old), old.sid),
        )

    def _unused_former_name(self, declared: Declared, parents: tuple[str, ...]) -> Problem:
        where, created = self._where(declared), f"{declared.address} is created"
        is_shown = declared.title == declared.natural_key
        former = quoted(declared.renamed_from) if is_shown else "such name"
        old = self._of_name(declared.kind, parents, declared.renamed_from)
        owner = None if old is None else self.context.matching.addresses.get(old.sid)
        if owner is not None:
            message = f"renamed_from: {former} belongs to {owner}, so {created}"
            return self._about(declared, "unused-renamed-from", message, "Remove renamed_from.")
        message = f"renamed_from: no {declared.kind.noun} {former} in {where}"
        meant = self._meant(declared, parents, declared.renamed_from)
        if meant is None:
            return self._about(declared, "unused-renamed-from", f"{message}; {created}", "Remove renamed_from.")
        return self._about(
            declared,
            "unused-renamed-from",
            f"{message}. {self._did_you_mean(meant, declared.renamed_from)}",
            f"Otherwise {created}. Write renamed_from exactly as the live name, or remove it.",
            fix=f"renamed_from: {paste.yaml_value(meant.title)}" if meant.title else "",
        )

    def _meant(self, declared: Declared, parents: tuple[str, ...], name: str) -> Live | None:
        """Return the unmanaged live resource that a declared one probably means; None if its name may not be shown."""
        if declared.title != declared.natural_key:
            return None
        candidates = [
            live
            for live in self.context.state.collection(declared.kind, parents)
            if live.sid not in self.context.matching.addresses and not self.context.is_protected(live)
        ]
        handle = declared.address.parts[-1]
        return self.near.closest(name, candidates) or self.near.closest(handle, candidates)

    def _handle_of(self, declared: Declared, live: Live) -> str:
        """Return a free handle for a live resource: its name if that is a valid one."""
        name = live.title
        is_taken = declared.address.collection.child(name) in self.context.config.resources
        return "former" if not name.strip() or "${" in name or not name.isprintable() or is_taken else name

    def _of_name(self, kind: Kind, parents: tuple[str, ...], name: str) -> Live | None:
        return next((live for live in self.context.state.collection(kind, parents) if live.name == name), None)

    @classmethod
    def _did_you_mean(cls, live: Live, wrong: str) -> str:
        """Return the suggestion of a live resource, with the difference if the two names look the same."""
        if not live.title:
            return f"Did you mean {live.sid}?"
        of_type = cls._of_type(live.values, live.kind) if live.title == wrong else ""
        return f"Did you mean {quoted(live.title)}{of_type}?{difference(wrong, live.title)}"

    @staticmethod
    def _what_differs(declared: Declared, live: Live) -> str:
        """Return the field in which a declared resource differs from the live one it probably means."""
        kind = declared.kind
        return (
            kind.discriminator if live.title == declared.title and kind.discriminator else kind.natural_key or "fields"
        )

    @staticmethod
    def _of_type(contents: Mapping[str, object], kind: Kind) -> str:
        of_type = contents.get(kind.discriminator) if kind.discriminator else None
        return f" ({of_type})" if isinstance(of_type, str) and of_type else ""

    @staticmethod
    def _where(declared: Declared) -> str:
        return shown_parent(Address((*declared.address.parts[:-1],)))

    @staticmethod
    def _about(
        declared: Declared, code: str, message: str, hint: str, *, severity: Severity = "warning", fix: str = ""
    ) -> Problem:
        return Problem(code, message, declared.place, hint, severity=severity, address=str(declared.address), fix=fix)


def shown_parent(collection: Address) -> str:
    """Describe what contains a collection: ``support``, ``the account``."""
    handles = collection.parts[1:-1:2]
    return ".".join(handles) if handles else "the account"


def quoted(text: str) -> str:
    """Put a text in double quotes."""
    return f'"{text}"'
