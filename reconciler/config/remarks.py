"""Remarks on a value: code, message, and hint, without a place. Imports nothing."""

from __future__ import annotations

from typing import NamedTuple


class Remark(NamedTuple):
    """A remark on a value.

    Attributes:
        code: The problem's code.
        message: What is wrong.
        hint: How to fix it.
    """

    code: str
    message: str
    hint: str = ""
