"""The plan: every change that makes the account equal to the files, in order. Pure and deterministic.

Takes a `Config`, a `State` and options; gives a `Plan`, or every reason why there is none, at once. The same inputs in
any order give the same plan. It reads nothing and sends nothing; what it says is what `reconciler.apply` does.

How a change comes about:

| files               | account                       | change                                                     |
|---------------------|-------------------------------|------------------------------------------------------------|
| declared            | not there                     | create; in a new service, what Twilio makes itself: update |
| declared            | there, and the same           | none                                                       |
| declared            | there, and differs            | update, or replace when an immutable field differs         |
| `absent: true`      | there                         | delete                                                     |
| not named           | there, in a pruned collection | delete                                                     |
| not named           | there                         | none; reported as unmanaged                                |
| `renamed_from` done | both names there              | delete of the old one                                      |
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase

from reconciler import guards, risk, sequence
from reconciler.address import Address
from reconciler.change import Action, Change, FieldChange, Guard, Op, Step
from reconciler.config.model import Config, Declared, Prune, Reference, Unknown, Value
from reconciler.diff import diff, has_password
from reconciler.errors import MatchError, Place, Problem
from reconciler.kinds import BY_NAME
from reconciler.kinds.base import Content, Fault, Field, Kind, Ref, Shape
from reconciler.match import Matching, match
from reconciler.state import Live, State

_NOT_YET = Unknown("known after apply")
_ROLE = BY_NAME["role"]
_ADDRESS = BY_NAME["address_configuration"]
_POINTS_TO = "auto_creation.service"
_SERVICE_CONFIGURATION = BY_NAME["service_configuration"]


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What narrows or widens a plan.

    Attributes:
        rotate: send what the API never returns of these resources, though nobody can tell whether it differs.
        targets: plan only these addresses, what is below them, and what they need; empty for everything.
        excludes: leave these addresses out, what is below them, and what needs them.
        approved: addresses whose destructive change is approved on the command line.
    """

    targets: tuple[Address, ...] = ()
    excludes: tuple[Address, ...] = ()
    approved: tuple[Address, ...] = ()
    rotate: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True)
class Unmanaged:
    """A live resource that the files do not name.

    Attributes:
        address: made of SIDs where the files have no handle.
        live: the resource.
    """

    address: Address
    live: Live


@dataclass(frozen=True, slots=True)
class Plan:
    """Every change, ordered.

    Attributes:
        account_sid: the account that was read.
        environment: the environment that the files were read for.
        config_digest: what the files mean.
        options: what narrowed or widened the plan.
        changes: in an order in which each comes after what it needs, deletes last.
        unchanged: how many declared resources are as the files say.
        unmanaged: what is live and in a collection that was read, but not named; without what Twilio made by itself.
        warnings: doubtful things, of the files and of the account.
        refusals: guards that refuse the plan as a whole (limits).
        left_out: addresses of changes that targets or excludes left out.
        sids: the SIDs of everything live that a step may refer to, by address.
        comes_along: what steps refer to and Twilio makes by itself in a service that this plan creates: by its address,
            the contents by which to find it there.
        unverified: declared contents that the API never returns and this plan does not send, as address and field.
        unsearched: services whose users have to be looked through before this plan's role deletes are safe.
    """

    account_sid: str
    environment: str
    config_digest: str
    options: PlanOptions
    changes: tuple[Change, ...]
    unchanged: int
    unmanaged: tuple[Unmanaged, ...]
    warnings: tuple[Problem, ...]
    refusals: tuple[Guard, ...]
    left_out: tuple[Address, ...]
    sids: Mapping[Address, str]
    comes_along: Mapping[Address, Mapping[str, Content]]
    unverified: tuple[tuple[Address, str], ...]
    unsearched: frozenset[str]

    def blocking(self) -> tuple[str, ...]:
        """What refuses the apply, in sentences; empty when nothing does."""
        held = [change.guard for change in self.changes if change.guard is not None]
        return tuple(guard.message for guard in (*self.refusals, *held) if guard.verdict == "refused")


def make_plan(config: Config, state: State, options: PlanOptions | None = None) -> Plan:
    """Compare the files with the account.

    Raises:
        MatchError: with every problem that keeps files and account from being compared.
    """
    return _Planner(config, state, options or PlanOptions()).run()


