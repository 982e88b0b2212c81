"""Checks that an approved plan covers every change of a fresh plan.

Takes an approved `PlanFile`, a fresh one, and the live resources; returns every difference as a sentence, none if the
apply may go on. Pure.

A fresh change is approved if the approved plan has the same one; a fresh plan may lack changes. Work done since the
approval is not a difference either, as long as the configuration is the approved one (by its digest): a change may be
the remainder of an approved one. Then

* an update may lack fields, steps, and consequences, at no higher risk;
* a replace that has its new resource may be the delete of the old one, and one that lost its old resource the create of
  the new one;
* a completed create may be the update that sets what a create cannot set;
* resources that the approved plan creates may exist: as a parent, as the target of a reference, with their settings.

The last three hold only for a resource that this plan itself may have created (`Progress.is_created`): it has the
approved name in the approved parent, it was created after the approved plan, and its sensitive fields have the approved
digests. Two such resources cannot be distinguished, and end up with the approved contents either way.

Steps may also have other dependencies than before, because the order of the remaining steps depends on those that are
done; and a name may gain or lose the type that distinguishes two resources of one name.

An edited plan file gains nothing: it is only compared, never sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

from reconciler.change import RISKS, Standing
from reconciler.documents.live import LiveAt
from reconciler.documents.parts import ChangePart, FieldPart, StepPart
from reconciler.documents.plan import WHOLE, PlanFile, withheld_part
from reconciler.documents.progress import Progress
from reconciler.json_text import Json
from reconciler.kinds import BY_NAME, kind_noun
from reconciler.kinds.fields import Shape
from reconciler.planning.risk import OF_A_DEFAULT

_COMMIT = re.compile(r" \(commit [0-9a-f]+\)")
_LONGEST_VALUE = 200
"""The characters of a value that are shown in a sentence."""
_OTHER_KEY = " (or the plan was made with different credentials; use RECONCILER_PLAN_KEY)"


def not_approved(approved: PlanFile, fresh: PlanFile, live: Mapping[str, LiveAt]) -> tuple[str, ...]:
    """Describe every change of a fresh plan that an approved plan does not cover, one sentence each.

    Args:
        approved: the approved plan.
        fresh: the plan that would be applied.
        live: the live resources at the addresses of the approved plan's creates and replaces.
    """
    if approved.account_sid != fresh.account_sid:
        return (f"the plan was made for account {approved.account_sid}, but this is account {fresh.account_sid}",)
    return tuple(_Check(approved, fresh, live).differences())


class _Check:
    """One check; see `not_approved`."""

    def __init__(self, approved: PlanFile, fresh: PlanFile, live: Mapping[str, LiveAt]) -> None:
        self.fresh = fresh
        self.progress = Progress(approved, fresh, live)
        self.irreversible = approved.irreversible
        self.is_same_configuration = self.progress.is_same_configuration
        self.approved_changes, self.replaced = self.progress.approved_changes, self.progress.replaced
        self.approved_steps = frozenset(step.id for change in approved.changes for step in change.steps)
        self.fresh_steps = frozenset(step.id for change in fresh.changes for step in change.steps)
        self.is_begun = self.is_same_configuration and not self.approved_steps <= self.fresh_steps

    def differences(self) -> Iterator[str]:
        """Describe every difference, in the order of the fresh plan."""
        for change in self.fresh.changes:
            found = self._of_change(change) if withheld_part(change) != WHOLE else self._of_withheld(change)
            yield from (f"{change.address}: {difference}" for difference in found)
        for part in self.fresh.irreversible:
            if part not in self.irreversible:
                yield f"{part.address}: it was not in the approved plan that this cannot be undone: {part.message}"

    def _of_withheld(self, change: ChangePart) -> Iterator[str]:
        """Describe a difference in class of a withheld change. That nothing of it is sent is not a difference."""
        approved = self.approved_changes.get(change.address)
        is_same = approved is not None and (approved.action, approved.sid) == (change.action, change.sid)
        if approved is not None and is_same and withheld_part(approved) != WHOLE:
            yield from self._standings(approved, change)

    def _of_change(self, change: ChangePart) -> Iterator[str]:
        former = self.replaced.get(change.sid or "") if self.is_same_configuration else None
        if former is not None and change.action == "delete" and self.progress.is_created(former.address):
            yield from self._rest_of_replace(former, change)
            return
        rest = self.progress.without_moved_defaults(change)
        if rest.fields or rest is change:
            yield from self._of_own_address(rest)

    def _of_own_address(self, change: ChangePart) -> Iterator[str]:
        approved = self.approved_changes.get(change.address)
        if approved is None:
            yield f"{change.action} was not in the approved plan"
        elif approved.kind != change.kind:
            yield (
                f"the approved change is of a {kind_noun(approved.kind)}, but now it would be of a "
                + kind_noun(change.kind)
            )
        elif approved.action == change.action and (approved.sid == change.sid or self.progress.is_adopted(approved)):
            yield from self._same_action(approved, change)
        elif approved.action == change.action:
            yield f"the approved change was of {approved.sid or 'a new resource'}, but now it is of " + (
                change.sid or "a new resource"
            )
        elif self._is_rest(approved, change):
            yield from self._rest(approved, change)
        else:
            yield f"{approved.action} was approved, but now it would be {change.action}"

    def _is_rest(self, approved: ChangePart, change: ChangePart) -> bool:
        """Whether a change may be the rest of an approved one with another action."""
        if (approved.action, change.action) == ("replace", "create"):
            return self.is_same_configuration
        return change.action == "update" and self.progress.is_created(change.address)

    # --- whole changes and parts of one ------------------------------------------------------------------------------

    def _same_action(self, approved: ChangePart, change: ChangePart) -> Iterator[str]:
        yield from self._identity(approved, change)
        yield from self._withheld(approved, change)
        yield from self._steps(approved, change)
        yield from self._fields(approved, change)
        if self.progress.is_adopted(approved):
            return  # the approved reason, risk, and effects are those of a service that did not exist yet
        yield from self._standings(approved, change)
        if _without_commit(approved.reason) != _without_commit(change.reason):
            yield f"the reason is now {_quoted(change.reason)}; {_quoted(approved.reason)} was approved"
        yield from self._effects(approved, change)

    @staticmethod
    def _standings(approved: ChangePart, change: ChangePart) -> Iterator[str]:
        """Compare how a change stands to the baseline, which an apply since may have moved."""
        if approved.standing != change.standing:
            yield f"it is now {_standing(change.standing)}; {_standing(approved.standing)} was approved"
        before = {item.path: item.standing for item in approved.fields}
        for item in change.fields:
            was = before.get(item.path, item.standing)
            if was != item.standing:
                yield f"{item.path} is now {_standing(item.standing)}; {_standing(was)} was approved"

    def _rest(self, approved: ChangePart, change: ChangePart) -> Iterator[str]:
        """Check the remainder of a replace whose old resource is gone, or of a change whose new resource exists."""
        yield from self._identity(approved, change)
        yield from self._withheld(approved, change)
        yield from self._fields(approved, change)
        if change.action != "update":  # an update that completes a new resource had no effects of its own
            yield from self._effects(approved, change)

    def _rest_of_replace(self, approved: ChangePart, change: ChangePart) -> Iterator[str]:
        """Check the delete of the old resource of a replace, which has another address then."""
        if approved.kind != change.kind or approved.service != change.service:
            yield "the approved replace is of another resource"
        yield from self._parents(approved, change)
        if withheld_part(approved) > withheld_part(change):
            yield "the delete of the old resource was withheld in the approved plan, but now it would be applied"
        for step in change.steps:
            if not any(
                (was.op, was.address, was.sets.keys()) == (step.op, step.address, step.sets.keys())
                and all(self.progress.is_same_value(was.sets[path], step.sets[path]) for path in step.sets)
                for was in approved.steps
            ):
                yield f"it would also {_described(step)}, which the approved replace does not do"
        yield from self._effects(approved, change)

    def _identity(self, approved: ChangePart, change: ChangePart) -> Iterator[str]:
        if not self.progress.is_same_name(approved.kind, approved.name, change.name):
            yield f"its name is now {_quoted(change.name)}; {_quoted(approved.name)} was approved"
        if approved.service != change.service:
            yield f"its service is now {_quoted(change.service)}; {_quoted(approved.service)} was approved"
        yield from self._parents(approved, change)

    def _parents(self, approved: ChangePart, change: ChangePart) -> Iterator[str]:
        if not self.progress.is_same_place(approved.address, approved.parents, change.parents):
            yield f"it would be applied in {_sids(change.parents)}; {_sids(approved.parents)} was approved"

    def _withheld(self, approved: ChangePart, change: ChangePart) -> Iterator[str]:
        part = withheld_part(approved)
        is_rest = approved.action == "replace" and change.action != "replace"
        if part > withheld_part(change) and not (is_rest and part < WHOLE):
            what = change.action if part == WHOLE else "delete of the old resource"
            yield f"the {what} was withheld in the approved plan, but now it would be applied"

    def _effects(self, approved: ChangePart, change: ChangePart) -> Iterator[str]:
        is_higher = RISKS.index(change.risk) > RISKS.index(approved.risk)
        if is_higher or (not self.is_same_configuration and change.risk != approved.risk):
            yield f"its risk is now {change.risk}; {approved.risk} was approved"
        effects = {*approved.consequences}
        if self.is_same_configuration:
            # The approved plan itself may have moved the default away from the role since.
            effects |= {sentence.replace(OF_A_DEFAULT, "") for sentence in approved.consequences}
        yield from (
            f"it has an effect that was not in the approved plan: {sentence}"
            for sentence in change.consequences
            if sentence not in effects
        )
        if not self.is_same_configuration:
            yield from (
                f"it no longer has an effect of the approved plan: {sentence}"
                for sentence in approved.consequences
                if sentence not in change.consequences
            )

    # --- steps -------------------------------------------------------------------------------------------------------

    def _steps(self, approved: ChangePart, change: ChangePart) -> Iterator[str]:
        before = {step.id: step for step in approved.steps}
        for step in change.steps:
            was = before.get(step.id)
            if was is None or (was.op, was.address) != (step.op, step.address):
                yield f"it would also {_described(step)}, which the approved plan does not do"
                continue
            yield from self._sets(was, step)
            yield from self._needs(was, step)
        if not self.is_same_configuration:
            now = {step.id for step in change.steps}
            yield from (
                f"it would no longer {_described(step)}, which was approved"
                for step in approved.steps
                if step.id not in now
            )

    def _sets(self, was: StepPart, step: StepPart) -> Iterator[str]:
        for path in sorted({*was.sets, *step.sets}):
            if path not in step.sets and self.is_same_configuration and step.op == "update":
                continue
            if path not in was.sets or not self.progress.is_same_value(was.sets[path], step.sets.get(path)):
                where = f"{path} of {step.address}" if step.address else path
                now, then = _value(step.sets.get(path)), _value(was.sets.get(path))
                yield f"{where} would be set to {now}; {then} was approved"

    def _needs(self, was: StepPart, step: StepPart) -> Iterator[str]:
        """Compare the dependencies of a step, as long as nothing of the approved plan is done.

        Afterwards, the order of the remaining steps differs: a default that is set, a webhook that made room, or an old
        resource whose replacement exists changes which of the approved steps depend on each other.
        """
        if self.is_begun:
            return
        lost, gained = {*was.needs} - {*step.needs}, {*step.needs} - {*was.needs}
        for need in sorted(lost):
            yield f"its {step.op} would no longer wait for {_place(need)}, as was approved"
        for need in sorted(gained):
            yield f"its {step.op} would wait for {_place(need)}, which was not approved"

    # --- fields ------------------------------------------------------------------------------------------------------

    def _fields(self, approved: ChangePart, change: ChangePart) -> Iterator[str]:
        before = {item.path: item for item in approved.fields}
        for item in change.fields:
            was = before.get(item.path)
            if was is None:
                yield f"{item.path} was not in the approved change; it would become {_value(item.after)}"
            else:
                yield from self._field(approved, change, was, item)
        now = {item.path for item in change.fields}
        creates = any(step.op == "create" for step in change.steps)
        for item in approved.fields:
            # A create is never partly done: without one of its values, it creates a different resource. Only values
            # that the old resource of a replace had, and that the configuration does not set, are gone with that
            # resource.
            is_gone = approved.action == "replace" and change.action == "create" and item.source is None
            if item.path not in now and not is_gone and (creates or not self.is_same_configuration):
                yield f"{item.path} is no longer part of the change; it was to become {_value(item.after)}"

    def _field(self, approved: ChangePart, change: ChangePart, was: FieldPart, item: FieldPart) -> Iterator[str]:
        if was.sensitive and not item.sensitive:
            yield f"{item.path} was hidden in the approved plan, but is no longer sensitive"
        if not self.progress.is_same_value(was.after, item.after):
            now, then = _values(item.after, was.after)
            yield f"{item.path} would become {now}; {then} was approved" + _key_hint(was.after, item.after)
        if self._is_rest_of(approved, change):
            # The approved value before is that of the old resource, or none; a value that nothing has set yet is
            # equivalent.
            if change.action == "update" and not _is_nothing(item.before) and not self._is_set_later(change, item.path):
                yield f"{item.path} is {_value(item.before)} in the new resource, which the approved plan does not set"
            return
        if _is_open(was.before) and self.progress.is_adopted(approved):
            clears = _is_nothing(item.after) or _redirects(change.kind, item.path)
            if clears and not _is_nothing(item.before):
                yield f"{item.path} is {_value(item.before)} already; a new service, which has none, was approved"
            return
        if not self.progress.is_same_value(was.before, item.before):
            now, then = _values(item.before, was.before)
            hint = _key_hint(was.before, item.before)
            yield f"{item.path} is now {now}; it was {then} in the approved plan{hint}"
        elif self.progress.is_same_value(was.after, item.after) and was.inside != item.inside:
            yield f"the differences inside {item.path} are not those that the approved plan showed"
        if was.forces_replacement != item.forces_replacement:
            yield f"whether {item.path} forces a replacement has changed"

    @staticmethod
    def _is_rest_of(approved: ChangePart, change: ChangePart) -> bool:
        return approved.action != change.action

    @staticmethod
    def _is_set_later(change: ChangePart, path: str) -> bool:
        kind = BY_NAME.get(change.kind)
        return kind is not None and path in kind.deferred


def _without_commit(reason: str) -> str:
    """Return a reason without the commit that removed something, which an unrelated commit may follow."""
    return _COMMIT.sub("", reason)


def _standing(standing: Standing) -> str:
    """Name a standing; the plan of a baseline has one where another plan has none."""
    return standing.replace("_", " ") or "compared without a baseline"


def _is_nothing(value: Json) -> bool:
    return value is None or value is False or value in ("", [], {}, {"json": {}})


def _is_open(value: Json) -> bool:
    return isinstance(value, dict) and "unknown" in value


def _redirects(kind: str, path: str) -> bool:
    """Whether a field is a URL, so that a change of it moves traffic."""
    field = BY_NAME[kind].by_path.get(path) if kind in BY_NAME else None
    return field is not None and field.shape is Shape.URL


def _key_hint(approved: Json, now: Json) -> str:
    """Another possible cause where only digests are compared."""
    return _OTHER_KEY if all(isinstance(value, dict) and "digest" in value for value in (approved, now)) else ""


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False) if text else "nothing"


def _sids(parents: tuple[str | None, ...]) -> str:
    return " / ".join(sid or "a new resource" for sid in parents) or "the account"


def _place(step: str) -> str:
    address, _, op = step.rpartition("#")
    return f"the {op} of {address}"


def _described(step: StepPart) -> str:
    if step.address:
        return f"{step.op} {step.address} ({', '.join(sorted(step.sets)) or 'nothing'})"
    return f"{step.op} the resource"


def _values(one: Json, other: Json) -> tuple[str, str]:
    """Describe two different values, except for URLs that differ only in masked parts."""
    match one, other:
        case {"shown": shown, **rest}, {"shown": same, **more} if shown == same:
            return _value(rest), _value(more)
        case _:
            return _value(one), _value(other)


def _value(value: object) -> str:
    """Describe a value of a plan file."""
    match value:
        case None:
            return "nothing"
        case {"ref": str(address), "sid": str(sid)}:
            return f"{address} ({sid})"
        case {"ref": str(address)}:
            return f"{address} (new)"
        case {"shown": str(shown)}:
            return _shortened(shown)
        case {"secret": str(name)}:
            return f"another value of the secret {name}"
        case {"digest": str()}:
            return "another sensitive value"
        case {"unknown": str(reason)}:
            return f"({reason})"
        case {"json": inner}:
            return _shortened(inner)
        case _:
            return _shortened(value)


def _shortened(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=list)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
