"""Lays out the help of a command as a manual page: options in groups, files, exit codes, examples.

Takes a click command; returns its help. The sections follow from the command's parameters, so a new command has a
complete page except for its own rows in `_CODES` and `_FILES`. The options that many commands share, and environment
variables, are on pages of their own; see `reconciler.cli.help`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import click

Row = tuple[str, str]

GLOBAL_OPTIONS: Mapping[str, Sequence[str]] = {
    "Account": ("api_url", "profile", "concurrency", "timeout"),
    "Ledger": ("baseline", "ours", "start_ledger", "no_record", "rollback", "take_over"),
    "Output": ("verbose", "count_limit", "no_color", "log_level", "log_format"),
}
"""Options on the page `reconciler help options`, by heading and click's names."""
_GLOBAL = frozenset(name for names in GLOBAL_OPTIONS.values() for name in names)
_GROUPS: Mapping[str, Sequence[str]] = {
    "Configuration": ("env", "all_environments", "var", "overlay", "strict", "allow_unset"),
    "Scope": ("target", "exclude", "rotate"),
    "Approval": ("approve", "plan_path", "yes"),
    "Account": ("emulator", "trigger_webhooks"),
}
"""Options by heading and click's names; all others are under "Options"."""
_REPEATED = "it takes one value, but is given more than once. Give it once"
_EMPTY = "it is empty, perhaps because a shell variable is unset. Give it a value, or omit it"
_WIDEST = 27
"""The text of a longer option starts on the next line."""

EXIT_CODES: Sequence[Row] = (
    ("0", "Success, or no changes."),
    ("1", "Error: configuration, API, a failed step, invalid usage, or approval declined."),
    ("2", "Differences: from drift, or from plan or diff with --detailed-exitcode."),
    ("3", "The approved plan no longer matches. Nothing was sent."),
    ("4", "Refused by a guard: a limit is exceeded, or an approval is missing. Nothing was sent."),
    (
        "5",
        "Incomplete: apply withheld protected changes, accept refused values, or export could not read a collection.",
    ),
    ("70", "Internal error; the crash report's path is printed."),
    ("130", "Interrupted."),
)
"""Every exit code. If several apply, the precedence is 130, 70, 1, 3, 4, 5, 2."""
_CODES: Mapping[str, Mapping[int, str]] = {
    "validate": {
        0: "The configuration is valid. Warnings count only with --strict.",
        1: "Invalid configuration or usage.",
    },
    "plan": {
        0: "The plan was shown, even if guards would stop it.",
        2: "With --detailed-exitcode: the plan has changes.",
    },
    "apply": {
        0: "The account matches the configuration.",
        1: "Error, a failed step, or approval declined.",
        3: "The approved plan no longer matches. Nothing was sent.",
        4: "Refused by a guard. Nothing was sent.",
        5: "Applied, but protected changes were withheld.",
    },
    "undo": {
        0: "The apply is undone, or with --out, the plan is saved.",
        1: "Error, a failed step, or approval declined.",
        4: "Refused by a guard. Nothing was sent.",
        5: "Undone, except for resources that were changed since, or are protected.",
    },
    "accept": {
        0: "The edits were written or shown, or there was nothing to accept.",
        1: "Error, approval declined, or a named value was refused. No file was changed.",
        5: "Accepted, except for values that were refused.",
    },
    "drift": {0: "No drift of the kind in --fail-on.", 2: "Drift."},
    "diff": {0: "Success.", 2: "With --detailed-exitcode: the configurations differ."},
    "export": {
        1: "Error, or approval declined. No file was changed.",
        5: "Exported, except for what could not be read or added.",
    },
    "sids": {0: "All SIDs were printed.", 1: "Error, or the account lacks a resource."},
    "init": {0: "Files were written, or all existed.", 1: "Error, or a file already exists. Nothing was written."},
}
_COMMON_CODES = {0: "Success.", 1: "Error.", 70: "Internal error; a crash report is written."}
_INTERRUPTED = "Interrupted."
_NEVER_INTERRUPTED = frozenset({"init", "schema", "completion", "validate", "graph", "show", "diff", "docs", "help"})

