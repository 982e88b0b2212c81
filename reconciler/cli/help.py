"""``reconciler help``: the page of a command, and pages on topics that commands share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

import click
from click.shell_completion import CompletionItem

from reconciler.cli import console
from reconciler.cli.exit_codes import DONE
from reconciler.cli.manual import EXIT_CODES, GLOBAL_OPTIONS, Page, Row, write_sections

EPILOG = """\b
Examples:
  reconciler help plan
  reconciler help options
  reconciler help environment"""

ENVIRONMENT: Mapping[str, Sequence[Row]] = {
    "Credentials": [
        ("TWILIO_ACCOUNT_SID", "The SID of the account."),
        ("TWILIO_API_KEY", "The SID of an API key; requires TWILIO_API_SECRET."),
        ("TWILIO_API_SECRET", "The secret of the API key."),
        ("TWILIO_AUTH_TOKEN", "The auth token of the account, instead of an API key."),
        ("TWILIO_REGION", "The region of the account. A known region implies its edge."),
        ("TWILIO_EDGE", "The edge to connect to. Without a region, it implies us1."),
        ("TWILIO_CONFIG_DIR", "The folder of the Twilio CLI's profiles (--profile). Default: ~/.twilio-cli."),
    ],
    "Options": [
        ("RECONCILER_ENV", "The environment. --env overrides it."),
        ("RECONCILER_LOG_LEVEL", "The log level. --log-level overrides it."),
        ("RECONCILER_LOG_FORMAT", "The log format. --log-format overrides it."),
        (
            "RECONCILER_PLAN_KEY",
            "A key of at least 32 characters for the digests in plans. Set it if plan and apply use different keys.",
        ),
    ],
    "Configuration": [
        ("any name", "Read by ${env:NAME} or ${secret:NAME} in the configuration."),
    ],
    "Output": [
        ("NO_COLOR", "If set, disables colors."),
        ("FORCE_COLOR", "If set, enables colors even without a terminal."),
        ("COLUMNS", "The width of text output."),
        ("PAGER", "The program that displays `reconciler docs`."),
        ("SHELL", "The default shell of `reconciler completion`."),
        ("GITHUB_*", "Set by GitHub Actions. Used for the job summary and for links to lines of the configuration."),
    ],
}
"""Every environment variable, by section."""


def options_page() -> Mapping[str, Sequence[Row]]:
    """List the global options by section, each with the commands that take it."""
    from reconciler.cli.root import commands  # noqa: PLC0415 - it imports every command

    rows: dict[str, Row] = {}
    takers: dict[str, list[str]] = {}
    for name, command in commands():
        context = click.Context(command, info_name=name)
        for parameter in command.params:
            row = parameter.get_help_record(context) if isinstance(parameter, click.Option) else None
            if row is not None and parameter.name is not None:
                rows.setdefault(parameter.name, row)
                takers.setdefault(parameter.name, []).append(name)
    return {
        heading: [(rows[name][0], f"{rows[name][1]} [{', '.join(takers[name])}]") for name in names]
        for heading, names in GLOBAL_OPTIONS.items()
    }


def faults_page() -> Mapping[str, Sequence[Row]]:
    """List the faults of a served emulator."""
    from reconciler.emulator.faults import AMOUNTS, FAULTS, READ_FAULTS  # noqa: PLC0415 - only this page needs them

    named = {
        "Any request (any=SHARE divides a share among these)": FAULTS,
        "Reads (any-read=SHARE divides a share among these)": READ_FAULTS,
        "Numbers": AMOUNTS,
    }
    return {
        heading: [(name, f"{meaning[:1].upper()}{meaning[1:]}.") for name, meaning in words.items()]
        for heading, words in named.items()
    }


TOPICS: Mapping[str, tuple[str, Callable[[], Mapping[str, Sequence[Row]]]]] = {
    "options": ("Options shared by several commands.", options_page),
    "environment": ("Environment variables.", lambda: ENVIRONMENT),
    "exit-codes": ("Exit codes of all commands.", lambda: {"Exit codes": EXIT_CODES}),
    "faults": ("Faults that `reconciler emulator serve` injects with --fault.", faults_page),
}
"""Topic pages, each with its title and sections."""


def _candidates(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem[str]]:
    from reconciler.cli.root import VERBS  # noqa: PLC0415 - it imports this module by name

    described = {name: what for name, (_, what) in VERBS.items()} | {name: what for name, (what, _) in TOPICS.items()}
    return [CompletionItem(name, help=what) for name, what in described.items() if name.startswith(incomplete)]


@click.command("help", cls=Page, epilog=EPILOG)
@click.argument("words", metavar="[COMMAND | TOPIC]", nargs=-1, shell_complete=_candidates)
def help_command(words: tuple[str, ...]) -> int:
    """Show the help of a command or topic.

    The topics are options (shared options), environment (environment variables), exit-codes, and faults (of a served
    emulator). Without an argument, lists all commands.
    """
    console.out(_page(words))
    return DONE


def _page(words: Sequence[str]) -> str:
    if len(words) == 1 and words[0] in TOPICS:
        return topic_text(words[0])
    from reconciler.cli.root import ROOT  # noqa: PLC0415 - it imports this module by name

    command: click.Command = ROOT
    context = click.Context(ROOT, info_name="reconciler", **ROOT.context_settings)
    for word in ["drift log"] if [*words] == ["drift", "log"] else words:
        below = command.get_command(context, word) if isinstance(command, click.Group) else None
        if below is None:
            raise click.UsageError(f"no help for {' '.join(words)!r}. {_hint(command, context, words, word)}")
        command, context = below, click.Context(below, info_name=word, parent=context)
    return f"{command.get_help(context)}\n"


def _hint(command: click.Command, context: click.Context, words: Sequence[str], word: str) -> str:
    if not isinstance(command, click.Group):
        return f"{words[0]} has no commands of its own. Use `reconciler help {words[0]}`"
    names = [*command.list_commands(context)]
    names += [] if context.parent else TOPICS
    from reconciler.config.similar import closest  # noqa: PLC0415 - only for a wrong name

    meant = closest(word, names, cutoff=0.5)
    right = " ".join([*words[: words.index(word)], meant])
    return f"Did you mean `reconciler help {right}`?" if meant else f"Available: {', '.join(names)}"


def topic_text(name: str) -> str:
    """Lay out the page of a topic."""
    formatter = click.HelpFormatter(width=min(console.width_of(sys.stdout), 100))
    title, sections = TOPICS[name]
    formatter.write_text(title)
    write_sections(formatter, sections())
    return formatter.getvalue()


def pages() -> Iterator[tuple[str, str]]:
    """Yield every page of a topic: its name and text."""
    for name in TOPICS:
        yield name, topic_text(name)
