"""Reports an error: as text on standard error, and in the requested format on standard output.

Takes the exception that ended a command; returns the exit code. The one place that handles internal errors: the
traceback goes to a private file, without messages that could contain a secret, and the screen shows the file's path.
"""

from __future__ import annotations

import errno
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import replace

import click

from reconciler import __version__
from reconciler.cli import console
from reconciler.cli.exit_codes import BUG, of_error, worst
from reconciler.cli.output import repository, workspace_folder
from reconciler.cli.root import VERBS
from reconciler.config.similar import closest
from reconciler.errors import ConfigError, Interrupted, ReconcilerError, UsageError
from reconciler.redaction import Redaction, may_be_secret
from reconciler.render.error_text import error_text

# Exceptions whose messages name parts of the program. The messages of all others may contain values, even secrets.
_HARMLESS = (AttributeError, ImportError, IndexError, NameError, NotImplementedError, RecursionError, TypeError)
_SHORTEST_SECRET = 4
_SYSTEM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE})
"""Errors of the machine, not of this program."""


def report(error: BaseException, arguments: Sequence[str]) -> int:
    """Report an error, and return the exit code.

    Args:
        error: The exception that ended the command.
        arguments: The command line, which names the format.
    """
    error = leaf(error)
    if isinstance(error, OSError) and error.errno in _SYSTEM:
        error = ReconcilerError(_system(error, arguments))
    code = of_error(error)
    usage = ""
    match error:
        case click.exceptions.Abort() | KeyboardInterrupt():
            error = Interrupted("interrupted")
        case click.ClickException():
            usage = _usage(error)
            error = UsageError(_click_message(error))
        case ConfigError():
            _name_variable(error, arguments)
        case ReconcilerError():
            pass
        case _:
            error = ReconcilerError(_bug(error, arguments))
    colour = console.takes_colour(sys.stderr, allowed="--no-color" not in arguments)
    text = usage + error_text(error, colour=colour, width=console.width_of(sys.stderr))
    match format_asked(arguments):
        case "json":
            from reconciler.documents.problems import error_document  # noqa: PLC0415 - most runs do without

            console.out(error_document(error, exit_code=code).to_json())
        case "sarif":
            from reconciler.render import sarif  # noqa: PLC0415 - most runs do without

            document = sarif.of_error(error, tool_version=__version__, exit_code=code, folder=workspace_folder())
            console.out(document)
        case "markdown":
            console.out(_as_markdown(error))
        case "github" if not console.unwritten():
            # The runner parses both streams for commands, and this can be turned off in only one of them.
            from reconciler.cli.github_log import LOG  # noqa: PLC0415 - most runs do without
            from reconciler.render import github  # noqa: PLC0415 - most runs do without

            LOG.write(text, github.commands(github.of_error(error), workspace_folder()), _as_markdown(error))
            return code
        case _:
            pass
    console.err(text)
    return code


def _name_variable(error: ConfigError, arguments: Sequence[str]) -> None:
    """Say of an unknown environment that it was set by an environment variable, unless `--env` names it."""
    if os.environ.get("RECONCILER_ENV") and not any(word.partition("=")[0] == "--env" for word in arguments):
        error.problems = tuple(
            replace(problem, hint=f"RECONCILER_ENV selects it; {problem.hint}")
            if problem.code == "unknown-environment"
            else problem
            for problem in error.problems
        )


def _as_markdown(error: BaseException) -> str:
    from reconciler.render.problems_markdown import error_markdown  # noqa: PLC0415 - most runs do without

    return error_markdown(error, repository())


def format_asked(arguments: Sequence[str]) -> str:
    """Return the format of a command line without parsing it, as it may be invalid; empty for none."""
    chosen = ""
    for position, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == "--format":
            chosen = next(iter(arguments[position + 1 :]), "")
        elif argument.startswith("--format="):
            chosen = argument.partition("=")[2]
    return chosen


def text_of(error: BaseException) -> str:
    """Return an error as text for standard error."""
    colour = console.takes_colour(sys.stderr)
    return error_text(error, colour=colour, width=console.width_of(sys.stderr))


def leaf(error: BaseException) -> BaseException:
    """Return the error of a group that decides the exit code."""
    while isinstance(error, BaseExceptionGroup):
        code = worst([of_error(one) for one in error.exceptions])
        error = next(one for one in error.exceptions if of_error(one) == code)
    return error


