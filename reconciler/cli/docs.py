"""``reconciler docs``: the guides that are part of the package."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from reconciler.cli import console
from reconciler.cli.exit_codes import DONE
from reconciler.cli.manual import Page

EPILOG = """\b
Examples:
  reconciler docs
  reconciler docs guide
  reconciler docs recipes > recipes.md"""

_FOLDER = Path(__file__).resolve().parents[1] / "docs"
_ORDER = ("guide", "recipes", "baseline", "cli", "troubleshooting", "api-coverage", "python")
"""The order of topics; others follow."""


def topics() -> Mapping[str, str]:
    """List the topics, each with the title of its page."""
    files = {file.stem: file for file in _FOLDER.glob("*.md")}
    names = [*(name for name in _ORDER if name in files), *sorted(files.keys() - set(_ORDER))]
    return {name: _title(files[name]) for name in names}


def _title(file: Path) -> str:
    with file.open(encoding="utf-8") as lines:
        return next((line.removeprefix("# ").strip() for line in lines if line.startswith("# ")), file.stem)


def _candidates(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    return [CompletionItem(name, help=title) for name, title in topics().items() if name.startswith(incomplete)]


@click.command(cls=Page, epilog=EPILOG)
@click.argument("topic", required=False, metavar="[TOPIC]", shell_complete=_candidates)
def docs(topic: str | None) -> int:
    """Show the documentation.

    TOPIC is the name of a page. Without it, lists the pages. In a terminal, the page is shown with the program in the
    environment variable PAGER; otherwise, its Markdown is written to standard output.
    """
    titles = topics()
    if topic is None:
        width = max(map(len, titles))
        console.out("".join(f"{name:<{width}}  {title}\n" for name, title in titles.items()))
        return DONE
    if topic not in titles:
        from reconciler.config.similar import closest  # noqa: PLC0415 - only for a wrong name

        meant = closest(topic, titles, cutoff=0.5)
        hint = f"Did you mean `reconciler docs {meant}`?" if meant else f"Available: {', '.join(titles)}"
        raise click.UsageError(f"no page {topic!r}. {hint}")
    text = (_FOLDER / f"{topic}.md").read_text(encoding="utf-8")
    if console.is_terminal(sys.stdout):
        click.echo_via_pager(text)
    else:
        console.out(text)
    return DONE
