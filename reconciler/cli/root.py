"""The command group: which verbs there are, each imported only when it is used."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module

import click
from click.shell_completion import CompletionItem

from reconciler import __version__
from reconciler.cli.manual import write_epilog, write_sections

VERBS: dict[str, tuple[str, str]] = {
    "init": ("reconciler.cli.init:init", "Write a commented starter and CI workflows, offline."),
    "validate": ("reconciler.cli.validate:validate", "Check the files, offline."),
    "plan": ("reconciler.cli.plan:plan", "Show what an apply would do. Sends nothing but GET."),
    "apply": ("reconciler.cli.apply:apply", "Make the account what the files say. Asks first."),
    "show": ("reconciler.cli.show:show", "Show a saved plan, report or drift again."),
    "drift": ("reconciler.cli.drift:drift", "Tell what differs, and whose it is. Sends nothing but GET."),
    "diff": ("reconciler.cli.diff:diff", "Compare two configurations, without an account."),
    "export": ("reconciler.cli.export:export", "Write the live account as files. Sends nothing but GET."),
    "sids": ("reconciler.cli.sids:sids", "Print the SID of each managed resource (read-only)."),
    "graph": ("reconciler.cli.graph:graph", "Draw what needs what in the files, offline."),
    "schema": ("reconciler.cli.schema:schema", "Print a JSON Schema: of the files, of plans, of reports."),
    "completion": ("reconciler.cli.completion:completion", "Print the script that completes commands in a shell."),
    "emulator": ("reconciler.cli.emulator:emulator", "An account that is only a file: fill it, serve it."),
}
"""Where each verb lives, and what it does in a sentence."""


GROUPS: dict[str, tuple[str, ...]] = {
    "Begin": ("init", "export"),
    "Write and check": ("validate", "diff", "graph"),
    "Plan, review, apply": ("plan", "show", "apply"),
    "Keep watch": ("drift",),
    "Around it": ("sids", "schema", "completion", "emulator"),
}
"""The verbs by the way of a change, as `--help` lists them."""

EXIT_CODES = [
    ("0", "Done, or nothing to do."),
    ("1", "An error: in the files, from the API, a failed step, wrong usage, declined."),
    ("2", "Differences: of drift, and of plan and diff with --detailed-exitcode."),
    ("3", "The approved plan no longer fits; nothing was sent."),
    ("4", "Refused by a guard; nothing was sent."),
    ("5", "Applied, but something protected was withheld."),
    ("70", "A bug; a file with the traceback is named."),
    ("130", "Interrupted."),
]
ENVIRONMENT = [
    ("TWILIO_ACCOUNT_SID", "The account. Credentials are never options."),
    ("TWILIO_API_KEY, TWILIO_API_SECRET", "The key to ask with."),
    ("TWILIO_AUTH_TOKEN", "The account's own token, in the place of a key."),
]


class Verbs(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The verbs in the order in which people meet them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command of a verb, imported now."""
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name][0].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """The verbs that begin so, without importing them; else the options of the program."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [CompletionItem(name, help=what) for name, (_, what) in VERBS.items() if name.startswith(incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the verbs by the way of a change, without importing them."""
        sections = {heading: [(name, VERBS[name][1]) for name in names] for heading, names in GROUPS.items()}
        write_sections(formatter, sections | {"Exit codes": EXIT_CODES, "Environment": ENVIRONMENT})

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """The examples, under a heading like the others."""
        write_epilog(formatter, self.epilog or "")

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, or say what was probably meant."""
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            close = get_close_matches(args[0], VERBS, n=1, cutoff=0.5)
            hint = f" Did you mean {close[0]}?" if close else f" There are: {', '.join(VERBS)}."
            ctx.fail(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


EPILOG = """\b
Try it without an account:
  reconciler init
  reconciler apply --emulator demo.db
  reconciler plan --emulator demo.db

`reconciler COMMAND --help` says what a command reads and writes, with examples."""


@click.group(
    cls=Verbs,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND] [ARGS]...",  # as click spells it differs by its version
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EPILOG,
)
@click.version_option(__version__, prog_name="reconciler", message="%(prog)s %(version)s")
@click.pass_context
def ROOT(context: click.Context) -> None:  # noqa: N802 - a table of commands, not an action
    """Keep a Twilio Conversations account equal to a set of YAML files.

    Write down what should be there, plan, review, apply. There is no state file: resources are recognised by their
    names, and git is the history.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