def _usage(error: click.ClickException) -> str:
    if not isinstance(error, click.UsageError) or error.ctx is None:
        return ""
    return f"{error.ctx.get_usage()}\nTry '{error.ctx.command_path} --help'.\n\n"


def _click_message(error: click.ClickException) -> str:
    """Return click's message, with the near miss, or the environment variable that the value came from."""
    if isinstance(error, click.NoSuchOption) and error.ctx is not None:
        names = [name for parameter in error.ctx.command.params for name in parameter.opts]
        if error.option_name in {"-v", "-V"}:
            meant = "--verbose" if error.option_name == "-v" and "--verbose" in names else "reconciler --version"
            return f"no such option {error.option_name}. Did you mean `{meant}`?"
        meant = closest(error.option_name, (name for name in names if name.startswith("--")))
        hint = f" Did you mean {meant}?" if meant else ""
        return f"no such option {error.option_name}.{hint}"
    if isinstance(error, click.BadParameter) and error.ctx is not None and error.param is not None:
        source = error.ctx.get_parameter_source(error.param.name or "")
        if source is click.core.ParameterSource.ENVIRONMENT and isinstance(error.param.envvar, str):
            return f"Invalid value of the environment variable {error.param.envvar}: {error.message}"
    message = error.format_message()
    is_export = isinstance(error, click.UsageError) and error.ctx is not None and error.ctx.info_name == "export"
    if is_export and "unexpected extra argument" in message:
        return f"{message}. export reads an account and takes no PATH. Use --out for the folder that it writes"
    return message


def _verb(arguments: Sequence[str]) -> str:
    return next((argument for argument in arguments if not argument.startswith("-")), "")


def _system(error: OSError, arguments: Sequence[str]) -> str:
    """Describe an error of the machine, without a path, which may contain anything."""
    again = ". Run `reconciler plan` to see what remains to be done" if _verb(arguments) == "apply" else ""
    return f"cannot continue: {error.strerror}{again}"


def _bug(error: BaseException, arguments: Sequence[str]) -> str:
    """Write the crash report to a file, and return the message."""
    sentence = "internal error. This is a bug in reconciler, not in your configuration or account."
    verb = _verb(arguments)
    text = "\n".join(_without_secrets(_crash_report(error, verb if verb in VERBS else "")))
    try:
        # mkstemp: mode 600, an unpredictable name, never through a link.
        descriptor, path = tempfile.mkstemp(prefix="reconciler-bug-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text + "\n")
    except OSError:
        return f"{sentence} The crash report could not be written to the temporary folder."
    again = " Run `reconciler plan` to see what remains to be done." if verb == "apply" else ""
    # The path is on its own line, to be copied.
    return f"{sentence}{again} Please report it with this crash report, which contains no values:\n{path}"


def _crash_report(error: BaseException, verb: str) -> Iterator[str]:
    yield f"reconciler {__version__} {verb}, exit code {BUG}"
    yield f"Python {platform.python_version()} on {platform.platform()}"
    chain: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in chain:
        chain.append(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    for one in reversed(chain):
        yield ""
        yield from "".join(traceback.format_tb(one.__traceback__)).splitlines()
        message = str(one) if _is_harmless(one) else "(message left out: it may contain values)"
        yield f"{type(one).__module__}.{type(one).__qualname__}: {message}"


def _is_harmless(error: BaseException) -> bool:
    """Return whether a message only names parts of the program: Python's own, raised in our code."""
    frames = list(traceback.walk_tb(error.__traceback__))
    return (
        isinstance(error, _HARMLESS)
        and bool(frames)
        and frames[-1][0].f_globals.get("__name__", "").partition(".")[0] == "reconciler"
    )


def _without_secrets(lines: Iterator[str]) -> Iterator[str]:
    """Replace the values of environment variables by their names, the longest first."""
    known = sorted(
        (
            (line, name)
            for name, value in os.environ.items()
            for line in value.splitlines()
            if len(line) >= _SHORTEST_SECRET
        ),
        key=lambda pair: (-len(pair[0]), pair[1]),
    )
    redact = Redaction(value for name, value in os.environ.items() if may_be_secret(name))
    for line in lines:
        clean = redact(line)
        for value, name in known:
            clean = clean.replace(value, f"${name}")
        yield clean
