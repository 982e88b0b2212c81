"""The hook for pre-commit, with the real pre-commit: installs what it needs, so only where there is a package index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.action.runner import ROOT, git

pytestmark = pytest.mark.slow

GOOD = """\
version: 1
services:
  support:
    friendly_name: Customer Support
    webhooks: {post_webhook_url: "https://hooks.example.com/?token=${secret:HOOK_TOKEN}"}
    roles:
      agent: {type: conversation, permissions: [sendMessage]}
"""
BROKEN = GOOD.replace("type: conversation,", "type: conversatoin,")


def of_this_repository(folder: Path) -> str:
    """A repository with the files that are here now; gives its commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return committed(folder)


def committed(folder: Path) -> str:
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "All of it")
    return git(folder, "rev-parse", "HEAD")


def test_a_good_configuration_passes_and_a_broken_one_does_not(tmp_path: Path) -> None:
    tool, desk = tmp_path / "tool", tmp_path / "desk"
    (desk / "conversations").mkdir(parents=True)
    tool.mkdir()
    hook = {"id": "reconciler-validate", "args": ["conversations"]}
    repositories = {"repos": [{"repo": str(tool), "rev": of_this_repository(tool), "hooks": [hook]}]}
    (desk / ".pre-commit-config.yaml").write_text(yaml.safe_dump(repositories))
    file = desk / "conversations" / "reconciler.yaml"
    file.write_text(GOOD)
    committed(desk)

    def pre_commit() -> subprocess.CompletedProcess[str]:
        git(desk, "add", "-A")
        # No secret is there, nor anything else of whoever runs this.
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(tmp_path),
            "PRE_COMMIT_HOME": str(tmp_path / "cache"), "LANG": "C.UTF-8", "NO_COLOR": "1",
            **{name: text for name, text in os.environ.items() if name.startswith(("PIP_", "SSL_"))},
        }  # fmt: skip
        return subprocess.run(
            [sys.executable, "-m", "pre_commit", "run"], cwd=desk, capture_output=True, text=True, check=False,
            env=environment,
        )  # fmt: skip

    file.write_text(GOOD + "x-note: changed\n")
    good = pre_commit()
    assert good.returncode == 0, good.stdout + good.stderr
    assert "reconciler validate" in good.stdout
    assert "Passed" in good.stdout

    file.write_text(BROKEN)
    broken = pre_commit()
    assert broken.returncode == 1
    assert "Failed" in broken.stdout
    assert "conversations/reconciler.yaml:7:21" in broken.stdout
    assert "did you mean conversation?" in broken.stdout

    # What is no part of a configuration is not its business.
    file.write_text(GOOD + "x-note: kept\n")
    committed(desk)
    (desk / "notes.txt").write_text("Nothing\n")
    assert "Skipped" in pre_commit().stdout
