"""The command group: which verbs there are, each imported only when it is used."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module

import click
from click.shell_completion import CompletionItem

from reconciler import __version__

VERBS: dict[str, tuple[str, str]] = {
    "init": ("reconciler.cli.init:init", "Write a commented starter and CI workflows, offline."),
    "validate": ("reconciler.cli.validate:validate", "Check the files, offline."),
    "plan": ("reconciler.cli.plan:plan", "Show what an apply would do. Sends nothing but GET."),
    "apply": ("reconciler.cli.apply:apply", "Make the account what the files say. Asks first."),
    "show": ("reconciler.cli.show:show", "Show a saved plan, report or drift again."),
    "drift": ("reconciler.cli.drift:drift", "Tell what differs, and whose it is. Sends nothing but GET."),
    "diff": ("reconciler.cli.diff:diff", "Compare two configurations, without an account."),
    "export": ("reconciler.cli.export:export", "Write the live account as files. Sends nothing but GET."),
    "graph": ("reconciler.cli.graph:graph", "Draw what needs what in the files, offline."),
    "schema": ("reconciler.cli.schema:schema", "Print a JSON Schema: of the files, of plans, of reports."),
    "completion": ("reconciler.cli.completion:completion", "Print the script that completes commands in a shell."),
    "emulator": ("reconciler.cli.emulator:emulator", "Serve a Twilio account that is only a file."),
}
"""Where each verb lives, and what it does in a sentence."""


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
        """List the verbs without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, what) for name, (_, what) in VERBS.items()])

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
  reconciler apply examples/quickstart --emulator demo.db --yes
  reconciler plan examples/quickstart --emulator demo.db

\b
Exit codes: 0 done or nothing to do, 1 error, 2 differences (drift, and
plan and diff with --detailed-exitcode), 3 the approved plan no longer fits, 4 refused by a
guard, 5 applied but something protected was withheld, 70 a bug,
130 interrupted.

\b
Credentials come from the environment, never from options:
TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN, or TWILIO_API_KEY and
TWILIO_API_SECRET; TWILIO_REGION and TWILIO_EDGE where they are needed."""


@click.group(
    cls=Verbs,
    invoke_without_command=True,
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
