"""Reads and checks a configuration, offline.

Takes `Inputs`; returns a `Config`, or raises a `ConfigError` with every problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler import config as config_package
from reconciler.errors import ConfigError, Problem
from reconciler.redaction import texts_of
from reconciler.redaction.urls import hidden_parts
from reconciler.sources.disk import DiskSources
from reconciler.workflow.replacing import complete

if TYPE_CHECKING:
    from reconciler.config.model import Config
    from reconciler.config.sources import Sources
    from reconciler.workflow.inputs import Inputs


def validate(
    inputs: Inputs, environment: Mapping[str, str], *, secrets_later: bool = False, sources: Sources | None = None
) -> Config:
    """Read and check a configuration, offline.

    Args:
        inputs: The configuration.
        environment: Environment variables.
        secrets_later: Whether secrets may be unset, since only what an apply sends needs them.
        sources: Its files; those on the disk, at its path, if it is None.

    Raises:
        ConfigError: The configuration is invalid. The error contains every problem.
        JournalError: An interrupted `reconciler accept` cannot be completed.
    """
    disk = DiskSources(inputs.path, environment)
    sources = sources or disk
    complete(Path(sources.root).parent)
    return config_package.load(
        sources,
        environment=inputs.environment,
        variables=inputs.variables,
        overlays=[disk.relative(overlay) for overlay in inputs.overlays],
        strict=inputs.strict,
        allow_unset=inputs.allow_unset,
        secrets_later=secrets_later,
        now=datetime.now(UTC),
    )


def validate_all(inputs: Inputs, environment: Mapping[str, str]) -> tuple[Config, ...]:
    """Read and check a configuration for each environment it defines, or once if it defines none; offline.

    Args:
        inputs: The configuration. Its environment is ignored.
        environment: Environment variables.

    Raises:
        ConfigError: The configuration is invalid in at least one environment. A problem of only some environments
            names them.
    """
    from reconciler.config.outline import outline  # noqa: PLC0415 - see the package

    sources = DiskSources(inputs.path, environment)
    names = sorted(outline(sources).environments) or [""]
    configs: list[Config] = []
    problems: dict[str, Sequence[Problem]] = {}
    lines: dict[str, tuple[str, ...]] = {}
    for name in names:
        try:
            config = validate(replace(inputs, environment=name), environment)
        except ConfigError as error:
            problems[name] = error.problems
            lines |= error.lines
        else:
            configs.append(config)
            problems[name] = config.warnings
            lines |= config.lines
    merged = _merge_problems(problems)
    if len(configs) < len(names):
        raise ConfigError(merged, lines)
    return tuple(replace(config, warnings=tuple(merged)) for config in configs)


def _merge_problems(problems: Mapping[str, Sequence[Problem]]) -> list[Problem]:
    """List each problem once, with the names of the environments that have it unless all of them do."""
    environments: dict[Problem, list[str]] = {}
    for name, own in problems.items():
        for problem in dict.fromkeys(own):
            environments.setdefault(problem, []).append(name)
    merged = [
        problem
        if len(names) == len(problems)
        else replace(problem, message=f"{problem.message} (in {', '.join(names)})")
        for problem, names in environments.items()
    ]
    return sorted(merged, key=Problem.sort_key)


@dataclass(frozen=True, slots=True)
class Source:
    """Where the configuration is in git.

    Attributes:
        commit: The commit that is checked out; empty without a repository.
        root: The root file, relative to the top of the repository.
        top: The top folder of the repository.
    """

    commit: str = ""
    root: str = ""
    top: str = ""


def current_source(inputs: Inputs, environment: Mapping[str, str]) -> Source:
    """Return where the configuration is in git; nothing if it is in no repository, or has no commit."""
    from reconciler.sources.git_process import checked_out  # noqa: PLC0415 - needed only by applies

    root = Path(DiskSources(inputs.path, environment).root)
    found = checked_out(str(root.parent), environment)
    return Source(found.commit, found.prefix + root.name, found.top) if found.top else Source(found.commit)


def other_root(root: str, inputs: Inputs, environment: Mapping[str, str]) -> Source | None:
    """Return where the configuration is in git if it is not at a root file that still exists; a root file may move.

    Args:
        root: That root file, relative to the top of the repository; empty if it was in none.
        inputs: Where the configuration is.
        environment: Environment variables.
    """
    source = current_source(inputs, environment) if root else Source("")
    is_other = source.root not in {"", root} and Path(source.top, root).is_file()
    return source if is_other else None


def hidden_texts(config: Config) -> Iterator[str]:
    """Yield every text of the configuration that may not be shown; of a URL, only its secret parts."""
    yield from config.secrets
    for declared in config.resources.values():
        for path, value in declared.values.items():
            if declared.is_sensitive(path):
                shown = "" if path in declared.sensitive else value.shown
                for text in texts_of(value.content):
                    yield from hidden_parts(text, shown)
