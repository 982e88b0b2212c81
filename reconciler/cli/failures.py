"""Telling an error: as text on standard error, as JSON on standard output too where that was asked for.

Takes the exception that ended a command; gives the exit code. The one place that meets bugs: their traceback goes to a
file of the user's own, without the messages that could hold a secret, and a sentence on the screen says where.
"""

from __future__ import annotations

import errno
import os
import platform
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence

import click

from reconciler import __version__
from reconciler.cli import console
from reconciler.cli.exit_codes import BUG, of_error, worst
from reconciler.cli.output import repository, workspace_folder
from reconciler.cli.root import VERBS
from reconciler.errors import Interrupted, ReconcilerError, UsageError
from reconciler.redaction import Redaction, may_be_secret
from reconciler.render.error_text import error_text

# Exceptions whose messages name parts of the program. The messages of all others may hold values, so secrets.
_TELLING = (AttributeError, ImportError, IndexError, NameError, NotImplementedError, RecursionError, TypeError)
_SHORTEST_SECRET = 4
_SYSTEM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO, errno.EMFILE, errno.ENFILE})
"""What is wrong with the machine, and not with us."""


def tell(error: BaseException, arguments: Sequence[str]) -> int:
    """Tell an error and say what to end with.

    Args:
        error: what ended the command.
        arguments: the command line, which says in which format to tell it.
    """
    error = _leaf(error)
    if isinstance(error, OSError) and error.errno in _SYSTEM:
        error = ReconcilerError(_system(error, arguments))
    code = of_error(error)
    usage = ""
    match error:
        case click.exceptions.Abort() | KeyboardInterrupt():
            error = Interrupted("interrupted")
        case click.ClickException():
            usage = _usage(error)
            error = UsageError(error.format_message())
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

            told = sarif.of_error(error, tool_version=__version__, exit_code=code, folder=workspace_folder())
            console.out(told)
        case "markdown":
            console.out(_as_markdown(error))
        case "github" if not console.unwritten():
            # The runner reads commands out of both streams, and only in one of them it can be told not to.
            from reconciler.cli.github_log import LOG  # noqa: PLC0415 - most runs do without
            from reconciler.render import github  # noqa: PLC0415 - most runs do without

            LOG.tell(text, github.commands(github.of_error(error), workspace_folder()), _as_markdown(error))
            return code
        case _:
            pass
    console.err(text)
    return code


def _as_markdown(error: BaseException) -> str:
    from reconciler.render.problems_markdown import error_markdown  # noqa: PLC0415 - most runs do without

    return error_markdown(error, repository())


def format_asked(arguments: Sequence[str]) -> str:
    """The format that a command line asks for, told without parsing it: it may be what is wrong; empty for none."""
    chosen = ""
    for position, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == "--format":
            chosen = next(iter(arguments[position + 1 :]), "")
        elif argument.startswith("--format="):
            chosen = argument.partition("=")[2]
    return chosen


def _leaf(error: BaseException) -> BaseException:
    """Of a group of errors, one of those that decide the exit code."""
    while isinstance(error, BaseExceptionGroup):
        code = worst([of_error(one) for one in error.exceptions])
        error = next(one for one in error.exceptions if of_error(one) == code)
    return error


def _usage(error: click.ClickException) -> str:
    if not isinstance(error, click.UsageError) or error.ctx is None:
        return ""
    return f"{error.ctx.get_usage()}\nTry '{error.ctx.command_path} --help'.\n\n"


def _verb(arguments: Sequence[str]) -> str:
    return next((argument for argument in arguments if not argument.startswith("-")), "")


def _system(error: OSError, arguments: Sequence[str]) -> str:
    """Where it happened is not told: a name may hold anything."""
    again = "; `reconciler plan` says what is left to do" if _verb(arguments) == "apply" else ""
    return f"this machine cannot go on: {error.strerror}{again}"


def _bug(error: BaseException, arguments: Sequence[str]) -> str:
    """Keep the traceback in a file, and say so."""
    sentence = "this is a bug in reconciler, not in your files or your account."
    verb = _verb(arguments)
    text = "\n".join(_without_secrets(_report(error, verb if verb in VERBS else "")))
    try:
        # mkstemp: mode 600, a name that nobody can guess, never through a link.
        descriptor, path = tempfile.mkstemp(prefix="reconciler-bug-", suffix=".txt")
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text + "\n")
    except OSError:
        return f"{sentence} Its traceback could not be written to the temporary folder."
    again = " `reconciler plan` says what is left to do." if verb == "apply" else ""
    # The path stands on a line of its own, to be copied.
    return f"{sentence}{again} Please report it with this file, which holds the traceback and no values:\n{path}"


def _report(error: BaseException, verb: str) -> Iterator[str]:
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
        message = str(one) if _is_telling(one) else "(message left out: it may hold values)"
        yield f"{type(one).__module__}.{type(one).__qualname__}: {message}"


def _is_telling(error: BaseException) -> bool:
    """Whether a message names parts of the program: Python's own, raised in our code. A library's may quote values."""
    frames = list(traceback.walk_tb(error.__traceback__))
    return (
        isinstance(error, _TELLING)
        and bool(frames)
        and frames[-1][0].f_globals.get("__name__", "").partition(".")[0] == "reconciler"
    )


def _without_secrets(lines: Iterator[str]) -> Iterator[str]:
    """The same lines with the contents of environment variables as their names, the longest first."""
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
