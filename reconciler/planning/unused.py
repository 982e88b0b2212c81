"""Entries of the configuration and options that match nothing, each with the near miss.

Takes a `PlanContext`, changes, and options; gives problems: warnings where something was probably meant that is written
differently, and notices for entries that have done their work. Pure; decides nothing.

| entry                               | with a near miss | without one               |
|-------------------------------------|------------------|---------------------------|
| `absent`                            | warning          | notice: nothing to delete |
| `renamed_from`                      | warning          | warning                   |
| `match`, `except`                   | warning          | warning                   |
| `ignore`                            | warning          | notice                    |
| `approvals`                         | warning          | notice: nothing to do     |
| `--approve`                         | warning          | warning                   |
| `--target`, `--exclude`, `--rotate` | error            | error                     |
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.address import Address
from reconciler.change import Change
from reconciler.config import globs
from reconciler.config.lookalike import difference
from reconciler.config.model import Approval, Declared, Prune
from reconciler.errors import Problem, Severity
from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.planning.context import PlanContext
from reconciler.planning.naming import title
from reconciler.planning.near import Nearness, is_typo
from reconciler.state import Collection, Live

_REMOVE = "Remove the entry."
# A part of an address in a pattern: a section or handle with the dot before it, or a handle in brackets.
_PATTERN_PART = re.compile(r'\.?[^.\[\]]+|\["(?:[^"\\]|\\.)*"\]')


class Unused:
    """Finds what matches nothing.

    Args:
        context: configuration and account.
    """

    def __init__(self, context: PlanContext) -> None:
        self.context = context
        self.near = Nearness()

    # --- absent, renamed_from ----------------------------------------------------------------------------------------

    def absents(self) -> Iterator[Problem]:
        """Every `absent` that deletes nothing."""
        for declared in self.context.desired.absent:
            if declared.address in self.context.matching.live or not self.context.selection.covers(declared):
                continue
            parents = self.context.parents(declared)
            if parents is None:
                continue
            where, name = self._where(declared), _quoted(declared.title or declared.pin or declared.address.parts[-1])
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
                f"Pin it with sid: {meant.sid}, or write its {self._what_differs(declared, meant)} as it is.",
            )

    def former_names(self) -> Iterator[Problem]:
        """Every `renamed_from` that renames nothing."""
        for declared in self.context.desired.present:
            if not declared.renamed_from or declared.pin is not None or not self.context.selection.covers(declared):
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
        name = _quoted(title(declared, live))
        is_shown = declared.title == declared.natural_key
        if old is None or not is_shown or old.sid in self.context.matching.addresses:
            message = f"renamed_from: {name} has its new name"
            return self._about(declared, "stale-renamed-from", message, "Remove renamed_from.")
        return self._about(
            declared,
            "stale-renamed-from",
            f"renamed_from: both {name} and {_quoted(old.title)} exist in {self._where(declared)}; "
            "the old one is left alone",
            f"Remove renamed_from. To delete the old one, declare it as {{sid: {old.sid}, absent: true}}.",
        )

    def _unused_former_name(self, declared: Declared, parents: tuple[str, ...]) -> Problem:
        where, created = self._where(declared), f"{declared.address} is created"
        is_shown = declared.title == declared.natural_key
        former = _quoted(declared.renamed_from) if is_shown else "such name"
        old = self._of_name(declared.kind, parents, declared.renamed_from)
        owner = None if old is None else self.context.matching.addresses.get(old.sid)
        if owner is not None:
            message = f"renamed_from: {former} is {owner}, so {created}"
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
        )

    # --- globs -------------------------------------------------------------------------------------------------------

    def patterns(self) -> Iterator[Problem]:
        """Every `match` and `except` that no name in its collection matches, live or declared."""
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
        where = _shown_parent(prune.collection)
        message = f"{key}: no {prune.kind.noun} in {where} matches {_quoted(pattern)}"
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
        if meant is not None:
            escaped = globs.escape(meant.title)
            message = f"{message}. Did you mean {_quoted(escaped)}?{difference(globs.literal(pattern), meant.title)}"
        return Problem(f"unused-{key}", message, prune.place, hint, severity="warning", address=str(prune.collection))

    def ignored(self, unmanaged: Iterable[tuple[Address, Live]]) -> Iterator[Problem]:
        """Every `unmanaged.ignore` that matches no unmanaged resource.

        Args:
            unmanaged: all of them, those that are ignored included.
        """
        if self.context.selection.omitted:
            return  # what was not read may be what is meant
        found = list(unmanaged)
        for pattern in self.context.config.unmanaged_ignore:
            if any(is_ignored(pattern, address) for address, _ in found):
                continue
            message = f"ignore: no unmanaged resource matches {_quoted(pattern)}"
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
            yield Problem("unused-ignore", message, None, hint, severity=severity)

    def _corrected(self, pattern: str) -> str:
        """A pattern of addresses with its misspelt sections and handles corrected; empty if none is misspelt."""
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

    # --- approvals and options ---------------------------------------------------------------------------------------

    def approvals(self, approvals: Iterable[Approval], changes: Sequence[Change]) -> Iterator[Problem]:
        """Every approval, of the files or the command line, that approves nothing in the plan."""
        by_address = {change.address: change for change in changes}
        removing = [change for change in changes if change.action in {"delete", "replace"}]
        for approval in approvals:
            change = by_address.get(approval.address)
            if change is not None and change.action == approval.action:
                continue
            option = "approvals" if approval.place is not None else "--approve"
            message = f"{option}: no {approval.action} of {approval.address} is planned"
            if change is not None:
                message = f"{message}, but a {change.action}, which it does not approve"
                yield self._unused_approval(approval, message, severity="warning")
                continue
            meant = self._meant_address(approval.address, [item.address for item in removing], removing)
            known = self._known(changes)
            if meant is None and approval.address not in known:
                meant = self._misspelt_address(approval.address, known, changes)
                message = f"{option}: no such resource {approval.address}" if meant is not None else message
            if meant is not None:
                yield self._unused_approval(approval, f"{message}. Did you mean {meant}?", severity="warning")
            elif approval.place is not None:
                yield self._unused_approval(approval, message, severity="notice")
            else:
                yield self._unused_approval(approval, message, severity="warning")

    @staticmethod
    def _unused_approval(approval: Approval, message: str, *, severity: Severity) -> Problem:
        code = "done-approval" if severity == "notice" else "unused-approval"
        hint = "Remove it once its change is applied." if severity == "notice" else "Use an address of the plan."
        if severity == "warning" and approval.place is not None and "no such resource" in message:
            hint = "Write the address as the plan shows it, or remove the approval."
        return Problem(code, message, approval.place, hint, severity=severity, address=str(approval.address))

    def options(self, option: str, addresses: Iterable[Address], changes: Sequence[Change]) -> Iterator[Problem]:
        """Every address of an option that names no resource: it would silently mean another plan."""
        known = self._known(changes)
        for address in addresses:
            if any(one.is_within(address) for one in known):
                continue
            meant = self._meant_address(address, known, changes)
            message = f"{option} {address}: no such resource"
            if meant is not None:
                message = f"{message}. Did you mean {meant}?"
            yield Problem(
                "unknown-address",
                message,
                hint="Use an address shown by `reconciler plan`.",
            )

    def rotations(self, addresses: Iterable[Address], changes: Sequence[Change]) -> Iterator[Problem]:
        """Every `--rotate` of an existing resource that sends nothing: the key would be taken for rotated."""
        config, selection = self.context.config, self.context.selection
        with_keys = {
            declared.address: {
                path
                for path in declared.values
                if (field := declared.kind.by_path[path]).write_only and not field.forces_replacement
            }
            for declared in config.resources.values()
        }
        choice = ", ".join(str(address) for address, paths in with_keys.items() if paths)
        known = self._known(changes)
        for address in addresses:
            if not any(one.is_within(address) for one in known):
                continue  # reported as an address that names nothing
            declared = config.resources.get(address)
            if declared is None or not with_keys[address]:
                what = "has no write-only values in the configuration"
                hint = f"Use the address of a resource that has some: {choice}." if choice else "Remove the option."
            elif not selection.covers(declared):
                is_narrowed = address in selection.omitted
                what = "is left out of the plan" + (" by --target or --exclude" if is_narrowed else "")
                hint = "Leave out one of the two options."
            elif declared not in self.context.desired.present:
                what, hint = "is absent in the configuration", "Remove the option."
            elif with_keys[address] <= declared.lifecycle.ignore_changes:
                what = "has ignore_changes for its write-only values"
                hint = "Remove them from ignore_changes, or remove the option."
            else:
                continue
            yield Problem("nothing-to-rotate", f"--rotate {address}: it {what}, so nothing would be sent", hint=hint)

    def _known(self, changes: Iterable[Change]) -> list[Address]:
        """Every address that names something: declared, live, or changed by the plan."""
        config, sids = self.context.config, self.context.sids
        return [*config.resources, *sids, *(change.address for change in changes)]

    def _misspelt_address(
        self, address: Address, known: Iterable[Address], changes: Iterable[Change]
    ) -> Address | None:
        """The known address that is probably meant by one that may be that of a resource that is gone.

        Stricter than `_meant_address`: an approval that has done its work is often similar to what is still there.
        """
        names = {(change.address.parts[:-1], change.name): change.address for change in changes}
        names |= {
            (item.address.parts[:-1], item.natural_key): item.address
            for item in self.context.config.resources.values()
            if item.title == item.natural_key
        }
        for live in self.context.state:
            if live.title and not live.kind.singleton and self.context.naming.may_show(live):
                there = self.context.naming.address_of(live)
                names.setdefault((there.parts[:-1], live.title), there)
        found = names.get((address.parts[:-1], address.parts[-1]))
        if found is not None:
            return found
        for one in sorted(set(known)):
            if len(one.parts) != len(address.parts):
                continue
            wrong = [(a, b) for a, b in zip(address.parts, one.parts, strict=True) if a != b]
            if len(wrong) == 1 and is_typo(*wrong[0]):
                return one
        return None

    def _meant_address(self, address: Address, known: Sequence[Address], changes: Iterable[Change]) -> Address | None:
        """The known address that is probably meant: the one whose live name it spells, or the most similar one."""
        names: list[tuple[Address, str]] = [(change.address, change.name) for change in changes]
        names += [
            (item.address, item.natural_key)
            for item in self.context.config.resources.values()
            if item.title == item.natural_key and item.address in set(known)
        ]
        for one, name in names:
            if one.parts[:-1] == address.parts[:-1] and name == address.parts[-1]:
                return one
        text = self.near.closest_text(str(address), [str(one) for one in known])
        return next((one for one in known if str(one) == text), None) if text else None

    # --- near misses -------------------------------------------------------------------------------------------------

    def _meant(self, declared: Declared, parents: tuple[str, ...], name: str) -> Live | None:
        """The unmanaged live resource that a declared one probably means; None where its name may not be shown."""
        if declared.title != declared.natural_key:
            return None
        candidates = [
            live
            for live in self.context.state.collection(declared.kind, parents)
            if live.sid not in self.context.matching.addresses and not self.context.is_protected(live)
        ]
        handle = declared.address.parts[-1]
        return self.near.closest(name, candidates) or self.near.closest(handle, candidates)

    def _of_name(self, kind: Kind, parents: tuple[str, ...], name: str) -> Live | None:
        return next((live for live in self.context.state.collection(kind, parents) if live.name == name), None)

    @classmethod
    def _did_you_mean(cls, live: Live, wrong: str) -> str:
        """The suggestion of a live resource in place of a name, with what tells the two apart if they look the same."""
        if not live.title:
            return f"Did you mean {live.sid}?"
        of_type = cls._of_type(live.values, live.kind) if live.title == wrong else ""
        return f"Did you mean {_quoted(live.title)}{of_type}?{difference(wrong, live.title)}"

    @staticmethod
    def _what_differs(declared: Declared, live: Live) -> str:
        """The field that keeps a declared resource from being a live one."""
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
        return _shown_parent(Address((*declared.address.parts[:-1],)))

    @staticmethod
    def _about(declared: Declared, code: str, message: str, hint: str, *, severity: Severity = "warning") -> Problem:
        return Problem(code, message, declared.place, hint, severity=severity, address=str(declared.address))


def is_ignored(pattern: str, address: Address) -> bool:
    """Whether a pattern of `unmanaged.ignore` matches an address, with its SIDs in brackets or after a dot.

    ``services.*.roles.*`` matches ``services.support.roles["RL…"]``.
    """
    return globs.matches(pattern, str(address)) or globs.matches(pattern, ".".join(address.parts))


def _shown_parent(collection: Address) -> str:
    """What contains a collection, in words: ``support``, ``the account``."""
    handles = collection.parts[1:-1:2]
    return ".".join(handles) if handles else "the account"


def _quoted(text: str) -> str:
    return f'"{text}"'
