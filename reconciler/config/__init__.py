"""Text -> Config: what the files say, typed, merged, interpolated and checked, with every problem told at once.

Takes `Sources`, the only way to files and environment variables; gives a `reconciler.config.model.Config` or raises
`ConfigError`. No I/O, nothing about the live account. `loading` tells the stages in order.
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
    now: datetime | None = None,
) -> Config:
    """Read a configuration.

    Args:
        sources: files and environment variables.
        environment: the environment to pick; empty for none.
        variables: variables of the command line, which win over all others.
        overlays: overlays of the command line, relative to the root file's folder, laid over those of the environment.
        strict: make errors of warnings.
        allow_unset: take environment variables, variables and secrets that are not set for unknown values.
        secrets_later: take secrets that are not set for unknown values; everything else has to be set.
        by_name: read nothing of the environment: what comes from it is unknown, and told by its name.
        now: the moment, with its zone, for what is valid for a time, such as certificates; when left out, nothing is
            said of that.

    Returns:
        The configuration, its warnings included.

    Raises:
        ConfigError: when anything is wrong; it carries every problem, warnings included, and the files' lines.
    """
    # Late, so that whoever only needs the model does not wait for the YAML parser.
    from reconciler.config.layout import standard_layout  # noqa: PLC0415 - see above
    from reconciler.config.loading import load_with  # noqa: PLC0415 - see above

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
        now=now,
    )


__all__ = ["load"]
