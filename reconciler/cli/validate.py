"""``reconciler validate``."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from reconciler import __version__, workflow
from reconciler.cli import console
from reconciler.cli.exit_codes import DONE
from reconciler.cli.manual import Page
from reconciler.cli.options import file_options
from reconciler.cli.output import Output, output_in, repository, workspace_folder
from reconciler.render.terminal import escape, wrap
from reconciler.workflow import Inputs

if TYPE_CHECKING:
    from reconciler.config.model import Config

EPILOG = """\b
Examples:
  reconciler validate
  reconciler validate conversations/ --env prod --strict
  reconciler validate --all-environments
  reconciler validate --allow-unset"""


@click.command(cls=Page, epilog=EPILOG)
@file_options
@click.option("--allow-unset", is_flag=True, help="Treat unset environment variables and secrets as unknown.")
@click.option("--all-environments", is_flag=True, help="Check the configuration in every environment that it defines.")
@output_in("text", "markdown", "json", "github", "sarif")
def validate(inputs: Inputs, output: Output, *, allow_unset: bool, all_environments: bool) -> int:
    """Check the configuration offline: syntax, schema, references, and limits.

    PATH is a file, or a folder that contains reconciler.yaml; the default is the current folder. Lists every problem
    with its location and a fix. With --strict, warnings are errors.
    """
    from reconciler.render.problems import problems_text  # noqa: PLC0415 - help and completion do without

    if all_environments and inputs.environment:
        source = click.get_current_context().get_parameter_source("env")
        if source is not click.core.ParameterSource.ENVIRONMENT:
            raise click.UsageError("use either --env or --all-environments, not both")
    inputs = replace(inputs, allow_unset=allow_unset)
    configs = (
        workflow.validate_all(inputs, os.environ) if all_environments else (workflow.validate(inputs, os.environ),)
    )
    warnings, number = configs[0].warnings, len({address for config in configs for address in config.resources})
    lines = {file: text for config in configs for file, text in config.lines.items()}
    if output.format_name == "json":
        from reconciler.documents.problems import validation_document  # noqa: PLC0415 - as above

        document = validation_document(
            environment=configs[0].environment if len(configs) == 1 else "",
            environments=[(config.environment, len(config.resources)) for config in configs]
            if all_environments
            else (),
            resources=number,
            warnings=warnings,
            acknowledged=len({problem for config in configs for problem in config.acknowledged}),
        )
        console.out(document.to_json())
        return DONE
    if output.format_name == "sarif":
        from reconciler.render.sarif import sarif  # noqa: PLC0415 - as above

        console.out(sarif(warnings, tool_version=__version__, exit_code=DONE, folder=workspace_folder()))
        return DONE
    if output.format_name in {"markdown", "github"}:
        from reconciler.cli.github_log import LOG  # noqa: PLC0415 - as above
        from reconciler.render import github  # noqa: PLC0415 - as above
        from reconciler.render.problems_markdown import problems_markdown  # noqa: PLC0415 - as above

        summary = problems_markdown(warnings, repository(), headline=inputs.path, resources=number)
        if output.format_name == "markdown":
            console.out(summary)
            return DONE
        text = problems_text(warnings, lines, colour=output.colour, width=console.width_of(sys.stdout))
        annotations = github.commands(github.of_problems(warnings), workspace_folder())
        LOG.write(text + _sentences(inputs.path, configs), annotations, summary)
        return DONE
    if warnings:
        colour = console.takes_colour(sys.stderr, allowed=output.may_colour)
        width = console.width_of(sys.stderr)
        console.err(problems_text(warnings, lines, colour=colour, width=width))
    console.out(_sentences(inputs.path, configs))
    return DONE


def _sentences(path: str, configs: Sequence[Config]) -> str:
    return "".join(_sentence(path, config) for config in configs)


def _plural(number: int, noun: str) -> str:
    return "" if number == 1 else "es" if noun.endswith("s") else "s"


def _sentence(path: str, config: Config) -> str:
    kinds = Counter(declared.kind.noun for declared in config.resources.values())
    counted = ", ".join(f"{number:,} {noun}{_plural(number, noun)}" for noun, number in kinds.items())
    environment = f" for environment {escape(config.environment)}" if config.environment else ""
    number = len(config.resources)
    noun = "resource" if number == 1 else "resources"
    acknowledged = len(config.acknowledged)
    noted = f" {acknowledged:,} {'warning' if acknowledged == 1 else 'warnings'} acknowledged." if acknowledged else ""
    text = f"{escape(path)} is valid{environment}: {number:,} {noun}{f' ({counted})' if counted else ''}.{noted}"
    return "\n".join(wrap(text, console.width_of(sys.stdout))) + "\n"
