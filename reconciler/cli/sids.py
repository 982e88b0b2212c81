"""``reconciler sids``."""

from __future__ import annotations

import click

from reconciler import workflow
from reconciler.cli import console
from reconciler.cli.choices import format_option
from reconciler.cli.exit_codes import DONE, ERROR
from reconciler.cli.manual import Page
from reconciler.cli.options import account_options, file_options, scope_options
from reconciler.cli.running import Run, display
from reconciler.render.terminal import escape
from reconciler.workflow import Endpoint, Inputs

EPILOG = """\b
Examples:
  reconciler sids --env prod
  reconciler sids --target services.support --format json
  reconciler sids --format json | jq -r '.sids["services.support"]'
  reconciler sids --format env > sids.env

\b
Variables are named after addresses: services.support.roles.agent becomes
SERVICES__SUPPORT__ROLES__AGENT_SID. Names with characters other than a-z, 0-9,
and _ end in a digest, so no two addresses share a variable."""

_MOST_NAMED = 10


@click.command(cls=Page, epilog=EPILOG)
@file_options
@scope_options("Include only this resource and everything below it.")
@account_options
@format_option("text", "json", "env", help_text="The format of standard output: two columns, JSON, or NAME=SID lines.")
def sids(inputs: Inputs, endpoint: Endpoint, *, format_name: str) -> int:
    """Print the address and SID of each managed resource (read-only).

    PATH is a file, or a folder that contains reconciler.yaml; the default is the current folder. If the account lacks
    resources, they are listed on standard error and under `missing` in JSON, and the exit code is 1.
    """
    run = Run(display(lines_on_stdout=False, may_colour=True))
    found = run.execute(lambda: workflow.sids(inputs, endpoint, run.display))
    if format_name == "json":
        console.out(found.to_json())
    elif format_name == "env":
        console.out(found.to_env())
    else:
        width = max((len(escape(address)) for address in found.sids), default=0)
        console.out("".join(f"{escape(address):<{width}}  {sid}\n" for address, sid in found.sids.items()))
    if found.missing:
        names = ", ".join(escape(address) for address in found.missing[:_MOST_NAMED])
        rest = len(found.missing) - _MOST_NAMED
        console.err(
            f"Error: not in the account: {names}{f' and {rest:,} more' if rest > 0 else ''}. Apply the configuration "
            "first, or exclude them with --exclude.\n"
        )
        return ERROR
    return DONE
