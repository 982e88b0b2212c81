"""Results of the functions that a kind provides, and their defaults for kinds without any.

Each function takes values of a resource by field path and does no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, TypeAlias

from reconciler.kinds.fields import Content
from reconciler.kinds.markers import Risk
from reconciler.lazy_dataclass import dataclass

Values: TypeAlias = Mapping[str, Content]
"""Values of a resource by field path."""
PartialValues: TypeAlias = Mapping[str, object]
"""Values by field path, in which a value that is unknown until apply is an object of a type of its own."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem with the values of a resource that only its kind can detect.

    Attributes:
        path: The field; empty if it concerns the whole resource.
        message: One sentence that says what is wrong; it never contains a part of a secret.
        hint: How to fix it.
        severity: Whether the resource is invalid or only suspicious.
        code: A stable identifier for programs.
        is_ineffective: Whether the API does not reject the field's value, but drops it.
    """

    path: str
    message: str
    hint: str = ""
    severity: Literal["error", "warning"] = "error"
    code: str = "inconsistent"
    is_ineffective: bool = False


@dataclass(frozen=True, slots=True)
class Consequence:
    """An effect of a change that no single field expresses (`OnChange` does that for fields).

    Attributes:
        risk: How carefully a reviewer should look.
        sentence: What happens, as a complete sentence.
    """

    risk: Risk
    sentence: str


def no_faults(_values: PartialValues) -> tuple[Fault, ...]:
    """Find no problems."""
    return ()


def no_inspection(_values: PartialValues, _now: datetime | None) -> tuple[Fault, ...]:
    """Find no problems inside values."""
    return ()


def derive_nothing(_values: PartialValues) -> Values:
    """Derive no values."""
    return {}


def as_returned(live: Values) -> Values:
    """Return live values unchanged."""
    return live


def divert_nothing(_live: PartialValues) -> str:
    """Receive no messages that a delete could divert."""
    return ""


def never_tolerated(_path: str, _desired: object, _live: Content) -> bool:
    """Treat every difference as a difference."""
    return False


def no_consequences(_before: PartialValues | None, _after: PartialValues | None, _name: str) -> tuple[Consequence, ...]:
    """Report no consequences."""
    return ()


def no_interruption(_before: PartialValues, _after: PartialValues, _name: str) -> tuple[Consequence, ...]:
    """Report no effects between the delete and the create of a replace."""
    return ()


def never_final(_live: PartialValues) -> str:
    """Accept updates in every state."""
    return ""
