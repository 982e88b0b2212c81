"""The command line: arguments in, text and an exit code out.

One module per command. Only these modules use click; they call `reconciler.workflow` for what is done and
`reconciler.render` for what is shown. The module of a command is imported on first use, so ``reconciler --help`` costs
no more than click.
"""

from reconciler.cli.entry import main

__all__ = ["main"]
