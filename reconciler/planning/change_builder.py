"""From one declared resource and its live one to a change: what differs, and the calls that make it equal.

Takes a `PlanContext`; gives changes whose steps name what they need. Adds problems to the context where the API could
not take what the files ask for. Pure; puts nothing into order and holds nothing back: `ordering` and `guards` do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from reconciler.address import Address
from reconciler.change import Action, Change, FieldChange, Guard, Op, Step
from reconciler.config.model import Declared, Prune, Reference, Unknown, Value
from reconciler.errors import Place, Problem
from reconciler.journal import Unfinished
from reconciler.kinds import BY_NAME
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.kinds.hooks import Fault
from reconciler.kinds.markers import Ref, Vocabulary
from reconciler.kinds.relations import defaults_kind_of, is_held
from reconciler.planning import guards
from reconciler.planning.context import PlanContext
from reconciler.planning.diff import diff, holds_secret
from reconciler.state import Live


class ChangeBuilder:
    """The changes of one plan, before anything is put into order or held back.

    Args:
        context: files and account.
        rotate: resources of which what the API never returns is sent.

    Attributes:
        unchanged: how many declared resources are as the files say.
        unverified: declared contents that the API never returns and no change sends, as address and field.
    """

    def __init__(self, context: PlanContext, rotate: frozenset[Address]) -> None:
        self.context = context
        self.rotate = rotate
        self.unchanged = 0
        self.unverified: list[tuple[Address, str]] = []

    def changes(self) -> list[Change]:
        """Everything that differs, in the order of the files, deletes at the end."""
        found = [change for declared in self.context.covered() if (change := self._change(declared)) is not None]
        return [*self._with_moved_defaults(found), *self._deletions()]

    def _change(self, declared: Declared) -> Change | None:
        live = self.context.matching.live.get(declared.address)
        if live is None:
            return self._adoption(declared) if self.context.is_made_with_parent(declared) else self._creation(declared)
        fields = self._with_write_only(declared, diff(declared, live, self.context.sid_of, self.context.name_of))
        if not fields:
            self.unchanged += 1
            return None
        self._check_merged(declared, live, fields)
        if any(item.forces_replacement for item in fields):
            return self._replacement(declared, live, fields)
        values = {item.path: item.after for item in fields}
        for field in declared.kind.fields:
            if field.always_sent and field.path not in values:
                values[field.path] = live.values.get(field.path)
        step = self._step(declared, "update", values, sid=None if declared.kind.singleton else live.sid)
        step = replace(step, expects=self._expected(declared, live, values))
        only_asked_for = declared.address in self.rotate and all(
            declared.kind.by_path[it.path].write_only for it in fields
        )
        reason = "sent again, as --rotate asks" if only_asked_for else "differs from the files"
        return self._described(declared, live, "update", fields, (step,), reason=reason)

    @staticmethod
    def _expected(declared: Declared, live: Live, sent: Mapping[str, object]) -> dict[str, Content]:
        """What the files say and the account has already, which an update of something else must not undo."""
        return {
            path: live.values.get(path)
            for path in declared.values
            if path not in sent
            and not declared.kind.by_path[path].write_only
            and path not in declared.lifecycle.ignore_changes
        }

    def _with_write_only(self, declared: Declared, fields: tuple[FieldChange, ...]) -> tuple[FieldChange, ...]:
        """The same differences, with what the API never returns where it is asked for or has to go along."""
        hidden = {path: value for path, value in declared.values.items() if declared.kind.by_path[path].write_only}
        if not hidden:
            return fields
        wanted = {path for item in fields for path in declared.kind.resend_with.get(item.path, ())}
        if declared.address in self.rotate:
            wanted |= {path for path in hidden if not declared.kind.by_path[path].forces_replacement}
        elif any(item.forces_replacement for item in fields):
            wanted |= set(hidden)
        self.unverified += [(declared.address, path) for path in hidden if path not in wanted]
        sent = [self._never_returned(declared, path, value) for path, value in hidden.items() if path in wanted]
        order = list(declared.kind.by_path)
        return tuple(sorted([*fields, *sent], key=lambda item: order.index(item.path)))

    def _never_returned(self, declared: Declared, path: str, value: Value) -> FieldChange:
        return FieldChange(
            path=path,
            before=Unknown("never returned by Twilio"),
            after=value.content,
            sensitive=declared.is_sensitive(path),
            secrets=value.secrets,
            source=value.place,
        )

    def _described(
        self,
        declared: Declared,
        live: Live | None,
        action: Action,
        fields: tuple[FieldChange, ...],
        steps: tuple[Step, ...],
        *,
        reason: str,
    ) -> Change:
        return Change(
            address=declared.address,
            kind=declared.kind,
            action=action,
            sid=None if live is None or live.kind.singleton else live.sid,
            name=self.context.title(declared, live),
            parent=declared.parent,
            service=self.context.service_name(declared.parent),
            fields=fields,
            steps=steps,
            reason=reason,
            source=declared.place,
        )

    def _needs(
        self, kind: Kind, parent: Address | None, values: Mapping[str, Content | Reference | Unknown]
    ) -> tuple[str, ...]:
        needs: list[str] = []
        if kind.implies and parent is not None:
            implied = (
                self.context.by_natural_key.get((of, parent.parts[:2], str(values.get(path))))
                for path, of in kind.implies.items()
            )
            needs += [
                self.context.pending_step[address]
                for address in implied
                if address is not None and address in self.context.pending_step
            ]
        if parent is not None and parent in self.context.pending_step:
            needs.append(self.context.pending_step[parent])
        for content in values.values():
            if not isinstance(content, Reference):
                continue
            if content.address in self.context.pending_step:
                needs.append(self.context.pending_step[content.address])
            elif content.built_in and self.context.sid_of(content) is None:
                above = Address(content.address.parts[: -len(BY_NAME[content.kind].section) - 1])
                if above in self.context.pending_step:
                    needs.append(self.context.pending_step[above])
                    self.context.builtin_refs[content.address] = {BY_NAME[content.kind].natural_key: content.built_in}
        return tuple(dict.fromkeys(needs))

    def _step(
        self,
        declared: Declared,
        op: Op,
        values: Mapping[str, Content | Reference | Unknown],
        *,
        sid: str | None = None,
        also_needs: tuple[str, ...] = (),
        adopts: Mapping[str, Content | Reference | Unknown] | None = None,
    ) -> Step:
        return Step(
            id=f"{declared.address}#{op}",
            op=op,
            address=declared.address,
            kind=declared.kind,
            parent=declared.parent,
            sid=sid,
            values=values,
            adopts=adopts,
            needs=(*self._needs(declared.kind, declared.parent, values), *also_needs),
        )

    def _field_changes(
        self,
        declared: Declared,
        contents: Mapping[str, Content | Reference | Unknown],
        live: Live | None,
        carried: tuple[str, ...] = (),
        saved: Unfinished | None = None,
    ) -> list[FieldChange]:
        """One field change for everything that a create sends.

        Args:
            declared: the resource in the files.
            contents: what the create sends.
            live: the resource that the new one replaces; None when there is none.
            carried: paths of the contents that do not come from the files.
            saved: where these come from, if an interrupted apply saved them.
        """
        changes = []
        place = Place(saved.source, via="saved by an interrupted apply") if saved is not None else None
        for field in declared.kind.fields:
            if field.path not in contents or (_is_empty(field, contents[field.path]) and field.shape is not Shape.BOOL):
                continue
            value: Value | None = None if field.path in carried else declared.values.get(field.path)
            before = live.values.get(field.path) if live is not None else None
            content = contents[field.path]
            if field.shape is Shape.BOOL and content is None:
                content = False
            changes.append(
                FieldChange(
                    path=field.path,
                    before=before,
                    after=content,
                    before_name=self.context.name_of(before) if isinstance(before, str) else "",
                    sensitive=declared.is_sensitive(field.path)
                    or holds_secret(field, content)
                    or holds_secret(field, before)
                    or (saved is not None and field.path in carried and field.path in saved.sensitive),
                    secrets=value.secrets if value is not None else (),
                    forces_replacement=live is not None
                    and field.forces_replacement
                    and bool(field.comparable(content) != field.comparable(before)),
                    source=value.place if value is not None else place if field.path in carried else None,
                )
            )
        return changes

    def _sent_on_create(
        self, declared: Declared, kept: Mapping[str, Content]
    ) -> tuple[dict[str, Content | Reference | Unknown], tuple[str, ...]]:
        """What a create is to end with: what the files say, what is derived, and the rest of a resource to replace.

        Contents that are empty are there only when the files say so: the API most likely has them empty anyway.

        Args:
            declared: the resource in the files.
            kept: the contents of the resource that the new one replaces; empty when there is none.

        Returns:
            The contents, and the paths of those that come from `kept`.
        """
        contents: dict[str, Content | Reference | Unknown] = dict(declared.derived)
        contents.update({path: value.content for path, value in declared.values.items()})
        carried = {
            path: self._successor(declared.kind.by_path[path], content)
            for path, content in kept.items()
            # What the files say to ignore keeps its value; what the API does not return has none that could be kept.
            if path not in declared.values or path in declared.lifecycle.ignore_changes
            if not declared.kind.by_path[path].write_only
        }
        contents.update(carried)
        for path in self._unfit(declared, contents, carried):
            del contents[path], carried[path]
            if path in declared.values:
                contents[path] = declared.values[path].content
        sent = {
            field.path: contents[field.path]
            for field in declared.kind.fields
            if field.path in contents
            if not _is_empty(field, contents[field.path])
            or (field.path in declared.values and field.path not in carried)
        }
        return sent, tuple(path for path in sent if path in carried)

    def _unfit(
        self,
        declared: Declared,
        contents: Mapping[str, Content | Reference | Unknown],
        carried: Mapping[str, Content | Reference],
    ) -> list[str]:
        """Find the live values that the new resource cannot have beside its declared ones.

        Such are the settings of another target or type (a trigger has no filters), and the permissions of a role of
        another type.

        Args:
            declared: the resource in the files.
            contents: what the create would send.
            carried: those of the contents that come from the live resource.
        """
        plain = {path: _plain(content) for path, content in contents.items()}
        wrong = {fault.path for fault in declared.kind.check(plain) if fault.severity == "error"}
        unfit = [
            path
            for path, content in carried.items()
            if path in wrong or _is_of_other_type(declared.kind.by_path[path], content, plain.get("type"))
        ]
        for path in unfit:
            value = declared.values.get(path)
            if value is None:
                continue
            self.context.problems.append(
                Problem(
                    "cannot-carry",
                    f"{declared.address} has to be replaced, and the live {path}, which ignore_changes keeps, do not "
                    "fit the new one",
                    value.place,
                    f"take {path} out of ignore_changes: the new {declared.kind.noun} then gets the declared value",
                    address=str(declared.address),
                )
            )
        return unfit

    def _successor(self, field: Field, content: Content) -> Content | Reference:
        """A content of a resource to replace; where it refers to one that is replaced as well, to the new one."""
        reference = field.marker(Ref)
        address = self.context.successor(content) if isinstance(content, str) else None
        if reference is None or address is None:
            return content
        return Reference(address, reference.kind)

    def _creation(self, declared: Declared) -> Change:
        saved = self.context.saved_values(declared)
        contents, carried = self._sent_on_create(declared, saved.values if saved is not None else {})
        self._check_creation(declared, contents, saved)
        later = {
            path: contents[path] for path, refused in declared.kind.deferred.items() if contents.get(path) in refused
        }
        at_once = {path: content for path, content in contents.items() if path not in later}
        steps = [self._step(declared, "create", at_once, adopts=self.context.lookup_key_if_made_by_flex(declared))]
        if later:
            steps.append(self._step(declared, "update", later, also_needs=(steps[0].id,)))
        fields = tuple(self._field_changes(declared, contents, None, carried, saved))
        change = self._described(declared, None, "create", fields, tuple(steps), reason="not in the account")
        if saved is None:
            return change
        reason = "an interrupted apply deleted it"
        if carried:
            reason += "; gets the values back that were saved before"
        return replace(change, reason=reason, carried=carried, completes=saved.sid, former=saved.as_live())

    def _adoption(self, declared: Declared) -> Change | None:
        """An update of what Twilio makes by itself in a service that this plan creates."""
        fields = self.context.fields_to_adopt(declared)
        if not fields:
            self.unchanged += 1
            return None
        apart = declared.values.get(declared.kind.discriminator)
        of_type = declared.kind.built_in.get(declared.natural_key)
        if apart is not None and of_type is not None and apart.content != of_type:
            message = f"{declared.natural_key} is Twilio's own {declared.kind.noun} of type {of_type}"
            hint = f"Write type: {of_type}, or choose another name."
            self.context.problems.append(
                Problem("cannot-replace", message, apart.place, hint, address=str(declared.address))
            )
        values = {item.path: item.after for item in fields}
        step = self._step(declared, "update", values, adopts=self.context.identifying_values(declared))
        return self._described(declared, None, "update", fields, (step,), reason="comes with its service")

    def _replacement(self, declared: Declared, live: Live, fields: tuple[FieldChange, ...]) -> Change:
        kind = declared.kind
        forced = ", ".join(item.path for item in fields if item.forces_replacement)
        why = kind.irreplaceable
        if self.context.is_protected(live) and not why:
            by = "Twilio itself" if live.is_built_in else "Flex"
            why = f"{live.title!r} was made by {by}, and is never deleted"
        if declared.pin is not None and not why:
            why = "its pin would name a resource that is gone; use `renamed_from` in place of `sid`"
        if why:
            self.context.problems.append(
                Problem(
                    "cannot-replace",
                    f"{declared.address} would have to be replaced to change {forced}: {why}",
                    next(item.source for item in fields if item.forces_replacement),
                    f"set it back to what is live ({live.sid}), or declare a new {kind.noun} beside it",
                    address=str(declared.address),
                )
            )
        contents, carried = self._sent_on_create(declared, live.values)
        self._check_creation(declared, contents)
        changes = tuple(self._field_changes(declared, contents, live, carried))
        create = self._step(declared, "create", contents)
        delete = self._step(declared, "delete", {}, sid=live.sid)
        reason = f"{forced} cannot be changed in place"
        former_title = self.context.name_of(live.sid)
        if self._goes_first(declared, live, contents):
            steps: tuple[Step, ...] = (
                replace(delete, makes_way_for=(create.id,)),
                replace(create, needs=(*create.needs, delete.id)),
            )
            change = self._described(declared, live, "replace", changes, steps, reason=reason)
            return replace(change, carried=carried, former=live, former_title=former_title)
        repoint, stuck = self._repointing(declared, live, contents)
        gone = replace(delete, needs=(*delete.needs, create.id, *(step.id for step in repoint)), last=True)
        change = self._described(declared, live, "replace", changes, (create, *repoint, gone), reason=reason)
        change = replace(change, carried=carried, former=live, former_title=former_title)
        if stuck:
            message = f"the old role stays the service's {stuck}"
            return replace(change, guard=Guard("default_role", "withheld", message, only_delete=True))
        return change

    def _goes_first(
        self, declared: Declared, live: Live, contents: Mapping[str, Content | Reference | Unknown]
    ) -> bool:
        """Whether a resource has to go before its successor can be made: they share a key, or there is no room."""
        kind = declared.kind
        if {*kind.unique_keys(live.values)} & {*kind.unique_keys(contents)}:
            return True
        if not kind.max_per_parent or declared.parent is None:
            return False
        # New ones need a slot for good, a replaced one only for a moment.
        siblings = [item for item in self.context.present if item.kind == kind and item.parent == declared.parent]
        new = sum(1 for item in siblings if item.address not in self.context.matching.live)
        replaced = sorted(item.address for item in siblings if item.address in self.context.replaced)
        there = len(self.context.state.collection(kind, live.parents))
        return there + new + replaced.index(declared.address) + 1 > kind.max_per_parent

    def _repointing(
        self, declared: Declared, live: Live, contents: Mapping[str, object]
    ) -> tuple[tuple[Step, ...], str]:
        """The step that moves the service's defaults to a role's successor, and why a default cannot be moved."""
        if not is_held(declared.kind) or declared.parent is None:
            return (), ""
        chooser = defaults_kind_of(declared.kind)
        address = declared.parent.child(*chooser.section)
        moved: dict[str, Content | Reference] = {}
        stuck = ""
        for field in self._defaults_on(live, declared.parent):
            reference = field.marker(Ref)
            if any(address.is_within(one) for one in self.context.selection.excludes):
                stuck = f"{field.path}, which --exclude leaves out"
            elif reference is not None and reference.of_type != contents.get(declared.kind.discriminator):
                only = f"{declared.kind.noun}s of type {live.values.get(declared.kind.discriminator)}"
                stuck = f"{field.path}, which takes only {only}"
            else:
                moved[field.path] = Reference(declared.address, declared.kind.name)
        if not moved:
            return (), stuck
        step = Step(
            id=f"{declared.address}#repoint",
            op="update",
            address=address,
            kind=chooser,
            parent=declared.parent,
            values=moved,
            needs=(f"{declared.address}#create",),
        )
        return (step,), stuck

    def _defaults_on(self, role: Live, service: Address) -> Iterable[Field]:
        """The defaults of a service that are a live role, and that the files neither set nor say to ignore."""
        chooser = defaults_kind_of(role.kind)
        configuration = self.context.state.singleton(chooser, role.parents)
        managed = self.context.config.resources.get(service.child(*chooser.section))
        if configuration is None:
            return ()
        return (
            field
            for field in chooser.fields
            if field.marker(Ref) is not None
            if configuration.values.get(field.path) == role.sid
            if managed is None or field.path not in {*managed.values, *managed.lifecycle.ignore_changes}
        )

    def _with_moved_defaults(self, changes: list[Change]) -> list[Change]:
        """Move the defaults that a renamed role still leaves to its former self, when both are there.

        A rename that was interrupted leaves them so. Where no journal tells (a fresh checkout), the account has to: a
        role that has the former name and was made after the new one is not the one that `renamed_from` means.
        """
        completed = {live.sid for _, live in self.context.replaces_to_complete()}
        for sid, successor in sorted(self.context.matching.left_over.items()):
            if sid in completed:
                continue
            declared = self.context.config.resources[successor]
            old, new = self.context.state.get(sid), self.context.matching.live.get(successor)
            if old is None or new is None or declared.parent is None or successor in self.context.replaced:
                continue
            if (
                not is_held(declared.kind)
                or not self.context.selection.covers(declared)
                or not _may_succeed(declared, new, old)
            ):
                continue
            chooser = defaults_kind_of(declared.kind)
            address = declared.parent.child(*chooser.section)
            if any(address.is_within(one) for one in self.context.selection.excludes):
                continue
            fields = [
                FieldChange(
                    path=field.path,
                    before=old.sid,
                    after=Reference(successor, declared.kind.name),
                    before_name=old.title,
                    source=declared.place,
                )
                for field in self._defaults_on(old, declared.parent)
                if (reference := field.marker(Ref)) is not None
                and reference.of_type == new.values.get(new.kind.discriminator)
            ]
            if fields:
                changes = self._with_fields(changes, chooser, declared.parent, fields)
        return changes

    def _with_fields(
        self, changes: list[Change], chooser: Kind, service: Address, fields: list[FieldChange]
    ) -> list[Change]:
        """Let the update of a service's configuration change more fields; add it where there is none."""
        address = service.child(*chooser.section)
        change = next((change for change in changes if change.address == address), None)
        if change is None:
            change = Change(
                address=address,
                kind=chooser,
                action="update",
                sid=None,
                name="",
                parent=service,
                service=self.context.service_name(service),
                steps=(Step(f"{address}#update", "update", address, chooser, service),),
                reason="follows a role that was renamed",
            )
        else:
            changes = [other for other in changes if other.address != address]
        step = change.steps[0]
        step = replace(step, values={**step.values, **{item.path: item.after for item in fields}})
        order = list(chooser.by_path)
        merged = tuple(sorted([*change.fields, *fields], key=lambda item: order.index(item.path)))
        return [*changes, replace(change, fields=merged, steps=(step, *change.steps[1:]))]

    def _deletions(self) -> list[Change]:
        """What must not exist, what is pruned, and what an interrupted replace left behind."""
        changes = [
            self._deletion(live, declared.address, declared.parent, "absent: true", declared.place)
            for declared in self.context.absent
            if self.context.selection.covers_delete(declared.address)
            and (live := self.context.matching.live.get(declared.address)) is not None
        ]
        for entry, live in self.context.replaces_to_complete():
            declared = self.context.config.resources[entry.address]
            change = self._deletion(
                live,
                self.context.live_address(live),
                declared.parent,
                f"completes the replace by {entry.address} that an apply began",
                declared.place,
            )
            new = self.context.matching.live[entry.address]
            repoint, _ = self._repointing(declared, live, new.values)
            repoint = tuple(replace(step, needs=()) for step in repoint)
            (gone,) = change.steps
            gone = replace(gone, needs=tuple(step.id for step in repoint))
            changes.append(replace(change, steps=(*repoint, gone), completes=live.sid))
        deleted = {change.sid for change in changes}
        for prune in self.context.config.prune.values():
            for live in self._pruned(prune):
                address = self.context.live_address(live)
                if live.sid not in deleted and self.context.selection.covers_delete(address):
                    parent = None if prune.kind.parent is None else Address(prune.collection.parts[:-1])
                    changes.append(self._deletion(live, address, parent, "pruned", prune.place))
        # A service goes after everything else that goes: what refers to it is then no longer there.
        others = tuple(change.steps[0].id for change in changes if change.kind.parent is None and change.kind.updatable)
        return [
            change
            if change.kind.updatable
            else replace(change, steps=tuple(replace(step, needs=others) for step in change.steps))
            for change in changes
        ]

    def _pruned(self, prune: Prune) -> Iterable[Live]:
        parents = self.context.pruned_parents(prune)
        if parents is None:
            return ()
        implied = {
            name
            for kind, service, name in self.context.implied_users
            if (kind, service) == (prune.kind.name, prune.collection.parts[:2])
        }
        return (
            live
            for live in self.context.state.collection(prune.kind, parents)
            if live.sid not in self.context.matching.addresses
            and live.name not in implied
            and guards.is_pruned(prune, live)
            and not self.context.is_protected(live)
        )

    def _deletion(
        self, live: Live, address: Address, parent: Address | None, reason: str, place: Place | None
    ) -> Change:
        self.context.sids[address] = live.sid
        step = Step(f"{address}#delete", "delete", address, live.kind, parent, sid=live.sid, last=True)
        return Change(
            address=address,
            kind=live.kind,
            action="delete",
            sid=live.sid,
            name=self.context.name_of(live.sid) or live.title,
            parent=parent,
            service=self.context.service_name(parent),
            steps=(step,),
            reason=reason,
            source=place,
        )

    def _check_creation(
        self,
        declared: Declared,
        contents: Mapping[str, Content | Reference | Unknown],
        saved: Unfinished | None = None,
    ) -> None:
        if declared.pin is not None:
            return  # a dead pin, which is told as such
        plain = {path: _plain(content) for path, content in contents.items()}
        faults = [
            Fault(
                "", f"{declared.address} is not in the account and cannot be created without `{field.path}`", "add it"
            )
            for field in declared.kind.fields
            if field.required and _is_empty(field, contents.get(field.path))
        ]
        found = [*faults, *declared.kind.check_create(plain)]
        if saved is not None and saved.lost:
            lost = ", ".join(saved.lost)
            hint = (
                f"an interrupted apply deleted a resource with {lost}, which may not be shown, so {saved.source} does "
                "not hold it: run this where .reconciler/ of that apply is, or write it in the configuration"
            )
            found = [replace(fault, hint=hint) for fault in found]
        self._faults(declared, found)

    def _check_merged(self, declared: Declared, live: Live, fields: tuple[FieldChange, ...]) -> None:
        """What the files say, with what they leave as it is in the account, must be something the API takes."""
        merged: dict[str, object] = {path: content for path, content in live.values.items() if content is not None}
        for path, value in declared.values.items():
            merged[path] = _plain(value.content)
            if isinstance(value.content, Unknown):
                del merged[path]  # what nobody knows is neither wrong nor missing
        touched = {item.path for item in fields}
        faults = [fault for fault in declared.kind.check(merged) if fault.path in touched]
        faults += [fault for fault in declared.kind.check_create(merged) if not fault.path or fault.path in touched]
        self._faults(declared, faults)

    def _faults(self, declared: Declared, faults: Iterable[Fault]) -> None:
        for fault in faults:
            if fault.severity == "warning":
                continue  # told when the files were read
            value = declared.values.get(fault.path)
            place = value.place if value is not None else declared.place
            self.context.problems.append(
                Problem("cannot-be", fault.message, place, fault.hint, address=str(declared.address))
            )


