"""What a change starts from: a live resource of an account, or what the first of two configurations declares."""

from __future__ import annotations

from typing import Protocol

from reconciler.kinds.base import Kind
from reconciler.kinds.hooks import PartialValues


class Subject(Protocol):
    """A resource before a change, as risk and guards judge it. `reconciler.state.Live` is one."""

    @property
    def kind(self) -> Kind:
        """Its kind."""

    @property
    def sid(self) -> str:
        """Its SID; empty if it is not known."""

    @property
    def values(self) -> PartialValues:
        """Its values by field path, as far as they are known."""

    @property
    def name(self) -> str:
        """Its natural key as text; empty for singletons."""

    @property
    def title(self) -> str:
        """Its natural key as it may be shown."""

    @property
    def is_built_in(self) -> bool:
        """Whether Twilio makes it in every service."""
