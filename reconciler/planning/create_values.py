"""Collects the values that a create sends: declared, derived, and carried over from the replaced resource.

Takes a `PlanContext`, a declared resource, and the values of a former one; returns `CreateValues` with a problem for
each value that the API would reject, and the field changes that show them. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from reconciler.change import FieldChange
from reconciler.config.model import Declared, Reference, Unknown, Value
from reconciler.errors import Place, Problem
from reconciler.journal import UnfinishedReplace
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.kinds.hooks import Fault
from reconciler.kinds.markers import Ref, Vocabulary
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.context import PlanContext
from reconciler.planning.diff import holds_secret
from reconciler.planning.steps import is_empty, plain, problems_of
from reconciler.state import Live


@dataclass(frozen=True, slots=True)
class CreateValues:
    """The values that a create sends.

    Attributes:
        values: by field path. Empty values are included only if declared: the API's default is most likely empty.
        carried: paths of the values that come from the former resource.
        problems: values that the API would reject.
    """

    values: Mapping[str, Content | Reference | Unknown]
    carried: tuple[str, ...]
    problems: tuple[Problem, ...]


def values_for_create(
    context: PlanContext, declared: Declared, former: Mapping[str, Content], saved: UnfinishedReplace | None = None
) -> CreateValues:
    """Collect the values that a create has to send.

    Args:
        context: configuration and account.
        declared: the resource to create.
        former: the values of the resource that the new one replaces; empty if there is none.
        saved: what a journal saved, which the former values come from.
    """
    values: dict[str, Content | Reference | Unknown] = dict(declared.derived)
    values.update({path: value.content for path, value in declared.values.items()})
    carried = {
        path: _redirected(context, declared.kind.by_path[path], content)
        for path, content in former.items()
        # An ignored field keeps its live value; a write-only one has none to keep.
        if path not in declared.values or path in declared.lifecycle.ignore_changes
        if not declared.kind.by_path[path].write_only
    }
    values.update(carried)
    problems: list[Problem] = []
    for path in _unfit_paths(declared, values, carried):
        problems += _cannot_carry(declared, path)
        del values[path], carried[path]
        if path in declared.values:
            values[path] = declared.values[path].content
    sent = {
        field.path: values[field.path]
        for field in declared.kind.fields
        if field.path in values
        if not is_empty(field, values[field.path]) or (field.path in declared.values and field.path not in carried)
    }
    problems += _check(declared, sent, saved)
    return CreateValues(sent, tuple(path for path in sent if path in carried), tuple(problems))


def field_changes_of_create(
    context: PlanContext,
    declared: Declared,
    create: CreateValues,
    live: Live | None,
    saved: UnfinishedReplace | None = None,
) -> tuple[FieldChange, ...]:
    """Build one field change for each value that a create sends.

    Args:
        context: configuration and account.
        declared: the resource to create.
        create: what the create sends.
        live: the resource that the new one replaces; None if there is none.
        saved: what a journal saved, which the carried values come from.
    """
    return tuple(
        _field_change(context, declared, field, create, live=live, saved=saved)
        for field in declared.kind.fields
        if field.path in create.values
        if not is_empty(field, create.values[field.path]) or field.shape is Shape.BOOL
    )


def _field_change(
    context: PlanContext,
    declared: Declared,
    field: Field,
    create: CreateValues,
    *,
    live: Live | None,
    saved: UnfinishedReplace | None,
) -> FieldChange:
    is_carried = field.path in create.carried
    value: Value | None = None if is_carried else declared.values.get(field.path)
    before = live.values.get(field.path) if live is not None else None
    content = create.values[field.path]
    if field.shape is Shape.BOOL and content is None:
        content = False
    source = value.place if value is not None else None
    if is_carried and saved is not None:
        source = Place(saved.source, via="saved by an interrupted apply")
    return FieldChange(
        path=field.path,
        before=before,
        after=content,
        before_name=context.naming.of_sid(before) if isinstance(before, str) else "",
        sensitive=declared.is_sensitive(field.path)
        or holds_secret(field, content)
        or holds_secret(field, before)
        or (saved is not None and is_carried and field.path in saved.sensitive),
        secrets=value.secrets if value is not None else (),
        forces_replacement=live is not None
        and field.forces_replacement
        and bool(field.comparable(content) != field.comparable(before)),
        source=source,
    )


def _redirected(context: PlanContext, field: Field, content: Content) -> Content | Reference:
    """Return a content, with a reference to a resource that is also replaced pointing to the new one."""
    reference = field.marker(Ref)
    address = context.successor(content) if isinstance(content, str) else None
    if reference is None or address is None:
        return content
    return Reference(address, reference.kind)


def _unfit_paths(
    declared: Declared,
    values: Mapping[str, Content | Reference | Unknown],
    carried: Mapping[str, Content | Reference],
) -> list[str]:
    """Find the live values that the new resource cannot have along with its declared ones.

    Examples: the settings of another target or type (a trigger has no filters), and the permissions of a role of
    another type.

    Args:
        declared: the declared resource.
        values: the values that the create would send.
        carried: those of the values that come from the live resource.
    """
    contents = {path: plain(content) for path, content in values.items()}
    wrong = {fault.path for fault in declared.kind.check(contents) if fault.severity == "error"}
    return [
        path
        for path, content in carried.items()
        if path in wrong or _is_of_other_type(declared.kind.by_path[path], content, contents.get("type"))
    ]


def _cannot_carry(declared: Declared, path: str) -> list[Problem]:
    value = declared.values.get(path)
    if value is None:
        return []
    return [
        Problem(
            "cannot-carry",
            f"{declared.address} must be replaced, but its live {path}, which ignore_changes keeps, is not valid for "
            "the new one",
            value.place,
            f"Remove {path} from ignore_changes to give the new {declared.kind.noun} the declared value.",
            address=str(declared.address),
        )
    ]


def _check(
    declared: Declared, values: Mapping[str, Content | Reference | Unknown], saved: UnfinishedReplace | None
) -> list[Problem]:
    """Report the required values that a create lacks."""
    if declared.pin is not None:
        return []  # the pin matches nothing, which is reported elsewhere
    missing = [
        Fault("", f"{declared.address} is not in the account and cannot be created without `{field.path}`", "Add it.")
        for field in declared.kind.fields
        if field.required and is_empty(field, values.get(field.path))
    ]
    faults = [*missing, *declared.kind.check_create({path: plain(content) for path, content in values.items()})]
    if saved is not None and saved.lost:
        lost = ", ".join(saved.lost)
        hint = (
            f"An interrupted apply deleted a resource with {lost}, which is sensitive, so {saved.source} does not "
            "contain it. Run this command in the folder that contains that apply's .reconciler/, or set it in the "
            "configuration."
        )
        faults = [replace(fault, hint=hint) for fault in faults]
    return problems_of(declared, faults)


def _is_of_other_type(field: Field, content: object, chosen: object) -> bool:
    """Whether a set has words that are valid only for a type other than the chosen one; Twilio may add words to any."""
    vocabulary = field.marker(Vocabulary)
    if vocabulary is None or not isinstance(content, tuple) or not isinstance(chosen, str):
        return False
    own = vocabulary.by_type.get(chosen)
    return own is not None and any(
        word not in own and any(word in words for words in vocabulary.by_type.values()) for word in content
    )
