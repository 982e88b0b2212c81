"""Builds changes by comparing declared with live resources: the field differences and the steps that resolve them.

Takes a `PlanContext`; returns `UnorderedChanges`: changes whose steps name what they need, and a problem for each
value that the API would reject. Pure; puts nothing into order and withholds nothing: `ordering` and `guards` do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from reconciler.address import Address
from reconciler.change import Change, FieldChange, Guard, Step
from reconciler.config.model import Declared, Reference, Unknown, Value
from reconciler.errors import Problem
from reconciler.kinds.fields import Content
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.context import PlanContext
from reconciler.planning.create_values import CreateValues, field_changes_of_create, values_for_create
from reconciler.planning.deletions import build_deletions
from reconciler.planning.diff import diff
from reconciler.planning.role_defaults import repoint_defaults, with_moved_defaults
from reconciler.planning.steps import build_change, build_step, plain, problems_of
from reconciler.state import Live


@dataclass(frozen=True, slots=True)
class UnorderedChanges:
    """The changes of a plan, before they are sorted, rated, and guarded.

    Attributes:
        changes: in the order of the configuration, deletes at the end.
        unchanged: how many declared resources match the configuration.
        unverified: declared values that the API never returns and that no change sends, as address and field.
        problems: values that the API would reject.
    """

    changes: tuple[Change, ...]
    unchanged: int
    unverified: tuple[tuple[Address, str], ...]
    problems: tuple[Problem, ...]


class ChangeBuilder:
    """Builds the changes of one plan.

    Args:
        context: configuration and account.
        rotate: resources whose write-only values are sent again.
        resent: gives the write-only fields of a resource whose values differ from those that were sent last.
    """

    def __init__(
        self,
        context: PlanContext,
        rotate: frozenset[Address] = frozenset(),
        resent: Callable[[Declared], frozenset[str]] = lambda _declared: frozenset(),
    ) -> None:
        self._context = context
        self._resent = resent
        self._rotate = rotate
        self._unchanged = 0
        self._unverified: list[tuple[Address, str]] = []
        self._problems: list[Problem] = []

    def build(self) -> UnorderedChanges:
        """Build every change."""
        unsettled = self._context.unsettled
        self._unchanged = len(self._context.covered()) - len(unsettled)
        found = [change for declared in unsettled if (change := self._change(declared)) is not None]
        changes = (*with_moved_defaults(self._context, found), *build_deletions(self._context))
        return UnorderedChanges(changes, self._unchanged, tuple(self._unverified), tuple(self._problems))

    def _change(self, declared: Declared) -> Change | None:
        live = self._context.matching.live.get(declared.address)
        if live is None:
            return self._adopt(declared) if self._context.is_made_with_parent(declared) else self._create(declared)
        paths = self._context.unequal_paths.get(declared.address, ())
        differing = diff(declared, live, self._context.sid_of, self._context.naming.of_sid, paths) if paths else ()
        fields = self._with_write_only(declared, differing)
        if not fields:
            self._unchanged += 1
            return None
        self._problems += _check_merged(declared, live, fields)
        if any(item.forces_replacement for item in fields):
            return self._replace(declared, live, fields)
        return self._update(declared, live, fields)

    # --- write-only values -------------------------------------------------------------------------------------------

    def _with_write_only(self, declared: Declared, fields: tuple[FieldChange, ...]) -> tuple[FieldChange, ...]:
        """Add the write-only values to send: because of --rotate, a replace, or a changed field that requires them."""
        hidden = {path: value for path, value in declared.values.items() if declared.kind.by_path[path].write_only}
        if not hidden:
            return fields
        wanted = {path for item in fields for path in declared.kind.resend_with.get(item.path, ())}
        wanted |= self._resent(declared)
        if declared.address in self._rotate:
            wanted |= {path for path in hidden if not declared.kind.by_path[path].forces_replacement}
        elif any(item.forces_replacement for item in fields):
            wanted |= set(hidden)
        self._unverified += [(declared.address, path) for path in hidden if path not in wanted]
        sent = [_never_returned(declared, path, value) for path, value in hidden.items() if path in wanted]
        order = list(declared.kind.by_path)
        return tuple(sorted([*fields, *sent], key=lambda item: order.index(item.path)))

    # --- actions -----------------------------------------------------------------------------------------------------

    def _create(self, declared: Declared) -> Change:
        saved = self._context.saved_values(declared)
        create = values_for_create(self._context, declared, saved.values if saved is not None else {}, saved)
        self._problems += create.problems
        later = {
            path: create.values[path]
            for path, refused in declared.kind.deferred.items()
            if create.values.get(path) in refused
        }
        at_once = {path: content for path, content in create.values.items() if path not in later}
        adopts = self._context.lookup_key_if_made_by_flex(declared)
        steps = [build_step(self._context, declared, "create", at_once, adopts=adopts)]
        if later:
            steps.append(build_step(self._context, declared, "update", later, also_needs=(steps[0].id,)))
        fields = field_changes_of_create(self._context, declared, create, None, saved)
        change = build_change(
            self._context, declared, None, "create", fields=fields, steps=tuple(steps), reason="not in the account"
        )
        if saved is None:
            return change
        reason = "deleted by an interrupted apply"
        if create.carried:
            reason += "; saved values are restored"
        return replace(change, reason=reason, carried=create.carried, completes=saved.sid, former=saved.as_live())

    def _adopt(self, declared: Declared) -> Change | None:
        """Build the update of a resource that Twilio creates along with a service of this plan."""
        fields = self._context.fields_to_adopt(declared)
        if not fields:
            self._unchanged += 1
            return None
        self._problems += _check_type_of_builtin(declared)
        values = {item.path: item.after for item in fields}
        adopts = self._context.identifying_values(declared)
        step = build_step(self._context, declared, "update", values, adopts=adopts)
        return build_change(
            self._context, declared, None, "update", fields=fields, steps=(step,), reason="created with its service"
        )

    def _update(self, declared: Declared, live: Live, fields: tuple[FieldChange, ...]) -> Change:
        values = {item.path: item.after for item in fields}
        for field in declared.kind.fields:
            if field.always_sent and field.path not in values:
                values[field.path] = live.values.get(field.path)
        sid = None if declared.kind.singleton else live.sid
        step = build_step(self._context, declared, "update", values, sid=sid)
        step = replace(step, expects=_expected_values(declared, live, values))
        is_rotation = declared.address in self._rotate and all(
            declared.kind.by_path[item.path].write_only for item in fields
        )
        reason = "resent (--rotate)" if is_rotation else _reason_of_update(declared, fields)
        return build_change(self._context, declared, live, "update", fields=fields, steps=(step,), reason=reason)

    def _replace(self, declared: Declared, live: Live, fields: tuple[FieldChange, ...]) -> Change:
        forced = [item for item in fields if item.forces_replacement]
        self._problems += self._check_replaceable(declared, live, forced)
        create = values_for_create(self._context, declared, live.values)
        self._problems += create.problems
        steps, stuck = self._steps_of_replace(declared, live, create)
        change = build_change(
            self._context,
            declared,
            live,
            "replace",
            fields=field_changes_of_create(self._context, declared, create, live),
            steps=steps,
            reason=f"{', '.join(item.path for item in forced)} cannot be changed in place",
        )
        former_title = self._context.naming.of_sid(live.sid)
        change = replace(change, carried=create.carried, former=live, former_title=former_title)
        if not stuck:
            return change
        message = f"the old role remains the service's {stuck}"
        return replace(change, guard=Guard("default_role", "withheld", message, only_delete=True))

    def _steps_of_replace(self, declared: Declared, live: Live, values: CreateValues) -> tuple[tuple[Step, ...], str]:
        """Order the create and the delete of a replace, with the move of a role's defaults between them.

        Returns:
            The steps, and the reason why a default stays with the old role; empty if none does.
        """
        create = build_step(self._context, declared, "create", values.values)
        delete = build_step(self._context, declared, "delete", {}, sid=live.sid)
        if self._deletes_first(declared, live, values):
            delete = replace(delete, makes_way_for=(create.id,))
            return (delete, replace(create, needs=(*create.needs, delete.id))), ""
        repoint, stuck = repoint_defaults(self._context, declared, live, values.values)
        needs = (*delete.needs, create.id, *(step.id for step in repoint))
        return (create, *repoint, replace(delete, needs=needs, last=True)), stuck

    def _deletes_first(self, declared: Declared, live: Live, values: CreateValues) -> bool:
        """Whether the old resource must be deleted first: the two share a key, or the parent is full."""
        kind = declared.kind
        if {*kind.unique_keys(live.values)} & {*kind.unique_keys(values.values)}:
            return True
        if not kind.max_per_parent or declared.parent is None:
            return False
        # A new resource needs a slot permanently, a replaced one only until its old resource is deleted.
        present = self._context.desired.present
        siblings = [item for item in present if item.kind == kind and item.parent == declared.parent]
        new = sum(1 for item in siblings if item.address not in self._context.matching.live)
        replaced = sorted(item.address for item in siblings if item.address in self._context.replaced)
        existing = len(self._context.state.collection(kind, live.parents))
        return existing + new + replaced.index(declared.address) + 1 > kind.max_per_parent

    def _check_replaceable(self, declared: Declared, live: Live, forced: list[FieldChange]) -> list[Problem]:
        """Report a resource that can never be replaced."""
        why = declared.kind.irreplaceable
        if self._context.is_protected(live) and not why:
            by = "Twilio" if live.is_built_in else "Flex"
            why = f"{live.title!r} was created by {by} and is never deleted"
        if declared.pin is not None and not why:
            why = "its `sid` would refer to a deleted resource; use `renamed_from` instead of `sid`"
        if not why:
            return []
        return [
            Problem(
                "cannot-replace",
                f"changing {', '.join(item.path for item in forced)} of {declared.address} requires replacement: {why}",
                forced[0].source,
                f"Restore the value of the live resource ({live.sid}), or declare another {declared.kind.noun}.",
                address=str(declared.address),
            )
        ]


def _reason_of_update(declared: Declared, fields: tuple[FieldChange, ...]) -> str:
    """Say whether values differ from declared ones, or are live in a sealed place and not declared."""
    sealed = [item.path for item in fields if declared.values[item.path].sealed]
    differing = "differs from the configuration"
    if not sealed:
        return differing
    owner = "the account" if declared.parent is None else str(declared.parent)
    cleared = f"{', '.join(sealed)}: not declared, and {owner} is sealed"
    return cleared if len(sealed) == len(fields) else f"{differing}; {cleared}"


def _never_returned(declared: Declared, path: str, value: Value) -> FieldChange:
    return FieldChange(
        path=path,
        before=Unknown("never returned by Twilio"),
        after=value.content,
        sensitive=declared.is_sensitive(path),
        secrets=value.secrets,
        source=value.place,
    )


def _expected_values(
    declared: Declared, live: Live, sent: dict[str, Content | Reference | Unknown]
) -> dict[str, Content]:
    """Return the declared values that are already live, which an update of other fields must not undo."""
    return {
        path: live.values.get(path)
        for path in declared.values
        if path not in sent
        and not declared.kind.by_path[path].write_only
        and path not in declared.lifecycle.ignore_changes
    }


def _check_type_of_builtin(declared: Declared) -> list[Problem]:
    value = declared.values.get(declared.kind.discriminator)
    of_type = declared.kind.built_in.get(declared.natural_key)
    if value is None or of_type is None or value.content == of_type:
        return []
    message = f"{declared.natural_key} is a built-in {declared.kind.noun} of type {of_type}"
    hint = f"Set type: {of_type}, or choose another name."
    return [Problem("cannot-replace", message, value.place, hint, address=str(declared.address))]


def _check_merged(declared: Declared, live: Live, fields: tuple[FieldChange, ...]) -> list[Problem]:
    """Report declared values that the API would reject in combination with the undeclared live ones."""
    merged: dict[str, object] = {path: content for path, content in live.values.items() if content is not None}
    for path, value in declared.values.items():
        merged[path] = plain(value.content)
        if isinstance(value.content, Unknown):
            del merged[path]  # an unknown value is neither wrong nor missing
    touched = {item.path for item in fields}
    faults = [fault for fault in declared.kind.check(merged) if fault.path in touched]
    faults += [fault for fault in declared.kind.check_create(merged) if not fault.path or fault.path in touched]
    return problems_of(declared, faults)
