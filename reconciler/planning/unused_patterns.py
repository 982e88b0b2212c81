"""Reports patterns that match nothing: `match` and `except` of prune rules, and `unmanaged.ignore`.

Takes a `PlanContext`; returns warnings with the near miss, and a notice for an `ignore` without one. Pure; decides
nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

from reconciler.address import Address
from reconciler.config import globs, paste
from reconciler.config.ignored import ignores_field, is_ignored
from reconciler.config.lookalike import difference
from reconciler.config.model import Prune
from reconciler.config.similar import is_typo
from reconciler.errors import Problem, Severity
from reconciler.kinds import KINDS
from reconciler.planning.context import PlanContext
from reconciler.planning.near import Nearness
from reconciler.planning.unused_names import quoted, shown_parent
from reconciler.state import Collection, Live

# A part of an address in a pattern: a section or handle with the dot before it, or a handle in brackets.
_PATTERN_PART = re.compile(r'\.?[^.\[\]]+|\["(?:[^"\\]|\\.)*"\]')


class UnusedPatterns:
    """Finds patterns that match nothing.

    Args:
        context: configuration and account.
        near: finds near misses, within a shared budget.
    """

    def __init__(self, context: PlanContext, near: Nearness) -> None:
        self.context = context
        self.near = near

    def patterns(self) -> Iterator[Problem]:
        """Report each `match` and `except` that matches no name in its collection, live or declared."""
        for prune in self.context.config.prune.values():
            parents = self.context.pruned_parents(prune)
            if parents is None or not self.context.selection.covers_collection(prune.collection):
                continue
            if Collection(prune.kind.name, parents) not in self.context.state.complete:
                continue
            members = self.context.state.collection(prune.kind, parents)
            names = {live.name for live in members}
            names |= {
                declared.natural_key
                for declared in self.context.desired.present
                if declared.kind == prune.kind and declared.address.parts[:-1] == prune.collection.parts
            }
            for key, patterns in (("match", prune.match), ("except", prune.keep)):
                for pattern in patterns:
                    if not any(globs.matches(pattern, name) for name in names):
                        yield self._unused_pattern(prune, key, pattern, members)

    def _unused_pattern(self, prune: Prune, key: str, pattern: str, members: Sequence[Live]) -> Problem:
        where = shown_parent(prune.collection)
        message = f"{key}: no {prune.kind.noun} in {where} matches {quoted(pattern)}"
        handles = [
            item
            for item in self.context.desired.present
            if item.address.parts[:-1] == prune.collection.parts and globs.matches(pattern, item.address.parts[-1])
        ]
        shown = [live for live in members if self.context.naming.may_show(live)]
        lowered = [live for live in shown if globs.matches(pattern.lower(), live.name.lower())]
        meant: Live | None = None
        by_sid = next((live for live in members if globs.matches(pattern, live.sid)), None)
        if by_sid is not None:
            meant = by_sid if self.context.naming.may_show(by_sid) else None
        elif handles:
            meant = self.context.matching.live.get(handles[0].address)
            meant = meant if meant is not None and self.context.naming.may_show(meant) else None
        meant = meant or (lowered[0] if lowered else None)
        if meant is None:
            meant = self.near.closest(globs.literal(pattern).replace("*", " ").replace("?", " "), shown)
        hint = (
            f"Patterns match the {prune.kind.natural_key or 'name'}, not the handle or the SID. Correct the pattern or "
            "remove it."
        )
        fix = ""
        if meant is not None:
            escaped = globs.escape(meant.title)
            fix = f"{key}: [{paste.yaml_value(escaped)}]"
            message = f"{message}. Did you mean {quoted(escaped)}?{difference(globs.literal(pattern), meant.title)}"
        return Problem(
            f"unused-{key}", message, prune.place, hint, severity="warning", address=str(prune.collection), fix=fix
        )

    def ignored(
        self, unmanaged: Iterable[tuple[Address, Live]], settings: Callable[[], Iterable[tuple[Address, str]]]
    ) -> Iterator[Problem]:
        """Report each `unmanaged.ignore` that matches no unmanaged resource and no undeclared setting.

        Args:
            unmanaged: all of the resources, ignored ones included.
            settings: returns all of the settings; of a plan, all that a drift could report.
        """
        if self.context.selection.omitted or not self.context.config.unmanaged_ignore:
            return  # a collection that was not read may contain the resource
        found, fields = list(unmanaged), list(settings())
        for pattern in self.context.config.unmanaged_ignore:
            if any(is_ignored(pattern, address) for address, _ in found):
                continue
            if any(ignores_field(pattern, address, path) for address, path in fields):
                continue
            message = f"ignore: no unmanaged resource matches {quoted(pattern)}"
            named = ((address, str(Address((*address.parts[:-1], live.name or live.sid)))) for address, live in found)
            meant = next(
                (address for address, text in named if globs.matches(pattern.lower(), text.lower())),
                next((it for it, _ in found if globs.matches(pattern.lower(), str(it).lower())), None),
            )
            corrected = str(meant) if meant is not None else self._corrected(pattern)
            if corrected:
                message = f"{message}. Did you mean {corrected}?"
            hint = "Use an address shown by `reconciler plan`, or remove the pattern."
            severity: Severity = "warning" if corrected else "notice"
            fix = paste.hidden(corrected) if corrected else ""
            yield Problem("unused-ignore", message, None, hint, severity=severity, fix=fix)

    def _corrected(self, pattern: str) -> str:
        """Return a pattern of addresses with misspelled sections and handles corrected; empty if none is misspelled."""
        parts = _PATTERN_PART.findall(pattern)
        if "".join(parts) != pattern:
            return ""
        corrected: list[str] = []
        sections: Sequence[tuple[str, ...]] = tuple(kind.section for kind in KINDS if kind.parent is None)
        above: tuple[str, ...] | None = ()
        for index, part in enumerate(parts):
            text = part.removeprefix(".")
            if globs.is_glob(text) or part.startswith("["):
                corrected.append(part)
                above = None if index % 2 else above
                continue
            if index % 2 == 0:
                known = [section[0] for section in sections if len(section) == 1]
            else:
                known = self._handles(above) if above is not None else [text]
            right = text if text in known or not known else self._misspelt(text, known)
            corrected.append(part[: len(part) - len(text)] + (right or text))
            if index % 2 == 0:
                inner = next((kind for kind in KINDS if kind.section == (right or text,)), None)
                sections = tuple(kind.section for kind in KINDS if inner is not None and kind.parent == inner.name)
            above = None if above is None else (*above, right or text)
        return found if (found := "".join(corrected)) != pattern else ""

    def _handles(self, above: tuple[str, ...]) -> list[str]:
        return sorted(
            {item.parts[-1] for item in self.context.config.resources if item.parts[:-1] == above}
            | {item.parts[-1] for item in self.context.sids if item.parts[:-1] == above}
        )

    @staticmethod
    def _misspelt(text: str, known: Iterable[str]) -> str:
        return next((one for one in known if is_typo(text, one)), "")
