"""``reconciler schema``."""

from __future__ import annotations

import click

from reconciler.cli import console
from reconciler.cli.choices import Choices
from reconciler.cli.exit_codes import DONE
from reconciler.cli.manual import Page

EPILOG = """\b
Examples:
  reconciler schema > .reconciler/config.schema.json
  reconciler schema overlay > .reconciler/overlay.schema.json
  reconciler schema plan

\b
To let editors check a file, start it with this line:
  # yaml-language-server: $schema=.reconciler/config.schema.json"""


NAMES = (
    "config", "overlay", "plan", "report", "drift", "drift-log", "diff", "accept", "sids", "ledger", "history",
    "validation", "error",
)  # fmt: skip


@click.command(cls=Page, epilog=EPILOG)
@click.argument("name", metavar="[NAME]", type=Choices(NAMES), default="config")
def schema(name: str) -> int:
    """Print the JSON Schema of configuration files, or of a document that --format json prints.

    NAME is config (the default), overlay, plan, report, drift, drift-log, diff, accept, sids, ledger, history,
    validation, or error. The first two are for editors; `reconciler validate` checks more than they can. The schema of
    overlays also accepts `!unset`.
    """
    from reconciler import schema as schemas  # noqa: PLC0415 - help and completion do without

    console.out(schemas.schema_text(name))
    return DONE