def _may_succeed(declared: Declared, new: Live, old: Live) -> bool:
    """Whether a role may have been made as the successor of another one, by when each was made.

    Dates have whole seconds. Of two roles of one second, the successor has the same permissions: what is declared
    decides, so that an update of the new role changes nothing about the answer.
    """
    if new.created and old.created and new.created != old.created:
        return new.created > old.created
    permissions = new.kind.by_path["permissions"]
    value = declared.values.get("permissions")
    content = value.content if value is not None and not isinstance(value.content, Unknown) else None
    wanted = new.values.get("permissions") if content is None else content
    return bool(permissions.comparable(wanted) == permissions.comparable(old.values.get("permissions")))


def _is_of_other_type(field: Field, content: object, chosen: object) -> bool:
    """Whether a set has words that count only for another type than the chosen one; Twilio may add words to any."""
    vocabulary = field.marker(Vocabulary)
    if vocabulary is None or not isinstance(content, tuple) or not isinstance(chosen, str):
        return False
    own = vocabulary.by_type.get(chosen)
    return own is not None and any(
        word not in own and any(word in words for words in vocabulary.by_type.values()) for word in content
    )


def _is_empty(field: Field, content: Content | Reference | Unknown) -> bool:
    return not isinstance(content, (Reference, Unknown)) and field.is_empty(content)


def _plain(content: Content | Reference | Unknown) -> Content:
    """A content for a kind's own checks, which only ask whether something is there and what type is chosen."""
    if isinstance(content, Reference):
        return str(content.address)
    return content.reason if isinstance(content, Unknown) else content
