"""Compares two configurations, without an account.

Takes two `Inputs`; returns a `ComparisonFile`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler import config as config_package
from reconciler.config.sources import display_path
from reconciler.errors import ConfigError
from reconciler.sources.disk import DiskSources

if TYPE_CHECKING:
    from reconciler.config.model import Config
    from reconciler.documents.comparison import ComparisonFile, SidePart
    from reconciler.sources.git import GitSources
    from reconciler.workflow.inputs import Inputs


def compare(before: Inputs, after: Inputs) -> ComparisonFile:
    """Read two configurations, each from disk or from git, and compare them. Reads no environment variables.

    Args:
        before: The first, which takes the place of the account.
        after: The second.

    Raises:
        ConfigError: At least one of them is invalid. The error contains every problem of both.
        UsageError: A ref is not a commit, or there is no repository.
    """
    from reconciler.documents.comparison import comparison_document  # noqa: PLC0415 - see the package
    from reconciler.planning.comparison import compare as compare_configs  # noqa: PLC0415 - see the package

    sides: list[tuple[Config, SidePart]] = []
    errors: list[ConfigError] = []
    for inputs in (before, after):
        try:
            sides.append(_load(inputs))
        except ConfigError as error:
            errors.append(error)
    if errors:
        problems = dict.fromkeys(problem for error in errors for problem in error.problems)
        raise ConfigError(list(problems), {file: lines for error in errors for file, lines in error.lines.items()})
    (first, one), (second, other) = sides
    return comparison_document(compare_configs(first, second), one, other, tool_version=__version__)


def _load(inputs: Inputs) -> tuple[Config, SidePart]:
    """Load one of the two, and describe it."""
    from reconciler.documents.comparison import SidePart  # noqa: PLC0415 - see the package

    with _open_sources(inputs) as sources:
        config = config_package.load(
            sources,
            environment=inputs.environment,
            variables=inputs.variables,
            overlays=[sources.relative(overlay) for overlay in inputs.overlays],
            strict=inputs.strict,
            by_name=True,
        )
        name = f"{'git:' if inputs.ref else ''}{display_path(sources.root)}"
    name += f"@{inputs.environment}" if inputs.environment else ""
    return config, SidePart(
        name=name, account_sid=config.account_sid or "", env=config.environment, config_digest=config.digest
    )


@contextmanager
def _open_sources(inputs: Inputs) -> Iterator[DiskSources | GitSources]:
    if not inputs.ref:
        yield DiskSources(inputs.path, {})
        return
    from reconciler.sources.git import GitSources  # noqa: PLC0415 - see the package

    with GitSources(inputs.ref, inputs.path, from_top=inputs.from_top) as sources:
        yield sources
