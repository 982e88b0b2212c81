"""The resources of the first of two configurations, as what the changes of a comparison start from.

Takes declared resources; gives a `Subject` for each, which has a SID only if the configuration pins it. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.config.model import Declared, Reference, Unknown
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.comparison_fields import NOT_NAMED, is_hidden
from reconciler.planning.pairing import as_written
from reconciler.redaction import HIDDEN


@dataclass(frozen=True, slots=True)
class DeclaredSubject:
    """A resource as a configuration declares it, or a singleton that it does not declare.

    Attributes:
        kind: its kind.
        values: the declared values by field path, unknown ones as they are written. All other fields of a singleton
            have a value that the configuration does not name.
        declared: how it is declared; None if it is not.
    """

    kind: Kind
    values: Mapping[str, Content | Reference | Unknown]
    declared: Declared | None = None

    @property
    def sid(self) -> str:
        """The SID that it is pinned to; empty for none."""
        return pinned_sid(self.declared) if self.declared is not None else ""

    @property
    def name(self) -> str:
        """Return its natural key, unknown parts as they are written; to compare, not to show."""
        return self.kind.name_of(self.values)

    @property
    def title(self) -> str:
        """Return its natural key as it may be shown."""
        declared = self.declared
        if declared is None:
            return self.name
        fields = ((self.kind.by_path[path], value) for path, value in declared.values.items())
        hidden = {field.path: HIDDEN for field, value in fields if is_hidden(declared, field, value)}
        return self.kind.name_of({**self.values, **hidden})

    @property
    def is_built_in(self) -> bool:
        """Whether Twilio makes it in every service."""
        return self.kind.is_built_in(self.values)


def declared_subject(item: Declared) -> DeclaredSubject:
    """Describe a declared resource as it is if the account matches the configuration."""
    kind = item.kind
    values: dict[str, Content | Reference | Unknown] = {
        field.path: NOT_NAMED for field in kind.fields if kind.singleton and not field.write_only
    }
    values |= item.derived
    values |= {path: as_written(kind.by_path[path], value.content) for path, value in item.values.items()}
    return DeclaredSubject(kind, values, item)


def undeclared_singleton(kind: Kind) -> DeclaredSubject:
    """Describe a singleton that a configuration does not declare: it exists, with values that are not named."""
    return DeclaredSubject(kind, dict.fromkeys(kind.by_path, NOT_NAMED))


def pinned_sid(item: Declared) -> str:
    """Return the SID that a resource is pinned to; empty for none, and for the account's default service."""
    return item.pin if item.pin and item.pin != "default" else ""


def name_of(item: Declared) -> str:
    """Return the natural key with unknown parts as they are written; to compare, not to show."""
    return declared_subject(item).name


def title_of(item: Declared) -> str:
    """Return the natural key as it may be shown."""
    return declared_subject(item).title
