"""What loading tells, as short literals for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.config import load
from reconciler.config.layout import Layout
from reconciler.config.loading import load_with
from reconciler.config.model import Config
from reconciler.errors import ConfigError, Problem
from reconciler.kinds import BY_NAME
from tests.config.memory import MemorySources

# A fixed set of kinds, so that lists of known words in messages stay as they are when kinds are added.
LAYOUT = Layout.of(
    [
        BY_NAME[name]
        for name in (
            "account_configuration", "account_webhook", "service", "service_configuration", "service_notification",
            "service_webhook", "role", "address_configuration",
        )
    ]
)  # fmt: skip

Files = str | bytes | Mapping[str, str | bytes]


def sources(files: Files, env: Mapping[str, str] | None = None) -> MemorySources:
    """Files in memory; a single text is a root file without its first line, ``version: 1``."""
    if isinstance(files, str):
        files = {"reconciler.yaml": f"version: 1\n{files}"}
    elif isinstance(files, bytes):
        files = {"reconciler.yaml": files}
    return MemorySources(files, env)


def read(files: Files, env: Mapping[str, str] | None = None, **options: Any) -> Config:
    """A configuration that is right."""
    return load(sources(files, env), **options)


def problems_of(
    files: Files, env: Mapping[str, str] | None = None, layout: Layout | None = None, **options: Any
) -> tuple[Problem, ...]:
    """Every problem, in order."""
    defaults: dict[str, Any] = {
        "environment": "", "variables": {}, "overlays": (), "strict": False, "allow_unset": False,
    }  # fmt: skip
    try:
        return load_with(layout or LAYOUT, sources(files, env), **(defaults | options)).warnings
    except ConfigError as error:
        return error.problems


def told(files: Files, env: Mapping[str, str] | None = None, **options: Any) -> list[str]:
    """Every problem as ``line:column code: message``, with a file that is not the root, and the hint in brackets."""
    lines = []
    for problem in problems_of(files, env, **options):
        place = str(problem.place or "-").removeprefix("reconciler.yaml:")
        mark = "" if problem.severity == "error" else "warning "
        hint = f" ({problem.hint})" if problem.hint else ""
        lines.append(f"{place} {mark}{problem.code}: {problem.message}{hint}")
    return lines


def content(files: Files, address: str, path: str, env: Mapping[str, str] | None = None, **options: Any) -> Any:
    """The content of one field."""
    config = read(files, env, **options)
    return next(item for item in config.resources.values() if str(item.address) == address).values[path].content
