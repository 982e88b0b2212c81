"""The command line: turns arguments into text and an exit code.

One module per command. Only these modules use click; they call `reconciler.workflow` to do the work and
`reconciler.render` to display the result. The module of a command is imported on first use, so ``reconciler --help``
costs no more than click.
"""

from reconciler.cli.entry import main

__all__ = ["main"]
