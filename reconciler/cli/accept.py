"""``reconciler accept``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler import workflow
from reconciler.address import Address, AddressError
from reconciler.cli import candidates, console, showing
from reconciler.cli.choices import Choices
from reconciler.cli.edits import is_approved
from reconciler.cli.exit_codes import DONE, ERROR, WITHHELD
from reconciler.cli.manual import Page
from reconciler.cli.next_steps import command_line
from reconciler.cli.options import ADDRESS, account_options, baseline_options, reading_options
from reconciler.cli.output import Output, output_in
from reconciler.cli.running import Run, display
from reconciler.errors import ReconcilerError, UsageError
from reconciler.workflow import Endpoint, Inputs, Request

if TYPE_CHECKING:
    from reconciler.accept.model import At
    from reconciler.documents.acceptance import AcceptFile
    from reconciler.workflow.acceptance import Acceptance

EPILOG = """\b
Examples:
  reconciler accept services.support.webhooks.method
  reconciler accept --env prod services.support.roles.agent --dry-run
  reconciler accept --env prod addresses.bot --at overlay
  reconciler accept --env prod --baseline git:v12 --yes
  reconciler accept --unmanaged 'services.support.roles["RL…"]'"""


def _unmanaged(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(str(Address.parse(text)) for text in texts)
    except AddressError as error:
        raise click.BadParameter(f"{error}; an address looks like {ADDRESS}") from None


@click.command(cls=Page, epilog=EPILOG)
@click.argument("words", nargs=-1, metavar="[PATH] [ADDRESS[.FIELD]]...", shell_complete=candidates.addresses)
@reading_options
@baseline_options(ours=False)
@account_options
@click.option(
    "--at",
    type=Choices(["template", "overlay", "base"]),
    help="Where to write a value that several resources or environments share: in the template, in the overlay of this "
    "environment, or in the base files, which changes it for all. Without it, such a value is refused, or overridden "
    "under its resource if it comes from a template.",
)
@click.option(
    "--unmanaged",
    metavar="ADDRESS",
    multiple=True,
    callback=_unmanaged,
    shell_complete=candidates.addresses,
    help="Add this unmanaged resource, or a service with its settings and roles. Repeatable.",
)
@click.option("--dry-run", is_flag=True, help="Show the edits; write no file, and do not ask.")
@click.option("--yes", is_flag=True, help="Write the files without approval.")
@output_in(*showing.ACCEPTANCE)
def accept(
    inputs: Inputs,
    endpoint: Endpoint,
    output: Output,
    words: tuple[str, ...],
    unmanaged: tuple[str, ...],
    *,
    at: At | None,
    dry_run: bool,
    yes: bool,
) -> int:
    """Write drift into the configuration: edit its files so that they match the account (reads the account only).

    PATH is a file, or a folder that contains reconciler.yaml; the default is the current folder. ADDRESS is a resource,
    with everything below it, or a field, as `reconciler drift` shows them. Without addresses, accepts all drift since
    the baseline, which requires a ledger or --baseline.

    Only the accepted values change; all other lines stay as they are, comments included. A resource that was deleted in
    the account is removed from the files. Shows a diff and asks before it writes. Values that are shared, interpolated,
    or secret are refused with the reason; if a named value is refused, no file is changed.
    """
    path, addresses = _split(words)
    if not output.as_text and not (yes or dry_run):
        raise UsageError(f"--format {output.format_name} cannot ask for approval. Add --dry-run or --yes")
    run = Run(display(lines_on_stdout=False, may_colour=output.may_colour))
    request = Request(addresses, unmanaged, at or "")
    chosen = replace(inputs, path=path)
    found = run.execute(lambda: workflow.accept(chosen, endpoint, run.display, request))
    is_refused = bool(found.refused and request.is_named)
    writes = bool(found.files) and not is_refused and not dry_run
    if output.as_text:
        shown = workflow.acceptance_document(found, written=False)
        _show(shown, output, is_named=request.is_named)
        _show_naming(found, chosen, endpoint, at)
        if writes and not yes and not is_approved(shown):
            raise ReconcilerError("declined. No file was changed")
    if writes:
        workflow.write(found)
    if not output.as_text:
        showing.show_acceptance(workflow.acceptance_document(found, written=writes), output)
    elif writes:
        number = len(found.files)
        console.out(f"Wrote {number:,} {'file' if number == 1 else 'files'}.\n")
    if found.refused:
        return ERROR if request.is_named else WITHHELD
    return DONE


def _split(words: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Split the arguments into the path of the configuration and addresses.

    The first is the path if it exists, cannot be an address, or is a plain word before addresses.
    """
    if not words:
        return ".", ()
    first, rest = words[0], words[1:]
    is_file = first.endswith((".yaml", ".yml")) or first in {".", ".."}
    from reconciler.kinds import KINDS  # noqa: PLC0415 - help and completion do without

    # A word before the addresses is a mistyped path, unless every resource of that section is meant.
    sections = {kind.section[0] for kind in KINDS if kind.parent is None}
    is_word = bool(rest) and "." not in first and "[" not in first and first not in sections
    if Path(first).exists() or is_file or is_word or ("/" in first and not _is_address(first)):
        return first, rest
    return ".", words


def _show(document: AcceptFile, output: Output, *, is_named: bool) -> None:
    """Show the edits, and on standard error what is refused."""
    from reconciler.render.acceptance import acceptance_text, refused_text  # noqa: PLC0415 - help does without

    console.out(acceptance_text(document, colour=output.colour))
    if document.refused:
        console.err(refused_text(document, is_named=is_named))


def _show_naming(found: Acceptance, inputs: Inputs, endpoint: Endpoint, at: At | None) -> None:
    """Show the command that accepts what has to be named, on standard error."""
    names = [refusal.name for refusal in found.refused if refusal.is_nameable]
    if names:
        words = [*names, *(("--at", at) if at else ())]
        console.err(f"To accept the account's values:\n  {command_line('accept', inputs, endpoint, options=words)}\n")


def _is_address(text: str) -> bool:
    """Whether a text with a slash is an address: of a user, for example, whose identity contains it."""
    try:
        Address.parse(text)
    except AddressError:
        return False
    return True
