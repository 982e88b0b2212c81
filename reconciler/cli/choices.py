"""A choice of words, for options and arguments, that names the near miss of a wrong word."""

from __future__ import annotations

import click


class Choices(click.Choice[str]):
    """One of several words."""

    def get_invalid_choice_message(self, value: str, ctx: click.Context | None) -> str:
        """Return click's message, with the word that was probably meant."""
        from reconciler.config.similar import closest  # noqa: PLC0415 - only for a wrong word

        meant = closest(value, map(str, self.choices), cutoff=0.5)
        message = super().get_invalid_choice_message(value, ctx)
        return f"{message} Did you mean {meant}?" if meant else message
