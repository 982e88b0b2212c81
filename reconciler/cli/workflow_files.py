"""Adapts the workflows of the examples to a repository: the folder, the environment, and the ledger.

Takes the text of a workflow or a pipeline; returns it with the lines that differ. Every other byte stays.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from reconciler.errors import UsageError

FOLDER = "conversations"
"""The folder that the examples plan, which is replaced."""
ENVIRONMENT = "prod"
"""The environment that the examples plan, which is replaced."""
WITH_LEDGER = "with-ledger"
"""The folder of the examples that need a ledger."""
REMOTE = "origin"
"""The only remote in the clone of a job. Sources: actions/checkout; GitLab Runner."""

_START = """\
# - Start the ledger once: run this workflow manually with the option --start-ledger, or see "Share the ledger" in
#   `reconciler docs baseline`.
"""
_GITLAB_STEPS = """\
# - Create a project access token with the role Developer and the scope write_repository. Set LEDGER_TOKEN to it, as a
#   masked and protected variable of the environment `production`: the job `apply` pushes the ledger with it. Start the
#   ledger once; see "Share the ledger" in `reconciler docs baseline`.
"""
_GITLAB_ACCEPT = """\
# - Create another such token. Set ACCEPT_TOKEN to it, as a masked and protected variable of the environment
#   `conversations-accept`: the job `accept` pushes the branch of a merge request with it.
"""
_GITLAB_PUSH = """\
    # The token is only in the environment of this job, not in its clone.
    - export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=remote.origin.pushurl
    - export GIT_CONFIG_VALUE_0="$CI_SERVER_PROTOCOL://reconciler:$LEDGER_TOKEN@${CI_REPOSITORY_URL#*@}"
"""


def workflow_examples(folder: Path, pattern: str, *, with_ledger: bool) -> dict[str, str]:
    """Return the texts of the workflows to write, by name.

    Args:
        folder: The examples.
        pattern: The pattern of their names.
        with_ledger: Whether to use those for a ledger, which replace others of the same name, or extend the pipeline.
    """
    files = {file.name: file.read_text(encoding="utf-8") for file in sorted(folder.glob(pattern))}
    for more in sorted((folder / WITH_LEDGER).iterdir()) if with_ledger else ():
        text = more.read_text(encoding="utf-8")
        if more.name in files:
            files[more.name] = text
        else:  # jobs, for the only file
            files = {name: former + text for name, former in files.items()}
    return files


def for_folder(workflow: str, folder: str) -> str:
    """Replace the folder that the examples plan."""
    if folder == FOLDER:
        return workflow
    if not re.fullmatch(r"[\w.][\w./-]*", folder):
        raise UsageError(f"the folder name {folder!r} needs quotes in workflows. Use only letters, digits, -, and _")
    below = "" if folder == "." else f"{folder}/"
    # In YAML, a text that begins with a star needs quotes.
    quote = '"' if not below else ""
    text = re.sub(rf"\b{FOLDER}/(\*\*(?:/\*)?)", lambda found: f"{quote}{below}{found[1]}{quote}", workflow)
    return re.sub(rf"((?:\bpath|CONFIGURATION): ){FOLDER}$", rf"\g<1>{folder}", text, flags=re.MULTILINE)


def for_environment(workflow: str, environment: str) -> str:
    """Replace the environment that the examples plan; remove it if there is none."""
    if environment:
        name = environment if re.fullmatch(r"[A-Za-z_][\w-]*", environment) else json.dumps(environment)
        return re.sub(
            r"^( *(?:env|CONFIGURATION_ENV): )prod$", lambda found: found[1] + name, workflow, flags=re.MULTILINE
        )
    text = re.sub(r"^ *(?:env|CONFIGURATION_ENV): prod\n", "", workflow, flags=re.MULTILINE)
    return text.replace(' --env "$CONFIGURATION_ENV"', "")


def github_with_ledger(workflow: str, prefix: str) -> str:
    """Add a ledger to a GitHub workflow: the whole history, the refs, and in the job that applies, the right to push.

    Args:
        workflow: The text.
        prefix: The prefix of the ledger's refs.
    """
    text = re.sub(r"^ +ledger: .+\n", "", workflow, flags=re.MULTILINE)
    text = re.sub(
        r"persist-credentials: false(?:, fetch-depth: [02])?}", "persist-credentials: false, fetch-depth: 0}", text
    )
    text = re.sub(r"^( +)persist-credentials: false\n", r"\g<0>\1fetch-depth: 0\n", text, flags=re.MULTILINE)
    text = re.sub(
        r"^( +)command: (?:plan|reviewed|apply|drift)\n", rf"\g<0>\1ledger: {prefix}\n", text, flags=re.MULTILINE
    )
    before, mark, job = text.partition("\n  apply:\n")
    if not mark:
        return text
    before = before.replace("# Before you use it:\n", f"# Before you use it:\n{_START}", 1)
    # Without changes too: the ledger records what the configuration declares.
    job = re.sub(r"^ +if: needs\.reviewed\.outputs\.has-changes == 'true'\n", "", job, count=1, flags=re.MULTILINE)
    job = job.replace("contents: read\n", "contents: write # to push the ledger\n", 1)
    # A saved plan does not store this option.
    started = "${{ inputs.options == '--start-ledger' && inputs.options || '' }}"
    job = re.sub(r"^( +)plan: .+\n", rf"\g<0>\1args: {started}\n", job, count=1, flags=re.MULTILINE)
    return before + mark + job


def gitlab_with_ledger(pipeline: str, prefix: str) -> str:
    """Add a ledger to a GitLab pipeline: the whole history, the refs, and in the job that applies, a token to push.

    Args:
        pipeline: The text.
        prefix: The prefix of the ledger's refs.
    """
    text = pipeline.replace(
        "# - Protect the environment `production`", f"{_GITLAB_STEPS}# - Protect the environment `production`", 1
    )
    if "\naccept-edits:\n" in text:
        text = text.replace(
            "# - Protect the environment `production`", f"{_GITLAB_ACCEPT}# - Protect the environment `production`", 1
        )
    text = text.replace("variables:\n", 'variables:\n  GIT_DEPTH: "0" # the ledger needs the whole history\n', 1)
    text = text.replace("git fetch --quiet --depth 1 origin", "git fetch --quiet origin")
    fetch = f"    - git fetch --quiet origin '+{prefix}/*:{prefix}/*'\n"
    for job, more in (("plan", ""), ("apply", _GITLAB_PUSH), ("drift", ""), ("accept-edits", "")):
        before, mark, rest = text.partition(f"\n{job}:\n")
        text = before + mark + rest.replace("  script:\n", f"  script:\n{fetch}{more}", 1)
    return text
