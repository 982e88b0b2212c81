"""Which kinds refer to which, derived from the `Ref` markers of their fields."""

from __future__ import annotations

from reconciler.kinds import BY_NAME, KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Field
from reconciler.kinds.markers import Ref
from reconciler.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Use:
    """A field whose value is a reference.

    Attributes:
        kind: The kind that has the field.
        field: The field.
        ref: Its marker.
    """

    kind: Kind
    field: Field
    ref: Ref


@KINDS.derived
def uses_of(kind: Kind) -> tuple[Use, ...]:
    """Return every field that refers to resources of a kind."""
    return tuple(
        Use(other, field, ref)
        for other in KINDS
        for field in other.fields
        if (ref := field.marker(Ref)) is not None and ref.kind == kind.name
    )


@KINDS.derived
def defaults_of(kind: Kind) -> tuple[Use, ...]:
    """Return the fields of singletons beside a kind that choose one of its resources as a default.

    Such a resource is not deleted, and other resources get it if nothing else is set.
    """
    return tuple(use for use in uses_of(kind) if use.kind.singleton and use.kind.parent == kind.parent)


@KINDS.derived
def default_kinds_of(kind: Kind) -> tuple[Kind, ...]:
    """Return the singletons beside a kind that choose defaults among its resources."""
    return tuple(dict.fromkeys(use.kind for use in defaults_of(kind)))


@KINDS.derived
def account_default_of(kind: Kind) -> Use | None:
    """Return the account's field that `sid: default` of a kind stands for; None if the kind has no account default."""
    return next((use for use in defaults_of(kind) if use.kind.parent is None), None)


@KINDS.derived
def holdings_of(kind: Kind) -> tuple[Use, ...]:
    """Return the fields by which resources hold one of a kind, as users and participants hold a role.

    They are references of resources that exist in any number and get a default if nothing is set.
    """
    return tuple(use for use in uses_of(kind) if not use.kind.singleton and use.ref.default)


def is_held(kind: Kind) -> bool:
    """Return whether other resources hold those of a kind, so that deleting one affects the holders."""
    return bool(holdings_of(kind))


@KINDS.derived
def holding_beside() -> Use:
    """Return the field by which resources beside the held kind hold one: the role of a user."""
    return next(use for kind in KINDS for use in holdings_of(kind) if use.kind.parent == kind.parent)


@KINDS.derived
def holding_below() -> Use:
    """Return the field by which resources one level below the held kind hold one: the role of a participant."""
    return next(use for kind in KINDS for use in holdings_of(kind) if use.kind.parent != kind.parent)


@KINDS.derived
def destinations_of(kind: Kind) -> tuple[Use, ...]:
    """Return the fields by which resources direct traffic into one of a kind, as addresses do into a service."""
    return tuple(use for use in uses_of(kind) if not use.kind.singleton and not use.ref.default)


def defaults_kind_of(kind: Kind) -> Kind:
    """Return the one singleton that chooses defaults among the resources of a held kind."""
    (chooser,) = default_kinds_of(kind)
    return chooser


@KINDS.derived
def chooses_held(kind: Kind) -> bool:
    """Return whether a kind is the singleton that chooses defaults among held resources, such as roles."""
    return any(kind in default_kinds_of(held) for held in KINDS if is_held(held))


@KINDS.derived
def account_defaults() -> frozenset[tuple[str, str]]:
    """Return the fields that choose a default for the account: their kinds' names and their paths."""
    defaults = (account_default_of(kind) for kind in KINDS)
    return frozenset((use.kind.name, use.field.path) for use in defaults if use is not None)


@KINDS.derived
def implied_kinds() -> frozenset[str]:
    """Return the names of the kinds whose resources Twilio creates along with those of another kind, by natural key."""
    return frozenset(name for kind in KINDS for name in kind.implies.values())


@KINDS.derived
def settings_of(kind: Kind | None) -> tuple[Kind, ...]:
    """Return the singletons directly inside a kind, or those of the account for None."""
    return tuple(other for other in KINDS if other.singleton and other.parent == (kind.name if kind else None))


@KINDS.derived
def depth(kind: Kind) -> int:
    """Return how many resources contain one of a kind."""
    return 0 if kind.parent is None else 1 + depth(BY_NAME[kind.parent])


@KINDS.derived
def kinds_within(kind: Kind) -> tuple[Kind, ...]:
    """Return a kind and every kind inside it, outer before inner."""
    return (kind, *(inner for other in KINDS if other.parent == kind.name for inner in kinds_within(other)))


@KINDS.derived
def long_collections() -> dict[str, tuple[Kind, ...]]:
    """Return the collections that an export reads only on request, with the kinds inside, by section key."""
    return {
        kind.section[-1]: kinds_within(kind)
        for kind in KINDS
        if kind.is_traffic and not (kind.parent is not None and BY_NAME[kind.parent].is_traffic)
    }