_FILES: Mapping[str, Sequence[Row]] = {
    "init": [
        ("reconciler.yaml", "The starter configuration."),
        (".reconciler/", "Schemas for editors, referenced in the first line of each configuration file."),
        (".gitignore", "Missing lines are added."),
        (".github/workflows/, .gitlab-ci.yml", "Written with --ci, at the root of the repository."),
    ],
    "export": [("reconciler.yaml, services/", "Written with --out. Earlier exports are updated.")],
}


class Page(click.Command):
    """A command whose help is a manual page; its epilog contains the examples."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, and reject any that is empty or that contradicts itself.

        A shell expands ``--emulator "$DB"`` to an empty argument if ``DB`` is unset. Read as "not given", it would make
        the command act on something other than intended, so no option or argument accepts it. Nor may an option that
        takes one value be given twice: the command would use only the last one.

        Raises:
            click.BadParameter: An option or an argument is empty, or an option is repeated that cannot be.
        """
        if not ctx.resilient_parsing:
            given, _, order = self.make_parser(ctx).parse_args(args=list(args))
            for parameter in order:
                value = given.get(parameter.name or "")
                if "" in (value if isinstance(value, (list, tuple)) else [value]):
                    raise click.BadParameter(_EMPTY, ctx=ctx, param=parameter)
                is_single = isinstance(parameter, click.Option) and not (parameter.is_flag or parameter.multiple)
                if is_single and sum(other is parameter for other in order) > 1:
                    raise click.BadParameter(_REPEATED, ctx=ctx, param=parameter)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in their groups, all with the same column, then files and exit codes."""
        write_sections(formatter, sections_of(self, ctx))
        formatter.write_paragraph()
        formatter.write_text(_references(self))

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """Write the examples, under a heading like the others."""
        write_epilog(formatter, self.epilog or "")


def sections_of(command: click.Command, ctx: click.Context) -> dict[str, list[Row]]:
    """List the sections of a command's page, without its global options."""
    sections: dict[str, list[Row]] = {"Options": [], **{heading: [] for heading in _GROUPS}}
    headings = {name: heading for heading, names in _GROUPS.items() for name in names}
    for parameter in command.get_params(ctx):
        # The description above explains the arguments.
        row = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
        if row is not None and parameter.name not in _GLOBAL:
            sections[headings.get(parameter.name or "", "Options")].append(row)
    return sections | {"Files": list(_FILES.get(command.name or "", ())), "Exit codes": _codes(command)}


def write_epilog(formatter: click.HelpFormatter, epilog: str) -> None:
    """Write the end of a page, with its headings at the margin."""
    formatter.write_paragraph()
    formatter.write_text(epilog)


def write_sections(formatter: click.HelpFormatter, sections: Mapping[str, Sequence[Row]]) -> None:
    """Write sections of two columns, all of them aligned; empty sections are left out."""
    widths = [len(first) for rows in sections.values() for first, _ in rows]
    common = max((width for width in widths if width <= _WIDEST), default=0)
    for heading, rows in sections.items():
        if rows:
            with formatter.section(heading):
                formatter.write_dl([(first.ljust(common), second) for first, second in rows], col_max=common)


def _references(command: click.Command) -> str:
    """List the pages that complete this one."""
    if any(parameter.name in _GLOBAL for parameter in command.params):
        return "See also: `reconciler help options`, `reconciler help environment`."
    return "See also: `reconciler help environment`."


def _codes(command: click.Command) -> list[Row]:
    own: Mapping[int, str] = _CODES.get(command.name or "", {})
    interrupted: Iterable[Row] = () if command.name in _NEVER_INTERRUPTED else [("130", _INTERRUPTED)]
    codes = _COMMON_CODES | dict(own)
    return [*((str(code), codes[code]) for code in sorted(codes)), *interrupted]
