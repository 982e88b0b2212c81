"""``reconciler completion``."""

from __future__ import annotations

import os

import click

from reconciler.cli import console
from reconciler.cli.exit_codes import DONE
from reconciler.cli.manual import Page

EPILOG = """\b
Examples:

\b
bash, in ~/.bashrc:
  eval "$(reconciler completion bash)"

\b
zsh, in ~/.zshrc, below compinit:
  eval "$(reconciler completion zsh)"

\b
fish, once:
  reconciler completion fish > ~/.config/fish/completions/reconciler.fish"""


@click.command(cls=Page, epilog=EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]), required=False, metavar="[bash|zsh|fish]")
def completion(shell: str | None) -> int:
    """Print the script that lets a shell complete commands, options and what follows them.

    The shell is that of the environment variable SHELL when left out. After --target, --exclude, --approve and --rotate
    the addresses of the files are offered, after --env their environments, after --profile the profiles of Twilio's own
    command line. The files are read as far as they can be; nothing is looked up in them, and no account is asked.
    """
    from reconciler.cli.entry import VARIABLE  # noqa: PLC0415 - it imports this module by name
    from reconciler.cli.root import ROOT  # noqa: PLC0415 - see above
    from reconciler.cli.shells import SHELLS  # noqa: PLC0415 - only needed here

    name = shell or os.path.basename(os.environ.get("SHELL", ""))  # noqa: PTH119 - a name is all that is wanted
    if name not in SHELLS:
        raise click.UsageError(f"which shell? There are: {', '.join(SHELLS)}.")
    console.out(SHELLS[name](ROOT, {}, "reconciler", VARIABLE).source())
    return DONE
