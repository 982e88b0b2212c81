"""``reconciler plan``."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from reconciler import workflow
from reconciler.cli import candidates, console, exit_codes, showing
from reconciler.cli.files import check_replaceable, write_file
from reconciler.cli.manual import Page
from reconciler.cli.options import account_options, consent_options, file_options, scope_options
from reconciler.cli.output import Output, output_in
from reconciler.cli.running import Run, display
from reconciler.redaction import may_be_secret
from reconciler.render.terminal import escape
from reconciler.workflow import Endpoint, Inputs

EPILOG = """\b
Examples:
  reconciler plan
  reconciler plan --env prod --out plan.json
  reconciler plan --target services.support --detailed-exitcode
  reconciler plan --format markdown > comment.md
  reconciler plan --env prod --format html > plan.html
  reconciler plan examples/quickstart --emulator demo.db --format json"""


@click.command(cls=Page, epilog=EPILOG)
@file_options
@scope_options
@consent_options
@account_options
@click.option(
    "--out",
    metavar="FILE",
    default="",
    shell_complete=candidates.files,
    help="Save the plan, for `show` and `apply --plan`.",
)
@click.option("--detailed-exitcode", is_flag=True, help="End with 2 when files and account differ.")
@output_in(*showing.PLAN)
def plan(inputs: Inputs, endpoint: Endpoint, output: Output, *, out: str, detailed_exitcode: bool) -> int:
    """Show what an apply would do. Sends nothing but GET.

    PATH is a file, or a folder that holds reconciler.yaml; the current folder when left out. Guards that would stop an
    apply are shown, and do not change the exit code. Live resources that the configuration does not declare are listed
    as unmanaged and do not count as changes; users, conversations, and participants only in pruned collections.
    """
    if out:
        check_replaceable(out)
    run = Run(display(lines_on_stdout=False, may_colour=output.may_colour))
    planned = run.execute(lambda: workflow.plan(inputs, endpoint, run.display))
    if out:
        write_file(Path(out), planned.file.to_json())
    showing.show_plan(planned.file, output)
    if out and output.as_text and not planned.file.has_changes:
        console.out("\nSaved; there is nothing in it to apply.\n")
    elif out and output.as_text:
        guards = [*planned.file.guards, *(change.guard for change in planned.file.changes if change.guard is not None)]
        refused = any(guard.verdict == "refused" for guard in guards)
        then = "As it stands, an apply refuses it; when that is mended" if refused else "To apply exactly this"
        console.out(f"\nSaved. {then}: reconciler apply {_again(inputs, endpoint, out, planned.file.to_json())}\n")
    return exit_codes.of_plan(planned.file, detailed=detailed_exitcode)


def _again(inputs: Inputs, endpoint: Endpoint, out: str, plan: str) -> str:
    """The arguments of the apply that belongs to a plan: what the plan file does not remember is given again.

    The value of a variable is repeated only if the plan shows it too, and its name does not tell of a secret.
    """
    options = [
        ("--plan", out),
        *(
            ("--var", f"{name}={value if value in plan and not may_be_secret(name) else '…'}")
            for name, value in inputs.variables.items()
        ),
        *(("--overlay", overlay) for overlay in inputs.overlays),
        ("--emulator", endpoint.emulator),
        ("--api-url", endpoint.api_url),
        ("--profile", endpoint.profile),
    ]
    words = [inputs.path] if inputs.path != "." else []
    words += [word for name, value in options if value for word in (name, value)]
    return " ".join(escape(shlex.quote(word)) for word in words)
