"""``reconciler schema``."""

from __future__ import annotations

import click

from reconciler.cli import console
from reconciler.cli.exit_codes import DONE
from reconciler.cli.manual import Page

EPILOG = """\b
Examples:
  reconciler schema > .reconciler/config.schema.json
  reconciler schema overlay > .reconciler/overlay.schema.json
  reconciler schema plan

\b
To have an editor check the files, begin them with:
  # yaml-language-server: $schema=.reconciler/config.schema.json"""


NAMES = ("config", "overlay", "plan", "report", "drift", "diff", "sids", "validation", "error")


@click.command(cls=Page, epilog=EPILOG)
@click.argument("which", metavar="[WHICH]", type=click.Choice(NAMES), default="config")
def schema(which: str) -> int:
    """Print a JSON Schema: of the files, of overlays, and of each document that --format json writes.

    WHICH is config, when it is left out, or overlay, plan, report, drift, diff, sids, validation or error. Those of the
    files serve editors; `reconciler validate` knows more. That of overlays also takes `!unset`.
    """
    from reconciler import schema as schemas  # noqa: PLC0415 - help and completion do without

    console.out(schemas.schema_text(which))
    return DONE
