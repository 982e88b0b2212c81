"""Text -> Config: the configuration, typed, merged, interpolated, and checked.

Takes `Sources`, which all files and environment variables come from; returns a `reconciler.config.model.Config` or
raises `ConfigError` with every problem at once. No I/O, no knowledge of the live account. `loading` lists the stages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.config.model import Config
    from reconciler.config.sources import Sources

_NONE: Mapping[str, str] = MappingProxyType({})


def load(
    sources: Sources,
    *,
    environment: str = "",
    variables: Mapping[str, str] = _NONE,
    overlays: Sequence[str] = (),
    strict: bool = False,
    allow_unset: bool = False,
    by_name: bool = False,
    secrets_later: bool = False,
    unknown: frozenset[str] = frozenset(),
    now: datetime | None = None,
) -> Config:
    """Load a configuration.

    Args:
        sources: The files and environment variables.
        environment: The environment to select; empty for none.
        variables: The variables of the command line, which take precedence over all others.
        overlays: The overlays of the command line, relative to the root file's folder; merged after those of the
            environment.
        strict: Whether warnings are errors.
        allow_unset: Whether unset environment variables, variables, and secrets are unknown values instead of errors.
        secrets_later: Whether unset secrets are unknown values; anything else that is unset is an error.
        by_name: Whether nothing is read from the environment; values from it are unknown and identified by name.
        unknown: Values from outside, as ``env:NAME``, ``secret:NAME``, ``file:PATH``, or ``var:NAME``, that count as
            unset whatever their defaults; with `allow_unset`.
        now: The current time, with its zone, for values that expire, such as certificates; None to skip these checks.

    Returns:
        The configuration, with its warnings.

    Raises:
        ConfigError: The configuration is invalid. It carries every problem, warnings included, and the files' lines.
    """
    # Imported here, so that users of the model alone do not wait for the YAML parser.
    from reconciler.config.collector import collector_paused  # noqa: PLC0415 - see above
    from reconciler.config.layout import standard_layout  # noqa: PLC0415 - see above
    from reconciler.config.loading import load_with  # noqa: PLC0415 - see above

    # Loading creates about fifty objects for each resource. Searching them for cycles took half of the time.
    with collector_paused():
        return load_with(
            standard_layout(),
            sources,
            environment=environment,
            variables=variables,
            overlays=overlays,
            strict=strict,
            allow_unset=allow_unset or by_name,
            by_name=by_name,
            secrets_later=secrets_later,
            unknown=unknown,
            now=now,
        )


__all__ = ["load"]
