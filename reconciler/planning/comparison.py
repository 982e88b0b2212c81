"""Compares two configurations: the changes that applying the second makes in an account that matches the first.

Takes two `Config`s; returns a `Comparison`. Pure, and reads no account: values that only the account has are unknown.

| first            | second                    | result                                                       |
|------------------|---------------------------|--------------------------------------------------------------|
| not declared     | declared                  | create; for a part of every service, update from unknown     |
| declared         | declared, and equal       | nothing                                                      |
| declared         | declared, and differs     | update, or replace when an immutable field differs           |
| field not set    | field set                 | update from unknown                                          |
| field set        | field not set             | a warning: no longer managed, the account keeps it; with a   |
|                  |                           | ledger, no longer declared: an apply removes it              |
| declared         | `absent: true`, or pruned | delete                                                       |
| not declared     | `absent: true`            | delete, if it exists                                         |
| declared         | not declared              | the same, in a list                                          |

Differences of guards (prune, limits, approvals, lifecycle) are warnings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from reconciler.address import Address
from reconciler.change import Action, Change, FieldChange, Guard
from reconciler.config.model import Config, Declared, Prune, Reference, Unknown
from reconciler.errors import Place, Problem
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Shape
from reconciler.kinds.markers import Ref
from reconciler.kinds.relations import chooses_held, is_held
from reconciler.lazy_dataclass import dataclass
from reconciler.planning import guards, risk
from reconciler.planning.comparison_fields import NOT_NAMED, FieldComparer
from reconciler.planning.context import KNOWN_AFTER_APPLY
from reconciler.planning.declared_subject import (
    declared_subject,
    name_of,
    pinned_sid,
    title_of,
    undeclared_singleton,
)
from reconciler.planning.deletions import is_pruned
from reconciler.planning.desired import implied_users
from reconciler.planning.guard_context import GuardContext
from reconciler.planning.pairing import Pairs, pair
from reconciler.state import State


@dataclass(frozen=True, slots=True)
class Forgotten:
    """A resource that only the first configuration declares, and that the second does not delete.

    Attributes:
        address: its address in the first configuration.
        kind: its kind.
        name: its natural key, as it may be shown.
        sid: the SID that it is pinned to; empty if it is not pinned.
    """

    address: Address
    kind: Kind
    name: str
    sid: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The differences between two configurations.

    Attributes:
        one_account: whether both are for one account and environment. If not, resources are compared by address, and no
            risk is rated.
        changes: the changes that applying the second would make if the account matched the first; without steps.
        unchanged: how many resources are equal.
        no_longer_managed: the resources that only the first declares.
        removes: whether an apply of the second removes these from the account, because it has a ledger.
        warnings: warnings about the second configuration and about the comparison.
        refusals: the guards that refuse the changes as a whole (limits).
    """

    one_account: bool
    changes: tuple[Change, ...]
    unchanged: int
    no_longer_managed: tuple[Forgotten, ...]
    warnings: tuple[Problem, ...]
    refusals: tuple[Guard, ...]
    removes: bool = False


def is_one_account(before: Config, after: Config) -> bool:
    """Whether two configurations are for the same account and environment, as far as they declare one."""
    sids = {before.account_sid, after.account_sid} - {None}
    names = {before.environment, after.environment} - {""}
    return len(sids) < 2 and len(names) < 2


def compare(before: Config, after: Config) -> Comparison:
    """Compare two configurations; see the module."""
    return _Comparer(before, after).run()


