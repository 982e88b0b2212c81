"""``reconciler drift log``."""

from __future__ import annotations

import click

from reconciler.cli import candidates, console
from reconciler.cli.choices import format_option
from reconciler.cli.exit_codes import DONE
from reconciler.cli.manual import Page

EPILOG = """\b
Examples:
  reconciler drift --env prod --history drift.db
  reconciler drift log --history drift.db
  reconciler drift log --history drift.db --format json"""


@click.command(cls=Page, epilog=EPILOG)
@click.option(
    "--history",
    metavar="FILE",
    required=True,
    type=click.Path(dir_okay=False),
    shell_complete=candidates.files,
    help="The file that `--history` of drift wrote.",
)
@format_option("text", "json")
def drift_log(*, history: str, format_name: str) -> int:
    """List the findings of earlier runs of drift, offline.

    Each line has the time when the finding was first seen, last seen, and gone, its class, its environment, and its
    address and field. Findings that remain come first. For a configuration in a folder named log, use
    `reconciler drift ./log`.
    """
    from reconciler.render.history import drift_log_text  # noqa: PLC0415 - help and completion do without
    from reconciler.workflow.drift_history import read_drift_log  # noqa: PLC0415 - see above

    document = read_drift_log(history)
    console.out(document.to_json() if format_name == "json" else drift_log_text(document))
    return DONE
