"""``reconciler graph``."""

from __future__ import annotations

import os
from dataclasses import replace

import click

from reconciler import workflow
from reconciler.cli import candidates, console
from reconciler.cli.choices import format_option
from reconciler.cli.exit_codes import DONE
from reconciler.cli.files import read_plan
from reconciler.cli.manual import Page
from reconciler.cli.options import file_options
from reconciler.workflow import Inputs

EPILOG = """\b
Examples:
  reconciler graph > graph.mmd
  reconciler graph --env prod --format dot | dot -Tsvg > graph.svg
  reconciler graph --plan plan.json"""


@click.command(cls=Page, epilog=EPILOG)
@file_options
@click.option(
    "--plan",
    metavar="FILE",
    default="",
    shell_complete=candidates.files,
    help="Color the changes of this saved plan, and add the resources that it deletes.",
)
@format_option("mermaid", "dot", help_text="The format of the graph.")
def graph(inputs: Inputs, *, plan: str, format_name: str) -> int:
    """Print the dependency graph (offline).

    PATH is a file, or a folder that contains reconciler.yaml; the default is the current folder. Dashed arrows point to
    the parent of a resource, solid arrows to resources that it references. Environment variables and secrets are not
    required.
    """
    from reconciler.render import graph as rendered  # noqa: PLC0415 - help and completion do without

    config = workflow.validate(replace(inputs, allow_unset=True), os.environ)
    saved = read_plan(plan) if plan else None
    drawn = rendered.graph(config, saved)
    console.out(rendered.dot(drawn) if format_name == "dot" else rendered.mermaid(drawn))
    return DONE
