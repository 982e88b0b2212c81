"""What there is to say about a value: a code, a message, and a hint, without a place. Imports nothing."""

from __future__ import annotations

from typing import NamedTuple


class Remark(NamedTuple):
    """What there is to say about a value.

    Attributes:
        code: the problem's code.
        message: what is wrong.
        hint: how to fix it.
    """

    code: str
    message: str
    hint: str = ""
