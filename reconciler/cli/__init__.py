"""The command line: turns arguments into text and an exit code.

One module per command. Only these modules use click; they call `reconciler.workflow` to do the work and
`reconciler.render` to display the result. The module of a command is imported on first use, so ``reconciler --help``
costs no more than click.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # an interrupt during an import here would show a traceback
    from collections.abc import Sequence

__all__ = ["main"]

_INTERRUPTED = 130
"""The exit code of `reconciler.errors.Interrupted`, which has not been imported yet."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; see `reconciler.cli.entry.main`.

    An interrupt while Python imports the rest ends the command silently, without a traceback.
    """
    try:
        from reconciler.cli import entry  # noqa: PLC0415 - see above

        return entry.main(arguments)
    except KeyboardInterrupt:
        return _INTERRUPTED
