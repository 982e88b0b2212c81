"""``reconciler docs``: the pages that are part of the package."""

from __future__ import annotations

import posixpath
import sys
from collections.abc import Mapping
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from reconciler.cli import console
from reconciler.cli.exit_codes import DONE
from reconciler.cli.manual import Page
from reconciler.lazy_dataclass import dataclass

EPILOG = """\b
Examples:
  reconciler docs
  reconciler docs guide
  reconciler docs recipes > recipes.md"""

_PACKAGE = Path(__file__).resolve().parents[1]
_WIDEST = 100
"""The most columns of a page: longer lines are hard to read."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A page.

    Attributes:
        path: The path of the page in the repository, from which its links start.
        content: What the page covers.
        packaged: The path in the package, if the package was built and it is another one.
    """

    path: str
    content: str
    packaged: str = ""

    def read(self) -> str:
        """Return the Markdown of the page."""
        packaged = _PACKAGE / self.packaged
        file = packaged if packaged.is_file() else _PACKAGE.parent / self.path
        return file.read_text(encoding="utf-8")


TOPICS: Mapping[str, Topic] = {
    "guide": Topic("reconciler/docs/guide.md", "Configuration, matching, deletes, approvals, secrets, CI"),
    "recipes": Topic(
        "reconciler/docs/recipes.md", "Rename, delete, rotate, environments, existing accounts, Terraform"
    ),
    "baseline": Topic("reconciler/docs/baseline.md", "The ledger: removal, conflicts, locks"),
    "troubleshooting": Topic(
        "reconciler/docs/troubleshooting.md", "Problem codes, exit codes, guards, failed requests"
    ),
    "cli": Topic("reconciler/docs/cli.md", "Every command with its options"),
    "reference": Topic("schemas/README.md", "Every key and field of the configuration", "docs/reference.md"),
    "emulator": Topic("reconciler/emulator/README.md", "The emulated account, its server, and faults"),
    "python": Topic("reconciler/docs/python.md", "The Python API, and the pytest plugin"),
    "api-coverage": Topic("reconciler/docs/api-coverage.md", "Twilio's API, path by path"),
}
"""The pages by topic, in the order in which they are listed."""


def _candidates(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    return [CompletionItem(name, help=topic.content) for name, topic in TOPICS.items() if name.startswith(incomplete)]


@click.command(cls=Page, epilog=EPILOG)
@click.argument("topic", required=False, metavar="[TOPIC]", shell_complete=_candidates)
def docs(topic: str | None) -> int:
    """Show the documentation.

    TOPIC is the name of a page. Without it, lists the pages. In a terminal, the page is filled to its width and shown
    with the program in the environment variable PAGER; otherwise, its Markdown is written to standard output.
    """
    if topic is None:
        width = max(map(len, TOPICS))
        listed = "".join(f"{name:<{width}}  {found.content}\n" for name, found in TOPICS.items())
        console.out(f"{listed}\nTo read a page: reconciler docs TOPIC\n")
        return DONE
    if topic not in TOPICS:
        from reconciler.config.similar import closest  # noqa: PLC0415 - only for a wrong name

        meant = closest(topic, TOPICS, cutoff=0.5)
        hint = f"Did you mean `reconciler docs {meant}`?" if meant else f"Available: {', '.join(TOPICS)}"
        raise click.UsageError(f"no page {topic!r}. {hint}")
    page = TOPICS[topic]
    if not console.is_terminal(sys.stdout):
        console.out(page.read())
        return DONE
    from reconciler.render.markdown_page import page_text  # noqa: PLC0415 - only for a terminal

    width = min(console.width_of(sys.stdout), _WIDEST)
    colour = console.takes_colour(sys.stdout)
    click.echo_via_pager(page_text(page.read(), lambda target: _way(page, target), colour=colour, width=width))
    return DONE


def _way(page: Topic, target: str) -> str:
    """Return how to follow a link of a page in a terminal; empty for a link to the page itself.

    Args:
        page: The page.
        target: Where the link leads, relative to the page, or a URL.
    """
    path, _, _ = target.partition("#")
    if not path or "://" in path:
        return path
    found = posixpath.normpath(posixpath.join(posixpath.dirname(page.path), path))
    name = next((name for name, topic in TOPICS.items() if topic.path == found), "")
    return f"`reconciler docs {name}`" if name else f"{found} in the repository"
