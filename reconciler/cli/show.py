"""``reconciler show``."""

from __future__ import annotations

import click

from reconciler.cli import candidates, showing
from reconciler.cli.exit_codes import DONE
from reconciler.cli.files import read_limited
from reconciler.cli.manual import Page
from reconciler.cli.output import Output, output_in
from reconciler.errors import UsageError

EPILOG = """\b
Examples:
  reconciler show plan.json
  reconciler show plan.json --verbose
  reconciler show plan.json --format markdown
  reconciler plan --format json | reconciler show -
  reconciler show report.json --format markdown"""


@click.command(cls=Page, epilog=EPILOG)
@click.argument("file", metavar="FILE", shell_complete=candidates.files)
@output_in(*dict.fromkeys([*showing.PLAN, *showing.REPORT, *showing.DRIFT, *showing.COMPARISON]))
def show(file: str, output: Output) -> int:
    """Show a saved plan, report, drift, diff, or accept.

    FILE is a file from `plan --out` or `apply --report`, or the output of a command with --format json. Use - for
    standard input. The configuration and the account are not read.
    """
    # Help and completion do without.
    from reconciler.documents.acceptance import parse_acceptance  # noqa: PLC0415 - see above
    from reconciler.documents.comparison import parse_comparison  # noqa: PLC0415 - see above
    from reconciler.documents.drift import parse_drift  # noqa: PLC0415 - see above
    from reconciler.documents.plan import parse_plan  # noqa: PLC0415 - see above
    from reconciler.documents.report import parse_report  # noqa: PLC0415 - see above
    from reconciler.documents.saved import intended_format  # noqa: PLC0415 - see above

    text = read_limited(file)
    found = intended_format(text)
    match found:
        case "reconciler.report":
            _check(output, showing.REPORT, "report")
            showing.show_report(parse_report(text, file), output)
        case "reconciler.drift":
            _check(output, showing.DRIFT, "drift")
            showing.show_drift(parse_drift(text, file), output)
        case "reconciler.diff":
            _check(output, showing.COMPARISON, "diff")
            showing.show_comparison(parse_comparison(text, file), output)
        case "reconciler.accept":
            _check(output, showing.ACCEPTANCE, "accept")
            showing.show_acceptance(parse_acceptance(text, file), output)
        case _:
            _check(output, showing.PLAN, "plan")
            showing.show_plan(parse_plan(text, file, or_report=found != "reconciler.plan"), output)
    return DONE


def _check(output: Output, formats: showing.Formats, noun: str) -> None:
    if output.format_name not in formats:
        raise UsageError(f"a {noun} cannot be shown as {output.format_name}. Use one of {', '.join(formats)}")
