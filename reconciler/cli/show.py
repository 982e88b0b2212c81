"""``reconciler show``."""

from __future__ import annotations

import click

from reconciler import plan_file
from reconciler.cli import console
from reconciler.cli.exit_codes import DONE
from reconciler.cli.files import read_limited
from reconciler.cli.output import Output, output_in, repository
from reconciler.render.markdown import plan_markdown
from reconciler.render.text import plan_text

EPILOG = """\b
Examples:
  reconciler show plan.json
  reconciler show plan.json --verbose
  reconciler show plan.json --format markdown
  reconciler plan --format json | reconciler show -"""


@click.command(epilog=EPILOG)
@click.argument("plan", metavar="PLAN")
@output_in("text", "markdown", "json")
def show(plan: str, output: Output) -> int:
    """Show a saved plan again.

    PLAN is a file from `plan --out`, or - for standard input. Asks nobody: neither the files nor the account.
    """
    file = plan_file.parse(read_limited(plan), plan)
    if output.as_json:
        console.out(file.to_json())
    elif output.format_name == "markdown":
        console.out(plan_markdown(file, repository()))
    else:
        console.out(plan_text(file, colour=output.colour, width=output.width, verbose=output.verbose))
    return DONE
