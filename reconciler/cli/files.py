"""The files that commands read and write themselves: plan files, and what an export writes.

Takes paths as people typed them. Reads with a limit on size, because a plan file is hostile input. What is written is
either the old file or the new one, never half of it, and for its owner only where not told otherwise.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from reconciler.errors import PlanFileError, UsageError

PRIVATE = 0o600
READABLE = 0o644
SIZE_LIMIT = 128 * 1024 * 1024


def read_limited(path: str) -> bytes:
    """Read a file, or standard input for ``-``.

    Raises:
        PlanFileError: when it cannot be read, or is larger than any plan.
    """
    try:
        if path == "-":
            content = sys.stdin.buffer.read(SIZE_LIMIT + 1)
        else:
            with Path(path).open("rb") as file:
                content = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise PlanFileError(f"cannot read {path}: {error.strerror or error}") from None
    if len(content) > SIZE_LIMIT:
        raise PlanFileError(f"{path} is larger than {SIZE_LIMIT // 1024 // 1024} MB, which no plan is")
    return content


def check_replaceable(path: str) -> None:
    """Make sure that saving a plan destroys nothing else: what is there is empty, or a plan.

    Raises:
        UsageError: when it is something else, such as a file of the configuration.
    """
    from reconciler.documents.saved import format_of  # noqa: PLC0415 - help and completion do without

    try:
        if not Path(path).is_file():
            return  # A pipe would be waited for without an end; writing it is refused.
        with Path(path).open("rb") as file:
            content = file.read(SIZE_LIMIT)
    except OSError:
        return  # There is none, or writing it will tell why it cannot be written.
    if content and format_of(content) != "reconciler.plan":
        raise UsageError(f"cannot write {path}: it is there, and it is no plan; name another file")


def write_file(path: Path, text: str, mode: int = PRIVATE) -> None:
    """Write a file in one step; see `write_files`."""
    write_files({path: text}, mode)


def write_files(texts: Mapping[Path, str], mode: int = PRIVATE) -> None:
    """Write files, each in one step, and none before there is room for all.

    Args:
        texts: what, by where; what is there is replaced, in this order.
        mode: who may read and write them; nobody but their owner when left out.

    Raises:
        UsageError: when one cannot be written there.
    """
    temporaries: dict[Path, Path] = {}
    at = Path()
    try:
        for at, text in texts.items():
            if at.exists() and not at.is_file():
                raise UsageError(f"cannot write {at}: it is there, and it is no regular file")
            # Made with mode 600, in the same folder, so that taking the name over is one step.
            descriptor, temporary = tempfile.mkstemp(prefix=f".{at.name}.", suffix=".tmp", dir=at.parent)
            temporaries[at] = Path(temporary)
            with os.fdopen(descriptor, "wb") as file:
                file.write(text.encode("utf-8", "backslashreplace"))
                file.flush()
                os.fsync(file.fileno())
            if mode != PRIVATE:
                temporaries[at].chmod(mode)
        for at in texts:
            temporaries[at].replace(at)
            del temporaries[at]
    except OSError as error:
        raise UsageError(f"cannot write {at}: {error.strerror or error}") from None
    finally:
        for left in temporaries.values():
            left.unlink(missing_ok=True)
