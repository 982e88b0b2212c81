"""Choices of words, which name the near miss of a wrong word: for options, arguments, and `--format`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


class Choices(click.Choice[str]):
    """One of several words."""

    def get_invalid_choice_message(self, value: str, ctx: click.Context | None) -> str:
        """Return click's message, with the word that was probably meant."""
        from reconciler.config.similar import closest  # noqa: PLC0415 - only for a wrong word

        meant = closest(value, map(str, self.choices), cutoff=0.5)
        message = super().get_invalid_choice_message(value, ctx)
        return f"{message} Did you mean {meant}?" if meant else message


def format_option(
    *formats: str, help_text: str = "The format of standard output."
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add ``--format``; the command gets ``format_name``.

    Args:
        formats: The formats; the first one is the default.
        help_text: The description of the option.
    """
    return click.option(
        "--format", "format_name", type=Choices(formats), default=formats[0], show_default=True, help=help_text
    )
