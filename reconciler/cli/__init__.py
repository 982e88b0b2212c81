"""The command line: arguments in, text and an exit code out.

One module per verb. Only these modules know click; they call `reconciler.workflow` for everything that is done and
`reconciler.render` for everything that is shown. A verb's module is imported when the verb is used, so that
``reconciler --help`` costs no more than click.
"""

from reconciler.cli.entry import main

__all__ = ["main"]
