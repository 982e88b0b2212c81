"""The command group: lists the commands, and imports each only when it is used."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

import click
from click.shell_completion import CompletionItem

from reconciler import __version__
from reconciler.cli.manual import write_epilog, write_sections

VERBS: dict[str, tuple[str, str]] = {
    "init": ("reconciler.cli.init:init", "Write a commented starter and CI workflows (offline)."),
    "validate": ("reconciler.cli.validate:validate", "Check the configuration (offline)."),
    "plan": ("reconciler.cli.plan:plan", "Show the changes an apply would make (read-only)."),
    "apply": ("reconciler.cli.apply:apply", "Plan again, and apply the plan after approval."),
    "undo": ("reconciler.cli.undo:undo", "Undo an apply, by its report."),
    "show": ("reconciler.cli.show:show", "Show a saved plan, report, drift, diff, or accept."),
    "drift": ("reconciler.cli.drift:drift", "Detect drift in the account (read-only)."),
    "drift log": ("reconciler.cli.drift_log:drift_log", "List the findings of earlier runs, offline."),
    "accept": ("reconciler.cli.accept:accept", "Write drift into the configuration, after approval."),
    "history": ("reconciler.cli.history:history", "List what was applied, from the ledger, offline."),
    "ledger": ("reconciler.cli.ledger:ledger", "Push or rename the ledger."),
    "diff": ("reconciler.cli.diff:diff", "Compare two configurations without an account."),
    "export": ("reconciler.cli.export:export", "Write the live account as a configuration (read-only)."),
    "sids": ("reconciler.cli.sids:sids", "Print the address and SID of each managed resource (read-only)."),
    "graph": ("reconciler.cli.graph:graph", "Print the dependency graph (offline)."),
    "schema": ("reconciler.cli.schema:schema", "Print a JSON Schema."),
    "completion": ("reconciler.cli.completion:completion", "Print a shell completion script."),
    "emulator": ("reconciler.cli.emulator:emulator", "Fill and serve an emulated account."),
    "docs": ("reconciler.cli.docs:docs", "Show the documentation."),
    "help": ("reconciler.cli.help:help_command", "Show the help of a command or topic."),
}
"""The module of each command, and a one-line summary."""


GROUPS: dict[str, tuple[str, ...]] = {
    "Getting started": ("init", "export"),
    "Configuration": ("validate", "diff", "graph"),
    "Plan and apply": ("plan", "show", "apply", "undo"),
    "Monitoring": ("drift", "drift log", "accept", "history"),
    "Utilities": ("sids", "ledger", "schema", "emulator", "completion", "docs", "help"),
}
"""The commands by heading, as `--help` lists them."""


class Verbs(click.Group):
    """A group whose commands are imported on first use."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """List the commands in their order of use."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """Import a command."""
        if cmd_name not in VERBS:
            return None
        module, _, name = VERBS[cmd_name][0].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Complete the name of a command, without importing any; or an option of the program."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        return [
            CompletionItem(name, help=what)
            for name, (_, what) in VERBS.items()
            if name.startswith(incomplete) and " " not in name
        ]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """List the commands by heading, without importing them."""
        write_sections(formatter, {head: [(name, VERBS[name][1]) for name in names] for head, names in GROUPS.items()})

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the examples, under a heading like the others."""
        write_epilog(formatter, self.epilog or "")
        write_sections(formatter, {"More help": MORE})

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or suggest the near miss."""
        if args[:2] == ["drift", "log"]:
            args = ["drift log", *args[2:]]
        if args and not args[0].startswith("-") and args[0] not in VERBS:
            from reconciler.config.similar import closest  # noqa: PLC0415 - only for a wrong name

            meant = closest(args[0], VERBS, cutoff=0.5)
            meant = "--version" if args[0] == "version" else meant
            hint = f" Did you mean `reconciler {meant}`?" if meant else f" Available: {', '.join(VERBS)}."
            ctx.fail(f"no such command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


def commands(*, groups: bool = False) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its name, those of groups as ``GROUP COMMAND``; imports all of them.

    Args:
        groups: Whether to yield groups too.
    """
    context = click.Context(ROOT)
    for name in (name for names in GROUPS.values() for name in names):
        command = ROOT.get_command(context, name)
        assert command is not None
        if not isinstance(command, click.Group):
            yield name, command
            continue
        if groups:
            yield name, command
        for below in sorted(command.commands):
            yield f"{name} {below}", command.commands[below]


MORE = [
    ("reconciler help COMMAND", "The help of a command, with examples."),
    ("reconciler help options", "Options shared by several commands."),
    ("reconciler help environment", "Environment variables, such as credentials."),
    ("reconciler help exit-codes", "Exit codes."),
    ("reconciler docs guide", "The guide."),
]
EPILOG = """\b
Try it without an account:
  reconciler init
  reconciler apply --emulator demo.db
  reconciler plan --emulator demo.db"""


@click.group(
    cls=Verbs,
    invoke_without_command=True,
    subcommand_metavar="[COMMAND] [ARGS]...",  # click's own spelling differs between versions
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EPILOG,
)
@click.version_option(__version__, prog_name="reconciler", message="%(prog)s %(version)s")
@click.pass_context
def ROOT(context: click.Context) -> None:  # noqa: N802 - a table of commands, not an action
    """Keep a Twilio Conversations account in sync with a YAML configuration.

    Write a configuration, plan, review, and apply. There is no state file: live resources are matched by name, and git
    keeps the history.
    """
    if context.invoked_subcommand is None:
        click.echo(context.get_help())
