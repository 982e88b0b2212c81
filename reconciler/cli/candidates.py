"""Candidates of options and arguments for shell completion, from the configuration and never from the network.

Takes the words typed so far; returns candidates. Fast and silent: an error only means fewer candidates. Nothing is
interpolated, so no value of the configuration, let alone a secret, is ever offered.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from reconciler.address import Address
    from reconciler.config.outline import Outline
    from reconciler.kinds.base import Kind

MOST = 200
"""The maximum number of addresses offered; if there are more, only those nearest to the top."""
MOST_BYTES = 2_000_000
"""The maximum number of bytes of files that are read: a second of CPU time. Larger files are not searched."""
YAML, FILE, FOLDER = "yaml", "file", "dir"
"""Types of candidates that shells find themselves."""


def yaml_files(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Complete YAML files, and folders."""
    return [CompletionItem(incomplete, type=YAML)]


def files(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Complete any file."""
    return [CompletionItem(incomplete, type=FILE)]


def folders(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Complete folders."""
    return [CompletionItem(incomplete, type=FOLDER)]


def environments(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Complete the environments that the configuration defines."""
    found = _outline(context, environment="")
    return _named(found.environments if found else (), incomplete)


def profiles(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Complete the names of the Twilio CLI's profiles; nothing else in that file is offered."""
    try:
        folder = os.environ.get("TWILIO_CONFIG_DIR")
        file = (Path(folder) if folder else Path.home() / ".twilio-cli") / "config.json"
        content = json.loads(file.read_text(encoding="utf-8-sig"))
        names = list(content["profiles"])
    except (OSError, ValueError, TypeError, KeyError, RuntimeError):
        return []
    return _named((name for name in names if isinstance(name, str)), incomplete)


def addresses(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Complete the addresses of all declared resources."""
    return _addresses(context, incomplete, lambda _: True)


def destructible(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Complete resources whose delete destroys history and so requires approval."""
    return _addresses(context, incomplete, lambda kind: bool(kind.destroys))


def rotatable(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    """Complete resources with write-only values."""
    return _addresses(context, incomplete, lambda kind: any(field.write_only for field in kind.fields))


def _addresses(context: click.Context, incomplete: str, counts: Callable[[Kind], bool]) -> list[CompletionItem[str]]:
    found = _outline(context)
    if found is None:
        return []
    texts = {
        str(address): address
        for address, kind in found.resources.items()
        if counts(kind) and str(address).startswith(incomplete)
    }
    return _named(_nearest(texts), incomplete)


def _named(names: Iterable[str], incomplete: str) -> list[CompletionItem[str]]:
    """Keep the names with this prefix, but none with control characters, which would reach the terminal."""
    return [CompletionItem(name) for name in names if name.startswith(incomplete) and name.isprintable()]


def _nearest(texts: dict[str, Address]) -> Iterable[str]:
    """Return all addresses, or as many whole levels from the top as fit into `MOST`; at least one level."""
    if len(texts) <= MOST:
        return texts
    depths = sorted({len(address.parts) for address in texts.values()})
    chosen = [text for text, address in texts.items() if len(address.parts) <= depths[0]]
    for depth in depths[1:]:
        more = [text for text, address in texts.items() if len(address.parts) <= depth]
        if len(more) > MOST:
            break
        chosen = more
    return chosen


def _given(context: click.Context) -> dict[str, object]:
    """Return the parameters of the line so far, without an option that has no value yet.

    click parses no argument of a line that ends in such an option. `context.obj` has all of its words.
    """
    words = list(context.obj or ())
    if not words or not words[-1].startswith("-"):
        return context.params
    # The first word is the command: no command in a group reads a configuration.
    with context.command.make_context(
        context.info_name, words[1:-1], parent=context.parent, resilient_parsing=True
    ) as parsed:
        return parsed.params


def _outline(context: click.Context, environment: str | None = None) -> Outline | None:
    """Return the names in the configuration of the line so far; None if it cannot be read."""
    from reconciler.config.outline import outline  # noqa: PLC0415 - only these candidates read files
    from reconciler.sources.disk import DiskSources  # noqa: PLC0415 - see above

    try:
        given = _given(context)
        sources = DiskSources(str(given.get("path") or given.get("out") or "."), {}, most_bytes=MOST_BYTES)
        named = given.get("overlay")
        overlays = [sources.relative(str(overlay)) for overlay in named] if isinstance(named, tuple) else []
        chosen = str(given.get("env") or "") if environment is None else environment
        return outline(sources, environment=chosen, overlays=overlays)
    except Exception:  # noqa: BLE001 - a shell that waits for candidates cannot show errors
        return None
