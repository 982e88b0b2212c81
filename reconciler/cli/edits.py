"""Asks before edits of the configuration's files are written."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from reconciler.cli import console
from reconciler.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from reconciler.documents.acceptance import AcceptFile


def is_approved(document: AcceptFile) -> bool:
    """Ask for approval on the terminal.

    Raises:
        UsageError: There is no terminal.
    """
    if not (console.is_terminal(sys.stdin) and console.is_terminal(sys.stderr)):
        raise UsageError("no terminal to ask for approval, so no file was changed. Use --yes, or --dry-run")
    number = len(document.files)
    what = "this file" if number == 1 else f"these {number:,} files"
    if not console.err(f'Write {what}?\nOnly "yes" is accepted to approve. Enter a value: '):
        raise UsageError("the question could not be shown on the terminal. No file was changed")
    try:
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        raise Interrupted("interrupted. No file was changed") from None
    console.err("\n" if not answer.endswith("\n") else "")
    return answer.strip().lower() == "yes"