class _Comparer:
    """One run of `compare`."""

    def __init__(self, before: Config, after: Config) -> None:
        self.one_account = is_one_account(before, after)
        self.removes = self.one_account and after.ledger is not None
        self.configs = (before, after)
        self.pairs: Pairs = pair(before, after, one_account=self.one_account)
        self.fields = FieldComparer(self.pairs, one_account=self.one_account)
        # Only rules of resources that exist: an absent resource is deleted with everything inside it.
        self.rules = (_rules(before, self.pairs.before), _rules(after, self.pairs.after))
        self.pruned = {(rule.kind, self._former_owner(rule)): rule for rule in self.rules[1].values()}
        # Users that the configuration declares as participants: Twilio creates them, and pruning leaves them alone.
        self.implied_before = implied_users(self.pairs.before.values())
        self.implied = implied_users(self.pairs.after.values())
        self.unchanged = 0
        self.warnings: list[Problem] = []

    def run(self) -> Comparison:
        after = self.configs[1]
        changes = [change for item in self.pairs.after.values() if (change := self._change(item)) is not None]
        deletions = list(self._deletions())
        if self.one_account:
            defaults = self._default_roles()
            changes = [self._judged(change, defaults) for change in changes]
            deletions = [self._judged(change, defaults) for change in deletions]
            guarded = guards.guard((*changes, *deletions), _guard_context(self.configs[1], self.pairs))
        else:
            guarded = (*changes, *deletions)
        self.warnings += [*self._forgotten_fields(), *self._guards_that_differ()]
        return Comparison(
            one_account=self.one_account,
            changes=tuple(self._approvable(change) for change in guarded),
            unchanged=self.unchanged,
            no_longer_managed=tuple(self._no_longer_managed({change.address for change in deletions})),
            warnings=(*after.warnings, *self.warnings),
            refusals=guards.limit(guarded, after.limits) if self.one_account else (),
            removes=self.removes,
        )

    def _former_owner(self, rule: Prune) -> Address | None:
        """Return the address in the first configuration of a pruned collection's owner; None at the top."""
        owner = rule.collection.collection_owner(rule.kind.section)
        return self.pairs.former.get(owner) if owner is not None else None

    # --- pairs -------------------------------------------------------------------------------------------------------

    def _is_new(self, parent: Address | None) -> bool:
        """Whether the parent of a resource would be created along with it."""
        above = None if parent is None else self.pairs.after.get(parent)
        return above is not None and parent not in self.pairs.former and above.pin is None

    # --- changes -----------------------------------------------------------------------------------------------------

    def _change(self, new: Declared) -> Change | None:
        old = self.pairs.counterpart(new)
        if old is not None:
            fields = tuple(self.fields.field_changes(old, new))
            action: Action = "replace" if new.address in self.fields.replaced else "update"
            reason = "differs"
            unsent = [item.path for item in fields if new.kind.by_path[item.path].write_only]
            if unsent and action == "update":
                self._warn_unsent(new, unsent)
        elif self._is_there_anyway(new):
            known_later = self._is_new(new.parent)
            fields = tuple(
                self.fields.field_change(
                    new.kind.by_path[path], KNOWN_AFTER_APPLY if known_later else NOT_NAMED, None, None, new
                )
                for path, value in new.values.items()
                if path not in new.lifecycle.ignore_changes
                and path != new.kind.natural_key
                and not (known_later and (new.kind.by_path[path].immutable or value.sealed))
            )
            action, reason = "update", "created with its service" if known_later else "not declared in the first"
            if new.pin is not None:
                reason = f"not declared in the first; pinned to {new.pin}"
        else:
            fields = tuple(self._created(new))
            return self._described(new, None, "create", fields, "not declared in the first")
        if not fields:
            self.unchanged += 1
            return None
        return self._described(new, old, action, fields, reason)

    def _is_there_anyway(self, new: Declared) -> bool:
        """Whether the account has a resource even though the first configuration does not declare it."""
        if new.kind.singleton or new.pin is not None:
            return True
        parent = self.pairs.former.get(new.parent) if new.parent is not None else None
        if parent is not None and (new.kind.name, parent.root, name_of(new)) in self.implied_before:
            return True
        return new.natural_key in new.kind.built_in

    def _created(self, new: Declared) -> Iterator[FieldChange]:
        for field in new.kind.fields:
            value = new.values.get(field.path)
            content = value.content if value is not None else new.derived.get(field.path)
            is_plain = not isinstance(content, (Reference, Unknown))
            if is_plain and field.is_empty(content) and (value is None or field.shape is not Shape.BOOL):
                continue
            yield self.fields.field_change(field, None, None, None, new)

    def _described(
        self, new: Declared, old: Declared | None, action: Action, fields: tuple[FieldChange, ...], reason: str
    ) -> Change:
        service = self.pairs.after.get(new.address.root) if new.parent is not None else None
        words: tuple[str, ...] = ()
        missing = [
            field.path for field in new.kind.fields if field.required and field.path not in {*new.values, *new.derived}
        ]
        if action == "create" and missing:
            words = (f"If it does not exist in the account, it cannot be created without {', '.join(missing)}.",)
        return Change(
            address=new.address,
            kind=new.kind,
            action=action,
            sid=pinned_sid(new) or None,
            name=title_of(new) or (title_of(old) if old is not None else ""),
            parent=new.parent,
            service=title_of(service) if service is not None else "",
            fields=fields,
            reason=reason,
            consequences=words,
            source=new.place,
        )

    def _warn_unsent(self, new: Declared, paths: list[str]) -> None:
        self.warnings.append(
            Problem(
                "not-sent",
                f"{_listed(paths)} of {new.address} {'is' if len(paths) == 1 else 'are'} write-only, so no plan "
                "detects the difference",
                new.place,
                f"send it with --rotate '{new.address}'",
                severity="warning",
                address=str(new.address),
            )
        )

    def _deletions(self) -> Iterator[Change]:
        """Return the resources that the second configuration deletes."""
        reported: set[Address] = set()
        was_absent = {
            (item.kind, item.parent, name_of(item)) for item in self.configs[0].resources.values() if item.absent
        }
        for address, item in self.pairs.absent.items():
            old = self.pairs.counterpart(item)
            parent = None if item.parent is None else self.pairs.former.get(item.parent)
            if old is not None:
                reported.add(old.address)
                yield self._deletion(old, address, "absent: true", item.place)
            elif (item.parent is None or parent is not None) and (item.kind, parent, name_of(item)) not in was_absent:
                yield self._deletion(item, address, "absent: true, if the account has it", item.place)
        for address, old in self._left_over():
            prune = self._pruning(old)
            if address not in reported and prune is not None:
                yield self._deletion(old, address, "pruned", prune.place)

    def _deletion(self, item: Declared, address: Address, reason: str, place: Place) -> Change:
        root = item.address.root
        service = self.pairs.before.get(root) or self.pairs.after.get(root) if item.parent is not None else None
        return Change(
            address=address,
            kind=item.kind,
            action="delete",
            sid=pinned_sid(item) or None,
            name=title_of(item),
            parent=item.parent,
            service=title_of(service) if service is not None else "",
            reason=reason,
            source=place,
        )

    def _left_over(self) -> Iterator[tuple[Address, Declared]]:
        """Return the resources that only the first configuration declares."""
        named = set(self.pairs.former.values())
        return ((address, item) for address, item in self.pairs.before.items() if address not in named)

    def _pruning(self, old: Declared) -> Prune | None:
        """Return the prune rule of the second configuration that covers a resource it does not declare."""
        prune = self.pruned.get((old.kind, old.parent))
        if prune is None or (old.kind.name, prune.collection.root, name_of(old)) in self.implied:
            return None
        return prune if is_pruned(prune, declared_subject(old)) else None

    def _no_longer_managed(self, deleted: set[Address]) -> Iterator[Forgotten]:
        gone = deleted | {self.pairs.former[item] for item in self.pairs.absent if item in self.pairs.former}
        for address, item in self._left_over():
            if not any(Address(address.parts[:end]) in gone for end in range(1, len(address.parts) + 1)):
                yield Forgotten(address, item.kind, title_of(item), pinned_sid(item))

    # --- risk --------------------------------------------------------------------------------------------------------

    def _judged(self, change: Change, defaults: frozenset[Address]) -> Change:
        address = self.pairs.former.get(change.address, change.address)
        old = self.pairs.before.get(address)
        subject = declared_subject(old) if old is not None else None
        if subject is None and change.kind.singleton and not self._is_new(change.parent):
            subject = undeclared_singleton(change.kind)
        likely = self.pairs.likely.get(change.address) if change.action == "create" else None
        former = None if likely is None else declared_subject(self.pairs.before[likely])
        return risk.judge(change, subject, former, is_default=old is not None and address in defaults)

    def _default_roles(self) -> frozenset[Address]:
        """Return the addresses in the first configuration of roles that are a default in either one."""
        chosen = {
            self.fields.target(value.content, of_first=of_first)
            for of_first, resources in ((True, self.pairs.before), (False, self.pairs.after))
            for item in resources.values()
            if chooses_held(item.kind)
            for path, value in item.values.items()
            if item.kind.by_path[path].marker(Ref) is not None and isinstance(value.content, (str, Reference))
        }
        roles = (address for address, item in self.pairs.before.items() if is_held(item.kind))
        return frozenset(address for address in roles if self.fields.target_at(address, of_first=True) in chosen)

    def _approvable(self, change: Change) -> Change:
        """Reword a missing approval: a plan addresses an undeclared resource by its SID, not by this address."""
        if change.guard is None or change.guard.name != "approval" or change.address in self.pairs.absent:
            return change
        message = (
            f"the {change.action} of {change.address} destroys {change.kind.destroys} and requires approval, under "
            "the address that the plan shows"
        )
        return replace(change, guard=Guard("approval_by_sid", "refused", message))

    # --- warnings ----------------------------------------------------------------------------------------------------

    def _forgotten_fields(self) -> Iterator[Problem]:
        for new in self.pairs.after.values():
            old = self.pairs.counterpart(new)
            if old is None:
                continue
            forgotten = [
                path
                for path in old.values
                if path not in old.lifecycle.ignore_changes
                and (path not in new.values or path in new.lifecycle.ignore_changes)
                and not (path == new.kind.natural_key and new.pin is not None)
            ]
            if forgotten:
                is_one = len(forgotten) == 1
                outcome = f"managed; the account keeps {'its value' if is_one else 'their values'}"
                hint = _hint_for_forgotten(new.kind, forgotten)
                if self.removes:
                    outcome = "declared; with the ledger, an apply resets or clears what it had applied"
                    hint = "to keep a live value, list its field under removed; the plan shows each value"
                yield Problem(
                    "no-longer-managed",
                    f"{_listed(forgotten)} of {new.address} {'is' if is_one else 'are'} no longer {outcome}",
                    old.values[forgotten[0]].place,
                    hint,
                    severity="warning",
                    address=str(new.address),
                )

    def _guards_that_differ(self) -> Iterator[Problem]:
        """Report the guards that let an apply of the second configuration do more or less than one of the first."""
        before, after = self.configs
        old_rules, rules = self.rules
        gone = self.pairs.absent.keys()
        for collection, rule in rules.items():
            was = old_rules.get(collection)
            if was is None or (was.match, was.keep) != (rule.match, rule.keep):
                what = "is now pruned" if was is None else "is now pruned by a different rule"
                message = (
                    f"{collection} {what}: live resources that the rule covers and the configuration does not declare "
                    "are deleted"
                )
                yield _guard_problem(message, rule.place)
        for collection, rule in old_rules.items():
            if collection not in rules and not any(collection.is_within(address) for address in gone):
                yield _guard_problem(f"{collection} is no longer pruned", rule.place)
        for name in ("deletes", "updates", "creates"):
            old, new = getattr(before.limits, name), getattr(after.limits, name)
            if old != new:
                limits = ["no limit" if most is None else str(most) for most in (old, new)]
                yield _guard_problem(f"limits.{name} changes from {limits[0]} to {limits[1]}", None)
        approved = {(item.address, item.action): dict(item.at_most) for item in before.approvals}
        for item in after.approvals:
            bounds = approved.get((item.address, item.action))
            if bounds is None:
                yield _guard_problem(f"the {item.action} of {item.address} is now approved", item.place)
            elif any(dict(item.at_most).get(name, most + 1) > most for name, most in bounds.items()):
                yield _guard_problem(f"the approved {item.action} of {item.address} may destroy more", item.place)
        for new in self.pairs.after.values():
            old_item = self.pairs.counterpart(new)
            for name in ("prevent_destroy", "prevent_create"):
                had = old_item is not None and getattr(old_item.lifecycle, name)
                if had and not getattr(new.lifecycle, name):
                    yield _guard_problem(f"lifecycle.{name} of {new.address} is no longer set", new.place)


def _rules(config: Config, present: Mapping[Address, Declared]) -> dict[Address, Prune]:
    return {
        collection: rule
        for collection, rule in config.prune.items()
        if rule.kind.parent is None or rule.collection.collection_owner(rule.kind.section) in present
    }


def _guard_context(after: Config, pairs: Pairs) -> GuardContext:
    return GuardContext(
        config=after,
        state=State(account_sid=""),
        approved=frozenset((item.address, item.action) for item in after.approvals),
        default_roles={},
        default_services=frozenset(),
        before={new: declared_subject(pairs.before[old]) for new, old in pairs.former.items()},
    )


def _guard_problem(message: str, place: Place | None) -> Problem:
    return Problem("guard-differs", message, place, severity="warning")


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _hint_for_forgotten(kind: Kind, paths: Sequence[str]) -> str:
    """Return how to change or clear the fields that are no longer managed: Twilio can clear only some of them."""
    clearable = [path for path in paths if not kind.by_path[path].why_not_clearable()]
    if not clearable:
        return "to change the field, set a value; null cannot clear it"
    if len(clearable) == len(paths):
        return "to clear a field, set it to null"
    return f"to change a field, set a value; null clears only {_listed(clearable)}"
