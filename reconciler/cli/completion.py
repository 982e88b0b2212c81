"""``reconciler completion``."""

from __future__ import annotations

import os

import click

from reconciler.cli import console
from reconciler.cli.choices import Choices
from reconciler.cli.exit_codes import DONE
from reconciler.cli.manual import Page

EPILOG = """\b
Examples:

\b
bash, in ~/.bashrc:
  eval "$(reconciler completion bash)"

\b
zsh, in ~/.zshrc, after compinit:
  eval "$(reconciler completion zsh)"

\b
fish, run once:
  reconciler completion fish > ~/.config/fish/completions/reconciler.fish"""


@click.command(cls=Page, epilog=EPILOG)
@click.argument("shell", type=Choices(["bash", "zsh", "fish"]), required=False, metavar="[bash|zsh|fish]")
def completion(shell: str | None) -> int:
    """Print a script that completes commands, options, and their values in a shell.

    The default is the shell in the environment variable SHELL. The script completes addresses after --target,
    --exclude, --approve, and --rotate, environments after --env, and Twilio CLI profiles after --profile. It reads the
    configuration as far as it is valid, but no environment variables and no account.
    """
    from reconciler.cli.entry import VARIABLE  # noqa: PLC0415 - it imports this module by name
    from reconciler.cli.root import ROOT  # noqa: PLC0415 - see above
    from reconciler.cli.shells import SHELLS  # noqa: PLC0415 - only needed here

    name = shell or os.path.basename(os.environ.get("SHELL", ""))  # noqa: PTH119 - only the name counts
    if name not in SHELLS:
        raise click.UsageError(f"unknown shell. Use one of {', '.join(SHELLS)}.")
    console.out(SHELLS[name](ROOT, {}, "reconciler", VARIABLE).source())
    return DONE
