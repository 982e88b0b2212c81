"""Installs `reconciler` into its own virtual environment, and creates the folder that the steps share.

Code that pip runs sees only the environment variables that pip needs, so it cannot read a secret.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from reconcile_steps.job import Failed, Job

ACTION = Path(__file__).resolve().parents[1]
ROOT = ACTION.parents[2]
"""The repository that contains the action: GitHub fetches it at the commit that a workflow names."""

INSTALLED = "installed"
_NEEDED = re.compile(r"PATH|HOME|LANG|LC_\w+|TMPDIR|SSL_CERT_\w+|PIP_\w+|(?i:https?_proxy|no_proxy|all_proxy)")


def main(job: Job) -> int:
    """Install the package of the input `package`; set the outputs `reconciler` and `folder`.

    With the command `install`, later steps find `reconciler` on the PATH, without the rest of its environment. The
    commands `unchanged` and `accept` need no package.
    """
    folder = tempfile.mkdtemp(prefix="reconciler-", dir=job.variable("RUNNER_TEMP"))
    job.output("folder", folder)
    if job.input("command") in {"unchanged", "accept"}:
        return 0
    command = _command(job)
    job.output("reconciler", command)
    if job.input("command") == "install":
        (Path(folder) / "bin").mkdir()
        (Path(folder) / "bin" / "reconciler").symlink_to(command)
        job.add_path(str(Path(folder) / "bin"))
    return 0


def _command(job: Job) -> str:
    package = job.input("package")
    if package == INSTALLED:
        found = shutil.which("reconciler", path=job.environment.get("PATH"))
        if found is None:
            raise Failed(
                "reconciler is not on the PATH. Add a step with `command: install` before, or remove `package`"
            )
        return found
    name = hashlib.sha256(f"{ROOT}\0{package}".encode()).hexdigest()[:12]
    folder = Path(job.variable("RUNNER_TEMP")) / f"reconciler-environment-{name}"
    done = folder / "done"
    if not done.exists():
        _install(job, package, folder)
        done.touch()
    return str(folder / "bin" / "reconciler")


def _install(job: Job, package: str, folder: Path) -> None:
    environment = {name: text for name, text in job.environment.items() if _NEEDED.fullmatch(name)}
    if not package and not (ROOT / "reconciler" / "__init__.py").is_file():
        raise Failed(
            "the action was copied without its repository. Name the repository in `uses`, or the package to install "
            "in `package`"
        )

    def call(*words: str) -> None:
        # In the action's folder: in the workspace, Python would import modules that a pull request added.
        subprocess.run([*words], cwd=ACTION, env=environment, check=True)  # noqa: S603 - our own words

    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    try:
        call(sys.executable, "-m", "venv", "--clear", str(folder))
        if package:
            call(*pip, package)
        else:
            # Exactly the files that were tested, byte for byte.
            call(*pip, "--require-hashes", "--only-binary", ":all:", "--requirement", "requirements.txt")
            call(*pip, "--no-deps", "--no-index", "--no-build-isolation", str(ROOT))
    except subprocess.CalledProcessError as failure:
        raise Failed(f"reconciler could not be installed: pip exited with status {failure.returncode}") from None