class _Planner:
    """One run of `make_plan`."""

    def __init__(self, config: Config, state: State, options: PlanOptions) -> None:
        self.config = config
        self.state = state
        self.options = options
        self.matching: Matching = match(config, state)
        self.problems: list[Problem] = list(self.matching.problems)
        self.present, self.absent = self._split()
        self.replaced = {
            declared.address
            for declared in self.present
            if (live := self.matching.live.get(declared.address)) is not None
            and self._immutable_differs(declared, live)
        }
        self.making: dict[Address, str] = {}
        self.comes_along: dict[Address, Mapping[str, Content]] = {}
        self.sids: dict[Address, str] = {
            address: live.sid for address, live in self.matching.live.items() if not live.kind.singleton
        }
        self.unverified: list[tuple[Address, str]] = []
        self.named: dict[tuple[str, tuple[str, ...], str], Address] = {
            (declared.kind.name, declared.address.parts[:2], declared.natural_key): declared.address
            for declared in self.present
            if declared.kind.parent == "service" and declared.natural_key
        }
        # Users whom the files name as participants only: Twilio makes them by itself, and pruning them would undo that.
        self.met = {
            (kind, declared.address.parts[:2], str(declared.values[path].content))
            for declared in self.present
            for path, kind in declared.kind.meets.items()
            if path in declared.values
        }
        self.unchanged = 0

    def run(self) -> Plan:
        self._find_what_is_made()
        self._check_what_is_met()
        changes = [change for declared in self.present if (change := self._change(declared)) is not None]
        changes += self._deletions()
        if any(problem.severity == "error" for problem in self.problems):
            raise MatchError([*self.problems, *self.config.warnings], self.config.lines)
        changes = sequence.close_last(sequence.make_room(changes, self.state, self.matching.live))
        self._check_options(changes)
        if any(problem.severity == "error" for problem in self.problems):
            raise MatchError([*self.problems, *self.config.warnings], self.config.lines)
        judged = [self._judged(change) for change in changes]
        ordered, left_out = sequence.in_order(judged, self.options.targets, self.options.excludes)
        guarded = guards.guard(ordered, self._surroundings(tuple(ordered)))
        return Plan(
            account_sid=self.state.account_sid,
            environment=self.config.environment,
            config_digest=self.config.digest,
            options=self.options,
            changes=guarded,
            unchanged=self.unchanged,
            unmanaged=self._unmanaged(guarded),
            warnings=(*self.config.warnings, *self.problems, *self._unused_approvals(guarded)),
            refusals=guards.limit(guarded, self.config.limits),
            left_out=left_out,
            sids=self.sids,
            comes_along=self.comes_along,
            unverified=tuple(self.unverified),
            unsearched=guards.unsearched(guarded, self.state),
        )

    def _surroundings(self, changes: Iterable[Change]) -> guards.Surroundings:
        return guards.Surroundings(
            config=self.config,
            state=self.state,
            approved=frozenset({item.address for item in self.config.approvals} | set(self.options.approved)),
            default_roles=self._default_roles(),
            default_services=self._default_services(),
            live=self.matching.live,
            services_of_addresses=self._services_of_addresses(changes),
            no_room=sequence.without_room(tuple(changes), self.state, self.matching.live),
            moved_users=frozenset(
                change.sid
                for change in changes
                if change.kind.name == "user" and change.sid and any(item.path == "role" for item in change.fields)
            ),
        )

    def _services_of_addresses(self, changes: Iterable[Change]) -> frozenset[tuple[str, str]]:
        by_sid = {change.sid: change for change in changes if change.kind == _ADDRESS}
        pointing: set[tuple[str, str]] = set()
        for live in self.state.collection(_ADDRESS, ()):
            change = by_sid.get(live.sid)
            if change is not None and change.action == "delete":
                continue
            moved = [item.after for item in (change.fields if change is not None else ()) if item.path == _POINTS_TO]
            pointing.add((self._sid(moved[0]) if moved else str(live.values.get(_POINTS_TO) or ""), live.name))
        return frozenset(pointing)

    # --- what there is -----------------------------------------------------------------------------------------------

    def _split(self) -> tuple[list[Declared], list[Declared]]:
        """Declared resources that are to exist, and those that are not; without what stands in the latter."""
        gone: set[Address] = set()
        present, absent = [], []
        for declared in self.config.resources.values():
            if declared.parent in gone:
                gone.add(declared.address)
            elif declared.absent:
                gone.add(declared.address)
                absent.append(declared)
            else:
                present.append(declared)
        return present, absent

    def _immutable_differs(self, declared: Declared, live: Live) -> bool:
        return any(item.forces_replacement for item in diff(declared, live, lambda _reference: None, self._name_of))

    def _find_what_is_made(self) -> None:
        """The ids of the steps after which a resource's SID is known, for everything that has none yet."""
        for declared in self.present:
            if declared.kind.singleton:
                continue
            if declared.address in self.replaced:
                self.making[declared.address] = f"{declared.address}#create"
            elif declared.address in self.matching.live:
                continue
            elif not self._comes_with_its_parent(declared):
                self.making[declared.address] = f"{declared.address}#create"
            elif self._adopted_fields(declared):
                self.making[declared.address] = f"{declared.address}#update"
            elif declared.parent in self.making:
                self.making[declared.address] = self.making[declared.parent]
                self.comes_along[declared.address] = self._key(declared)

    def _check_options(self, changes: Iterable[Change]) -> None:
        """An address that nothing stands at or below would silently narrow the plan to another one than was meant."""
        known = [*self.config.resources, *self.sids, *(change.address for change in changes)]
        given = (
            ("--target", self.options.targets),
            ("--exclude", self.options.excludes),
            ("--rotate", self.options.rotate),
        )
        for option, addresses in given:
            for address in addresses:
                if any(one.is_within(address) for one in known):
                    continue
                near = get_close_matches(str(address), sorted({str(one) for one in known}), n=1)
                hint = f"did you mean {near[0]}?" if near else "name an address as the plan does"
                self.problems.append(Problem("unknown-address", f"{option} {address}: nothing stands there", hint=hint))

    def _check_what_is_met(self) -> None:
        """What must not exist cannot take part in anything: taking part would make it again."""
        for declared in self.absent:
            if (declared.kind.name, declared.address.parts[:2], declared.natural_key) in self.met:
                self.problems.append(
                    Problem(
                        "absent-but-needed",
                        f"{declared.address} must not exist, and takes part in a conversation of the files",
                        declared.place,
                        "take out one of the two",
                        address=str(declared.address),
                    )
                )

    def _comes_with_its_parent(self, declared: Declared) -> bool:
        """Whether Twilio will make it by itself, with a parent that this plan creates."""
        if declared.parent is None or declared.parent in self.matching.live:
            return False
        return declared.kind.singleton or declared.natural_key in declared.kind.built_in

    def _parents(self, declared: Declared) -> tuple[str, ...] | None:
        if declared.parent is None:
            return ()
        above = self.matching.live.get(declared.parent)
        return None if above is None else (*above.parents, above.sid)

    def _name_of(self, sid: str) -> str:
        live = self.state.get(sid)
        return live.name if live is not None else ""

    def _sid_of(self, reference: Reference) -> str | None:
        if reference.address in self.making:
            return None
        if reference.built_in and reference.address not in self.sids:
            self._look_up_built_in(reference)
        return self.sids.get(reference.address)

    def _look_up_built_in(self, reference: Reference) -> None:
        kind = BY_NAME[reference.kind]
        parent = Address(reference.address.parts[: -len(kind.section) - 1])
        above = self.matching.live.get(parent)
        if above is None:
            return
        found = [
            live for live in self.state.collection(kind, (*above.parents, above.sid)) if live.name == reference.built_in
        ]
        if len(found) == 1:
            self.sids[reference.address] = found[0].sid
            return
        what = "has no" if not found else f"has {len(found)} roles called"
        self.problems.append(
            Problem(
                "unknown-built-in",
                f"the service {parent} {what} {reference.built_in!r}, which Twilio usually makes by itself",
                hint="refer to the role by its SID, or declare it",
                address=str(parent),
            )
        )
        # Said once; the change below it is never applied, since the problem stops the plan.
        self.sids[reference.address] = ""

    def _default_roles(self) -> dict[str, frozenset[str]]:
        """By service, the SIDs of the roles it gives by default: before, and as far as the files say it, after."""
        defaults: dict[str, set[str]] = {}
        for live in self.state:
            if live.kind == _SERVICE_CONFIGURATION:
                defaults.setdefault(live.parents[0], set()).update(self._default_role_sids(live))
        for declared in self.present:
            parents = self._parents(declared)
            if declared.kind == _SERVICE_CONFIGURATION and parents:
                after = (self._sid(value.content) for value in declared.values.values())
                defaults.setdefault(parents[0], set()).update(sid for sid in after if sid)
        return {service: frozenset(sids) for service, sids in defaults.items()}

    @staticmethod
    def _default_role_sids(configuration: Live) -> Iterable[str]:
        return (
            str(configuration.values[field.path])
            for field in configuration.kind.fields
            if field.marker(Ref) is not None and configuration.values.get(field.path)
        )

    def _sid(self, content: Content) -> str:
        if isinstance(content, Reference):
            return self._sid_of(content) or ""
        return content if isinstance(content, str) else ""

    def _default_services(self) -> frozenset[str]:
        after = {
            self._sid(value.content)
            for declared in self.present
            for path, value in declared.values.items()
            if declared.kind.name == "account_configuration" and path == "default_service"
        }
        return frozenset(sid for sid in {self.state.default_service_sid, *after} if sid)

    # --- changes -----------------------------------------------------------------------------------------------------

    def _change(self, declared: Declared) -> Change | None:
        live = self.matching.live.get(declared.address)
        if live is None:
            return self._adoption(declared) if self._comes_with_its_parent(declared) else self._creation(declared)
        fields = self._with_write_only(declared, diff(declared, live, self._sid_of, self._name_of))
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
        return self._described(declared, live, "update", fields, (step,), reason="differs from the files")

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
        wanted = {path for item in fields for path in declared.kind.resend.get(item.path, ())}
        if declared.address in self.options.rotate:
            wanted |= {path for path in hidden if not declared.kind.by_path[path].forces_replacement}
        elif any(item.forces_replacement for item in fields):
            wanted |= set(hidden)
        self.unverified += [(declared.address, path) for path in hidden if path not in wanted]
        sent = [self._never_returned(declared, path, value) for path, value in hidden.items() if path in wanted]
        order = list(declared.kind.by_path)
        return tuple(sorted([*fields, *sent], key=lambda item: order.index(item.path)))

    def _never_returned(self, declared: Declared, path: str, value: Value) -> FieldChange:
        if isinstance(value.content, Unknown):
            self._unset_secret(declared, path, value)
        return FieldChange(
            path=path,
            before=Unknown("never returned by Twilio"),
            after=value.content,
            sensitive=declared.is_sensitive(path),
            secrets=value.secrets,
            source=value.place,
        )

    def _unset_secret(self, declared: Declared, path: str, value: Value) -> None:
        reason = value.content.reason if isinstance(value.content, Unknown) else ""
        self.problems.append(
            Problem(
                "unset-secret",
                f"{path} of {declared.address} has to be sent, and {reason}",
                value.place,
                "set the environment variable",
                address=str(declared.address),
            )
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
            name=declared.natural_key or (live.name if live is not None else ""),
            parent=declared.parent,
            service=self._service_name(declared.parent),
            fields=fields,
            steps=steps,
            reason=reason,
            source=declared.place,
        )

    def _service_name(self, parent: Address | None) -> str:
        """The name of the service at the root of a parent, for people."""
        if parent is None:
            return ""
        root = Address(parent.parts[:2])
        declared = self.config.resources.get(root)
        live = self.matching.live.get(root) or self.state.get(root.parts[1])
        return live.name if live is not None else declared.natural_key if declared is not None else ""

    def _needs(
        self, kind: Kind, parent: Address | None, values: Mapping[str, Content | Reference | Unknown]
    ) -> tuple[str, ...]:
        needs: list[str] = []
        if kind.meets and parent is not None:
            met = (self.named.get((of, parent.parts[:2], str(values.get(path)))) for path, of in kind.meets.items())
            needs += [self.making[address] for address in met if address is not None and address in self.making]
        if parent is not None and parent in self.making:
            needs.append(self.making[parent])
        for content in values.values():
            if not isinstance(content, Reference):
                continue
            if content.address in self.making:
                needs.append(self.making[content.address])
            elif content.built_in and self._sid_of(content) is None:
                above = Address(content.address.parts[: -len(BY_NAME[content.kind].section) - 1])
                if above in self.making:
                    needs.append(self.making[above])
                    self.comes_along[content.address] = {BY_NAME[content.kind].natural_key: content.built_in}
                else:
                    self._look_up_built_in(content)
        return tuple(dict.fromkeys(needs))

    def _step(
        self,
        declared: Declared,
        op: Op,
        values: Mapping[str, Content | Reference | Unknown],
        *,
        sid: str | None = None,
        also_needs: tuple[str, ...] = (),
        adopts: Mapping[str, Content] | None = None,
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
        self, declared: Declared, contents: Mapping[str, Content], live: Live | None
    ) -> list[FieldChange]:
        """One field change for everything that a create sends."""
        changes = []
        for field in declared.kind.fields:
            if field.path not in contents or (_is_empty(field, contents[field.path]) and field.shape is not Shape.BOOL):
                continue
            value: Value | None = declared.values.get(field.path)
            before = live.values.get(field.path) if live is not None else None
            content = contents[field.path]
            if field.shape is Shape.BOOL and content is None:
                content = False
            changes.append(
                FieldChange(
                    path=field.path,
                    before=before,
                    after=content,
                    before_name=self._name_of(before) if isinstance(before, str) else "",
                    sensitive=declared.is_sensitive(field.path) or has_password(field, content),
                    secrets=value.secrets if value is not None else (),
                    forces_replacement=live is not None
                    and field.forces_replacement
                    and bool(field.comparable(content) != field.comparable(before)),
                    source=value.place if value is not None else None,
                )
            )
        return changes

    def _sent_on_create(self, declared: Declared, live: Live | None) -> dict[str, Content | Reference | Unknown]:
        """What a create is to end with: what the files say, what is derived, and the rest of a resource to replace.

        Contents that are empty are there only when the files say so: the API most likely has them empty anyway.
        """
        contents: dict[str, Content | Reference | Unknown] = dict(live.values) if live is not None else {}
        contents.update({path: content for path, content in declared.derived.items() if path not in contents})
        contents.update({path: value.content for path, value in declared.values.items()})
        return {
            field.path: contents[field.path]
            for field in declared.kind.fields
            if field.path in contents and (field.path in declared.values or not _is_empty(field, contents[field.path]))
        }

    def _creation(self, declared: Declared) -> Change:
        contents = self._sent_on_create(declared, None)
        self._check_creation(declared, contents)
        later = {
            path: contents[path] for path, refused in declared.kind.set_later.items() if contents.get(path) in refused
        }
        at_once = {path: content for path, content in contents.items() if path not in later}
        steps = [self._step(declared, "create", at_once)]
        if later:
            steps.append(self._step(declared, "update", later, also_needs=(steps[0].id,)))
        fields = tuple(self._field_changes(declared, contents, None))
        return self._described(declared, None, "create", fields, tuple(steps), reason="not in the account")

    @staticmethod
    def _key(declared: Declared) -> Mapping[str, Content]:
        """What tells a resource that comes with its parent from the others: everything that cannot change."""
        return {
            field.path: declared.values[field.path].content
            for field in declared.kind.fields
            if field.immutable and field.path in declared.values
        }

    def _adopted_fields(self, declared: Declared) -> tuple[FieldChange, ...]:
        return tuple(
            FieldChange(
                path=path,
                before=_NOT_YET,
                after=value.content,
                sensitive=declared.is_sensitive(path),
                secrets=value.secrets,
                source=value.place,
            )
            for path, value in declared.values.items()
            if not declared.kind.by_path[path].immutable and path not in declared.lifecycle.ignore_changes
        )

    def _adoption(self, declared: Declared) -> Change | None:
        """An update of what Twilio makes by itself in a service that this plan creates."""
        fields = self._adopted_fields(declared)
        if not fields:
            self.unchanged += 1
            return None
        values = {item.path: item.after for item in fields}
        step = self._step(declared, "update", values, adopts=self._key(declared))
        return self._described(declared, None, "update", fields, (step,), reason="comes with its service")

    def _replacement(self, declared: Declared, live: Live, fields: tuple[FieldChange, ...]) -> Change:
        kind = declared.kind
        forced = ", ".join(item.path for item in fields if item.forces_replacement)
        why = kind.irreplaceable
        if live.is_built_in and not why:
            why = f"{live.name!r} was made by Twilio itself, which allows neither"
        if declared.pin is not None and not why:
            why = "its pin would name a resource that is gone; use `renamed_from` in place of `sid`"
        if why:
            self.problems.append(
                Problem(
                    "cannot-replace",
                    f"{declared.address} would have to be replaced to change {forced}: {why}",
                    next(item.source for item in fields if item.forces_replacement),
                    f"set it back to what is live ({live.sid}), or declare a new {kind.name} beside it",
                    address=str(declared.address),
                )
            )
        contents = self._sent_on_create(declared, live)
        self._check_creation(declared, contents)
        changes = tuple(self._field_changes(declared, contents, live))
        delete_id, create_id = f"{declared.address}#delete", f"{declared.address}#create"
        if kind.replace_order == "delete-first":
            steps: tuple[Step, ...] = (
                replace(self._step(declared, "delete", {}, sid=live.sid)),
                self._step(declared, "create", contents, also_needs=(delete_id,)),
            )
            return self._described(
                declared, live, "replace", changes, steps, reason=f"{forced} cannot be changed in place"
            )
        repoint, stuck = self._repointing(declared, live, contents)
        steps = (
            self._step(declared, "create", contents),
            *repoint,
            replace(self._step(declared, "delete", {}, sid=live.sid, also_needs=(create_id,)), last=True),
        )
        change = self._described(
            declared, live, "replace", changes, steps, reason=f"{forced} cannot be changed in place"
        )
        if stuck:
            message = (
                f"the old role stays the service's {stuck}, which takes only roles of type {live.values.get('type')}"
            )
            return replace(change, guard=Guard("default_role", "withheld", message, only_delete=True))
        return change

    def _repointing(
        self, declared: Declared, live: Live, contents: Mapping[str, Content]
    ) -> tuple[tuple[Step, ...], str]:
        """The step that moves the service's defaults to a role's successor, and the default that cannot be moved."""
        configuration = self.state.singleton(_SERVICE_CONFIGURATION, live.parents)
        if declared.kind != _ROLE or configuration is None or declared.parent is None:
            return (), ""
        address = declared.parent.child(*_SERVICE_CONFIGURATION.section)
        managed = self.config.resources.get(address)
        moved: dict[str, Content | Reference] = {}
        stuck = ""
        for field in _SERVICE_CONFIGURATION.fields:
            reference = field.marker(Ref)
            if reference is None or configuration.values.get(field.path) != live.sid:
                continue
            if managed is not None and field.path in managed.values and not managed.absent:
                continue  # the files say themselves where this default points
            if reference.of_type != contents.get("type"):
                stuck = field.path
                continue
            moved[field.path] = Reference(declared.address, _ROLE.name)
        if not moved:
            return (), stuck
        step = Step(
            id=f"{declared.address}#repoint",
            op="update",
            address=address,
            kind=_SERVICE_CONFIGURATION,
            parent=declared.parent,
            values=moved,
            needs=(f"{declared.address}#create",),
        )
        return (step,), stuck

    def _deletions(self) -> list[Change]:
        """What must not exist, what is pruned, and what a finished rename left over."""
        changes = [
            self._deletion(live, declared.address, declared.parent, "absent: true", declared.place)
            for declared in self.absent
            if (live := self.matching.live.get(declared.address)) is not None
        ]
        for sid, successor in self.matching.left_over.items():
            live = self.state.get(sid)
            declared = self.config.resources[successor]
            if live is not None:
                address = self._live_address(live)
                changes.append(
                    self._deletion(live, address, declared.parent, f"renamed to {successor}", declared.place)
                )
        deleted = {change.sid for change in changes}
        for prune in self.config.prune.values():
            for live in self._pruned(prune):
                if live.sid not in deleted:
                    parent = None if prune.kind.parent is None else Address(prune.collection.parts[:-1])
                    changes.append(self._deletion(live, self._live_address(live), parent, "pruned", prune.place))
        # A service goes after everything else that goes: what refers to it is then no longer there.
        others = tuple(change.steps[0].id for change in changes if change.kind.parent is None and change.kind.updatable)
        return [
            change
            if change.kind.updatable
            else replace(change, steps=tuple(replace(step, needs=others) for step in change.steps))
            for change in changes
        ]

    def _pruned(self, prune: Prune) -> Iterable[Live]:
        parents = self._pruned_parents(prune)
        if parents is None:
            return ()
        met = {
            name for kind, service, name in self.met if (kind, service) == (prune.kind.name, prune.collection.parts[:2])
        }
        return (
            live
            for live in self.state.collection(prune.kind, parents)
            if live.sid not in self.matching.addresses and live.name not in met and guards.is_pruned(prune, live)
        )

    def _pruned_parents(self, prune: Prune) -> tuple[str, ...] | None:
        if prune.kind.parent is None:
            return ()
        above = self.matching.live.get(Address(prune.collection.parts[: -len(prune.kind.section)]))
        return None if above is None else (*above.parents, above.sid)

    def _deletion(
        self, live: Live, address: Address, parent: Address | None, reason: str, place: Place | None
    ) -> Change:
        self.sids[address] = live.sid
        step = Step(f"{address}#delete", "delete", address, live.kind, parent, sid=live.sid, last=True)
        return Change(
            address=address,
            kind=live.kind,
            action="delete",
            sid=live.sid,
            name=live.name,
            parent=parent,
            service=self._service_name(parent),
            steps=(step,),
            reason=reason,
            source=place,
        )

    def _live_address(self, live: Live) -> Address:
        """The address of a live resource: its handle's where it has one, made of its SID otherwise."""
        declared = self.matching.addresses.get(live.sid)
        if declared is not None:
            return declared
        if not live.parents:
            return Address((*live.kind.section, live.sid))
        above = self.state.get(live.parents[-1])
        base = self._live_address(above) if above is not None else Address(("services", live.parents[-1]))
        return base.child(*live.kind.section, live.sid)

    # --- checks that need the account --------------------------------------------------------------------------------

    def _check_creation(self, declared: Declared, contents: Mapping[str, Content | Reference | Unknown]) -> None:
        if declared.pin is not None:
            return  # a dead pin, which is told as such
        for path, value in declared.values.items():
            if isinstance(value.content, Unknown):
                self._unset_secret(declared, path, value)
        plain = {path: _plain(content) for path, content in contents.items()}
        faults = [
            Fault(
                "", f"{declared.address} is not in the account and cannot be created without `{field.path}`", "add it"
            )
            for field in declared.kind.fields
            if field.required and _is_empty(field, contents.get(field.path))
        ]
        self._faults(declared, [*faults, *declared.kind.check_create(plain)])

    def _check_merged(self, declared: Declared, live: Live, fields: tuple[FieldChange, ...]) -> None:
        """What the files say, with what they leave as it is in the account, must be something the API takes."""
        merged = {path: content for path, content in live.values.items() if content is not None}
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
            value = declared.values.get(fault.path)
            place = value.place if value is not None else declared.place
            self.problems.append(Problem("cannot-be", fault.message, place, fault.hint, address=str(declared.address)))

    def _unused_approvals(self, changes: Iterable[Change]) -> list[Problem]:
        """Approvals on the command line that approve nothing: most likely a misspelt address."""
        known = {change.address for change in changes}
        return [
            Problem("unused-approval", f"--approve {address}: no change of that address needs approval")
            for address in self.options.approved
            if address not in known
        ]

    # --- the whole ---------------------------------------------------------------------------------------------------

    def _judged(self, change: Change) -> Change:
        live = self.state.get(change.sid) if change.sid else self._live_singleton(change)
        defaults: Iterable[str] = ()
        if change.kind == _ROLE and live is not None:
            configuration = self.state.singleton(_SERVICE_CONFIGURATION, live.parents)
            defaults = self._default_role_sids(configuration) if configuration is not None else ()
        return risk.judge(change, live, defaults, self.matching.former.get(change.address))

    def _live_singleton(self, change: Change) -> Live | None:
        return self.matching.live.get(change.address) if change.kind.singleton else None

    def _unmanaged(self, changes: Iterable[Change]) -> tuple[Unmanaged, ...]:
        deleted = {change.sid for change in changes if change.action == "delete"}
        named = {(declared.kind, self._parents(declared)) for declared in self.config.resources.values()}
        named |= {(prune.kind, self._pruned_parents(prune)) for prune in self.config.prune.values()}
        found = [
            Unmanaged(self._live_address(live), live)
            for live in self.state
            if (live.kind, live.parents) in named
            and not live.kind.singleton
            and live.sid not in self.matching.addresses
            and live.sid not in deleted
            and not live.is_built_in
        ]
        return tuple(
            item
            for item in sorted(found, key=lambda item: item.address)
            if not any(fnmatchcase(str(item.address), glob) for glob in self.config.unmanaged_ignore)
        )


def _is_empty(field: Field, content: Content | Reference | Unknown) -> bool:
    return not isinstance(content, (Reference, Unknown)) and field.is_empty(content)


def _plain(content: Content | Reference | Unknown) -> Content:
    """A content for a kind's own checks, which only ask whether something is there and what type is chosen."""
    if isinstance(content, Reference):
        return str(content.address)
    return content.reason if isinstance(content, Unknown) else content
