"""What `--help` says of a command beyond its options: what it reads and writes, the environment, exit codes, examples.

Takes a click command; gives its help as a manual page: options in groups that are aligned with each other, and sections
that follow from what the command takes. So a new command has a whole page, but for what only it can say in `_CODES` and
`_FILES`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import click

Row = tuple[str, str]

_GROUPS: Mapping[str, Sequence[str]] = {
    "What to read": ("env", "all_environments", "var", "overlay", "strict", "allow_unset"),
    "Which part of it": ("target", "exclude", "rotate"),
    "Consent": ("approve", "plan_path", "yes"),
    "Which account, and how to ask it": (
        "emulator", "api_url", "profile", "concurrency", "timeout", "trigger_webhooks",
    ),
    "What to show": ("format_name", "verbose", "no_color", "log_level", "log_format"),
}  # fmt: skip
"""Options by what they are about, by click's names; all others stand before them."""
_REPEATED = "it is given more than once, and takes one value; give it once"
_EMPTY = "it is empty, perhaps because a shell variable is unset; give it a value, or leave it out"
_WIDEST = 26
"""Longer options have their text on the next line."""

_DONE = "Done, or nothing to do."
_CODES: Mapping[str, Mapping[int, str]] = {
    "validate": {0: "The files are valid; warnings count only with --strict.", 1: "They are not, or wrong usage."},
    "plan": {
        0: "The plan is shown, whatever it holds and whatever guards would say of it.",
        2: "With --detailed-exitcode: files and account differ.",
    },
    "apply": {
        0: "The account is as the files say.",
        1: "An error, a step that failed, or declined.",
        3: "The approved plan no longer fits; nothing was sent.",
        4: "Refused by a guard: a limit, or an approval that is missing; nothing was sent.",
        5: "Applied, but something protected was withheld.",
    },
    "drift": {0: "Nothing differs that --fail-on names.", 2: "Something does."},
    "diff": {0: "The two are compared.", 2: "With --detailed-exitcode: they differ."},
    "show": {0: "It is shown."},
    "sids": {0: "The SIDs are printed, also if the account lacks some of the resources."},
    "init": {0: "Written, or everything was there.", 1: "Something is in the way; nothing was written."},
}
_COMMON_CODES = {1: "An error, or wrong usage.", 70: "A bug; a file with the traceback is named.", 130: "Interrupted."}
_NEVER_INTERRUPTED = frozenset({"init", "schema", "completion", "validate", "graph", "show", "diff"})

_FILES: Mapping[str, Sequence[Row]] = {
    "plan": [("plan.json", "What --out writes, for its owner's eyes only: it holds live values.")],
    "init": [
        ("reconciler.yaml", "The starter."),
        (".reconciler/", "The schemas that the first line of each file names to editors."),
        (".gitignore", "Lines are added to it."),
        (".github/workflows/, .gitlab-ci.yml", "Written with --ci, at the root of the repository."),
    ],
    "export": [("reconciler.yaml, services/", "What --out writes; what an export wrote before is brought up to date.")],
}  # fmt: skip


class Page(click.Command):
    """A command whose help is a manual page; its epilog holds the examples."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments, and reject any that is empty or that contradicts itself.

        A shell expands ``--emulator "$DB"`` to an empty argument if ``DB`` is unset. Read as "not given", it would make
        the command act on something else than was meant, so no option and no argument accepts it. Nor may an option
        that takes one value be given twice: the command would act on the last one only.

        Raises:
            click.BadParameter: an option or an argument is empty, or an option is repeated that cannot be.
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
        """The options in their groups, all with the same column, then what goes with them."""
        sections: dict[str, list[Row]] = {"Options": [], **{heading: [] for heading in _GROUPS}}
        headings = {name: heading for heading, names in _GROUPS.items() for name in names}
        for parameter in self.get_params(ctx):
            # What an argument is, the text above says.
            row = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if row is not None:
                sections[headings.get(parameter.name or "", "Options")].append(row)
        sections |= {"Files": _files(self), "Environment": _environment(self), "Exit codes": _codes(self)}
        write_sections(formatter, sections)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        """The examples, under a heading like the others."""
        write_epilog(formatter, self.epilog or "")


def write_epilog(formatter: click.HelpFormatter, epilog: str) -> None:
    """What stands at the end of a page, with its headings at the margin."""
    formatter.write_paragraph()
    formatter.write_text(epilog)


def write_sections(formatter: click.HelpFormatter, sections: Mapping[str, Sequence[Row]]) -> None:
    """Sections of two columns, all of them with the second at the same place; those without rows are left out."""
    widths = [len(first) for rows in sections.values() for first, _ in rows]
    common = max((width for width in widths if width <= _WIDEST), default=0)
    for heading, rows in sections.items():
        if rows:
            with formatter.section(heading):
                formatter.write_dl([(first.ljust(common), second) for first, second in rows], col_max=common)


def _names(command: click.Command) -> frozenset[str]:
    return frozenset(parameter.name for parameter in command.params if parameter.name)


def _files(command: click.Command) -> list[Row]:
    """What it reads and writes, besides what its arguments name."""
    names = _names(command)
    rows = list(_FILES.get(command.name or "", ()))
    if "env" in names:
        rows.append(("reconciler.yaml", "The root file, where a folder is named; and what it includes."))
    if "profile" in names:
        rows.append(("~/.twilio-cli/config.json", "The profiles of the Twilio CLI (--profile, TWILIO_CONFIG_DIR)."))
    return rows


def _environment(command: click.Command) -> list[Row]:
    """The variables that it heeds, as far as what it takes tells them."""
    names = _names(command)
    rows: list[Row] = []
    if "api_url" in names:
        rows += [
            ("TWILIO_ACCOUNT_SID", "The account."),
            ("TWILIO_API_KEY, TWILIO_API_SECRET", "The key to ask with."),
            ("TWILIO_AUTH_TOKEN", "The account's own token, in the place of a key."),
            ("TWILIO_REGION, TWILIO_EDGE", "The account's region, and the edge; each implies the other."),
        ]
    if command.name in {"plan", "apply"}:
        rows.append(("RECONCILER_PLAN_KEY", "Lets a plan made with one key be applied with another, secrets included."))
    if "env" in names and command.name != "diff":
        rows.append(("any", "What the files name as ${env:NAME} or ${secret:NAME}."))
    rows += [
        (str(parameter.envvar), f"As {parameter.opts[0]}, which wins.")
        for parameter in command.params
        if parameter.envvar
    ]
    if "no_color" in names:
        rows.append(("NO_COLOR, FORCE_COLOR, COLUMNS", "Whether there are colours, and how wide the text is."))
    if command.name == "completion":
        rows.append(("SHELL", "The shell, where none is named."))
    return rows


def _codes(command: click.Command) -> list[Row]:
    own = _CODES.get(command.name or "", {})
    common: Iterable[int] = (code for code in _COMMON_CODES if code != 130 or command.name not in _NEVER_INTERRUPTED)
    codes = {0: _DONE} | {code: _COMMON_CODES[code] for code in common} | dict(own)
    return [(str(code), codes[code]) for code in sorted(codes)]
