"""The values before and after each step, as a report contains them: what an undo needs, and no secret. Pure.

Takes a step and its values; returns a `Written`. The forms are those of `reconciler.documents.values`. A reference to a
resource without a known address remains its SID.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from reconciler.address import Address
from reconciler.change import FieldChange, Step
from reconciler.config.model import Declared, Reference, Unknown
from reconciler.documents.values import Digests, Mask, ValueForms
from reconciler.json_text import Json
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.planning.diff import holds_secret, with_shown_urls
from reconciler.planning.plan import Plan
from reconciler.report import Written
from reconciler.state import Live

Values: TypeAlias = "Mapping[str, Content | Reference | Unknown]"
"""Values of a resource by field; `Unknown` for one that the API never returns."""
NEVER_RETURNED = Unknown("never returned by Twilio")


class StepValues:
    """Describes the values before and after the steps of one apply.

    Args:
        plan: the plan that is applied.
        resources: the declared resources, which say what is sensitive.
        mask: masks secrets of the configuration.
        digests: makes the digests of sensitive values.
    """

    def __init__(self, plan: Plan, resources: Mapping[Address, Declared], mask: Mask, digests: Digests) -> None:
        self._former = plan.execution.former
        self._successors = plan.execution.successors
        self._sids = plan.execution.sids
        self._addresses = {sid: address for address, sid in plan.execution.sids.items()}
        self._resources = resources
        self._mask = mask
        self._digests = digests

    def written(self, step: Step, before: Values | None, after: Values | None, *, parents: tuple[str, ...]) -> Written:
        """Describe what a step wrote.

        Args:
            step: the step.
            before: its fields before; None for a new resource, and for one that was never read.
            after: its fields afterwards; None for a deleted resource.
            parents: the SIDs above the resource, outermost first.
        """
        successor = self._successors.get(step.sid or "", step.address)
        declared = self._resources.get(step.address) or self._resources.get(successor)
        sides: list[dict[str, Json] | None] = [None if values is None else {} for values in (before, after)]
        value_forms = ValueForms(str(step.address), self._mask, self._digests, self._sids.get)
        for field in step.kind.fields:
            contents = [None if values is None else values.get(field.path) for values in (before, after)]
            forms = self._forms(value_forms, declared, field, contents[0], contents[1])
            sent = step.values.get(field.path)
            now = sent.address if isinstance(sent, Reference) else self._address_of(contents[1])
            for side, values, content, form, address in zip(
                sides, (before, after), contents, forms, (self._address_of(contents[0]), now), strict=True
            ):
                if side is not None and values is not None and field.path in values:
                    side[field.path] = _completed(field, content, form, address)
        return Written(str(step.address), step.kind.name, parents, *sides)

    def planned(self, step: Step) -> Written:
        """Describe what a step of unknown outcome may have written: the values that it sends.

        Args:
            step: the step.
        """
        former = self._former.get(step.id)
        after = None if step.op == "delete" else step.values
        before: Values | None = None
        if former is not None:
            paths = tuple(former.values) if after is None else (*after, *_dropped(step, former))
            before = {path: former.values.get(path, NEVER_RETURNED) for path in paths}
        parts = () if step.parent is None else step.parent.parts
        above = [Address(parts[:length]) for length in range(2, len(parts) + 1, 2)]
        parents = tuple(self._sids.get(address, address.parts[-1]) for address in above)
        return self.written(step, before, after, parents=parents)

    def _address_of(self, content: object) -> Address | None:
        return self._addresses.get(content) if isinstance(content, str) else None

    def _forms(
        self,
        value_forms: ValueForms,
        declared: Declared | None,
        field: Field,
        before: Content | Reference | Unknown,
        after: Content | Reference | Unknown,
    ) -> tuple[Json, Json]:
        if before is None and after is None:
            # Half of a new resource's fields; nothing needs masking.
            return None, None
        sensitive = field.secret or (declared is not None and declared.is_sensitive(field.path))
        item = FieldChange(
            field.path,
            before,
            after,
            sensitive=sensitive or holds_secret(field, before) or holds_secret(field, after),
        )
        entry = value_forms.field(with_shown_urls(item, declared, field))
        return entry.before, entry.after


def _dropped(step: Step, former: Live) -> Iterator[str]:
    """Yield the fields that do not fit to the values of an update, so that Twilio may drop them."""
    values = {path: content for path, content in former.values.items() if content is not None}
    sent = {path: content for path, content in step.values.items() if not isinstance(content, (Reference, Unknown))}
    for fault in step.kind.check({**values, **sent}):
        if fault.severity != "warning" and fault.path in values and fault.path not in step.values:
            yield fault.path


def _completed(field: Field, content: object, form: Json, address: Address | None) -> Json:
    """Add the address of the resource that a reference names by its SID, and show a URL of which nothing is masked."""
    if isinstance(form, dict) and isinstance(content, str) and form.get("shown") == content:
        return content
    if field.shape is not Shape.REF or not isinstance(content, str) or address is None:
        return form
    return {"ref": str(address), "sid": content}
