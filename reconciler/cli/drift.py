"""``reconciler drift``."""

from __future__ import annotations

import click

from reconciler import workflow
from reconciler.cli import showing
from reconciler.cli.exit_codes import DIFFERENCES, DONE, ERROR
from reconciler.cli.manual import Page
from reconciler.cli.options import account_options, file_options, scope_options
from reconciler.cli.output import Output, output_in
from reconciler.cli.running import Run, display
from reconciler.workflow import Endpoint, Inputs

EPILOG = """\b
Examples:
  reconciler drift --env prod
  reconciler drift --env prod --format chat
  reconciler drift --fail-on differences,unmanaged --format markdown > issue.md"""

KINDS = ("differences", "unmanaged")


def _kinds(_context: click.Context, _parameter: click.Parameter, text: str) -> frozenset[str]:
    found = frozenset(part.strip() for part in text.split(","))
    if not found <= set(KINDS):
        raise click.BadParameter(f"takes {', '.join(KINDS)}, or both with a comma between them")
    return found


@click.command(cls=Page, epilog=EPILOG)
@file_options
@scope_options
@account_options
@click.option(
    "--fail-on",
    metavar="WHAT",
    default="differences",
    show_default=True,
    callback=_kinds,
    help="What ends with 2: differences, unmanaged, or both with a comma between them.",
)
@output_in(*showing.DRIFT)
def drift(inputs: Inputs, endpoint: Endpoint, output: Output, *, fail_on: frozenset[str]) -> int:
    """Tell how the account differs from the configuration. Sends nothing but GET.

    PATH is a file, or a folder that holds reconciler.yaml; the current folder when left out. Of every field that
    differs it says what the files say and what the account has; what the files do not name is listed. Ends with 2 when
    something differs.
    """
    run = Run(display(lines_on_stdout=False, may_colour=output.may_colour))
    found = run.execute(lambda: workflow.drift(inputs, endpoint, run.display))
    showing.show_drift(found, output)
    counts = {"differences": len(found.differences), "unmanaged": len(found.unmanaged)}
    if found.unreadable:
        return ERROR
    return DIFFERENCES if any(counts[kind] for kind in fail_on) else DONE
