"""Tests a module's tests: breaks the module in one place at a time, and reports what no test noticed.

    python -m tests.mutation                                               # every module of modules.yaml
    python -m tests.mutation reconciler/planning/ordering.py               # one of them
    python -m tests.mutation reconciler/planning/guards.py tests/planning/test_guards.py tests/planning/test_plan.py

Each mutant is the module with one condition inverted, dropped, or off by one, or one statement or element left out.
The tests run on it in the given order until one fails. A mutant that passes all of them is printed: it shows a missing
test, code that nothing needs, or an equivalent form of the same code. `modules.yaml` lists the tests of a module, and
the mutants that no test notices, each with the reason; these are not run, unless with `--all`, which reports those that
a test notices. Exits with status 1 if a mutant without a reason survives, or if the figures are not those that
`modules.yaml` has as the `result`. Takes seconds for each mutant.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.abc
import importlib.util
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from tests.mutation.mutants import Mutant, mutants_of

MODULES = Path(__file__).with_name("modules.yaml")
PRELOADED = ("click", "cryptography.x509", "httpx", "hypothesis", "pydantic", "sqlite3", "yaml", "xdist", "jsonschema")
"""Third-party packages that are imported once, before the processes for the mutants are forked."""
PYTEST_OPTIONS = ("-x", "-q", "-n0", "-p", "no:cacheprovider", "--assert=plain")
"""pytest rewrites the assertions of a package that has a plugin, and so would load the module as it is on the disk."""
NOT_LOADED = 86
"""The exit status of tests that pass without importing the module."""
TIMEOUT_SECONDS = 120
"""A mutant may wait forever; after this time it counts as noticed."""
CPU_FACTOR = 4
CPU_SECONDS = 5
"""A mutant may loop forever; it counts as noticed after so many times the CPU time of the unchanged module's tests, and
so many seconds more."""


@dataclass(frozen=True)
class Subject:
    """A module to break.

    Attributes:
        path: its file, relative to the root of the repository.
        tests: files of tests, the quickest first.
        equivalent: the mutants that no test can notice, by name, each with the reason.
        result: the figures of the last run with these tests; empty if they are not compared.
    """

    path: str
    tests: Sequence[str]
    equivalent: Mapping[str, str] = field(default_factory=dict)
    result: str = ""


class _MutantLoader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads the source of a mutant under the name of its module."""

    def __init__(self, name: str, path: str, source: str) -> None:
        self.name, self.path, self.source = name, path, source
        self.is_loaded = False

    def find_spec(
        self, name: str, _path: object = None, _target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != self.name:
            return None
        return importlib.util.spec_from_loader(name, self, origin=self.path)

    def exec_module(self, module: ModuleType) -> None:
        self.is_loaded = True
        exec(compile(self.source, self.path, "exec"), vars(module))


def start_tests(subject: Subject, source: str, cpu_seconds: int = resource.RLIM_INFINITY) -> int:
    """Run the tests on a source of the module in a new process, which exits with 0 if all of them pass.

    Args:
        subject: the module and its tests.
        source: the source to run instead of the module's.
        cpu_seconds: the CPU time after which the process is killed.

    Returns:
        The ID of the process.
    """
    child = os.fork()
    if child:
        return child
    os.setpgrp()
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)
    loader = _MutantLoader(subject.path.removesuffix(".py").replace("/", "."), subject.path, source)
    sys.meta_path.insert(0, loader)
    code = 1
    try:
        code = int(pytest.main([*PYTEST_OPTIONS, *subject.tests]))
        code = code or (0 if loader.is_loaded else NOT_LOADED)
    finally:
        os._exit(code)


def run_mutants(
    subject: Subject, mutants: Sequence[Mutant], jobs: int, cpu_seconds: int
) -> Iterator[tuple[Mutant, bool]]:
    """Run the tests on each mutant, and generate for each, as it ends, whether it survived."""
    running: dict[int, tuple[Mutant, float]] = {}
    waiting = list(mutants)
    done = 0
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop(0)
            running[start_tests(subject, mutant.source, cpu_seconds)] = (mutant, time.monotonic())
        time.sleep(0.05)
        for process, (mutant, since) in list(running.items()):
            ended, status = os.waitpid(process, os.WNOHANG)
            if not ended and time.monotonic() - since > TIMEOUT_SECONDS:
                os.killpg(process, signal.SIGKILL)
                ended, status = os.waitpid(process, 0)
            if ended:
                del running[process]
                done += 1
                if sys.stderr.isatty():
                    sys.stderr.write(f"\r{done} of {len(mutants)} ")
                yield mutant, status == 0


def check(subject: Subject, jobs: int, *, with_equivalent: bool) -> bool:
    """Print the survivors of a module and its figures; return whether nothing is left to answer."""
    source = Path(subject.path).read_text(encoding="utf-8")
    _, ended, usage = os.wait4(start_tests(subject, source), 0)
    status = os.waitstatus_to_exitcode(ended)
    if status:
        unused = "the tests do not import the module."
        print(f"{subject.path}: {unused if status == NOT_LOADED else 'the tests fail on the unchanged module.'}")
        return False
    mutants = list(mutants_of(source))
    known = subject.equivalent
    stale = sorted(known.keys() - {mutant.name for mutant in mutants})
    for name in stale:
        print(f"{MODULES.name}: {subject.path}: no such mutant: {name}")
    selected = [mutant for mutant in mutants if with_equivalent or mutant.name not in known]
    killed = survived = noticed = 0
    cpu_seconds = CPU_SECONDS + CPU_FACTOR * round(usage.ru_utime + usage.ru_stime)
    for mutant, is_survivor in run_mutants(subject, selected, jobs, cpu_seconds):
        killed += not is_survivor
        if is_survivor and mutant.name not in known:
            survived += 1
            print(f"{subject.path}:{mutant.line}: {mutant.name}", flush=True)
        elif not is_survivor and mutant.name in known:
            noticed += 1
            print(f"{MODULES.name}: {subject.path}: a test notices: {mutant.name}", flush=True)
    equivalent = len(known) - len(stale) - noticed
    result = f"{len(mutants)} mutants, {killed} killed, {equivalent} equivalent, {survived} survived"
    print(f"{subject.path}: {result}")
    has_changed = bool(subject.result) and result != subject.result
    if has_changed:
        print(f"{MODULES.name}: {subject.path}: the listed result was: {subject.result}")
    return not (stale or survived or noticed or has_changed)


def subjects(path: str | None, tests: Sequence[str]) -> list[Subject]:
    """Return the modules to break: the given one with its tests, or those that `modules.yaml` lists."""
    listed = [
        Subject(path=name, **entry) for name, entry in yaml.safe_load(MODULES.read_text(encoding="utf-8")).items()
    ]
    if path is None:
        return listed
    found = next((subject for subject in listed if subject.path == path), Subject(path, ()))
    return [Subject(path, tests, found.equivalent) if tests else found]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__.splitlines()[0])
    parser.add_argument("module", nargs="?", help="the file of the module to break; all listed ones if left out")
    parser.add_argument("tests", nargs="*", help="files of tests, the quickest first; the listed ones if left out")
    parser.add_argument("--all", action="store_true", help="run the mutants that are listed as equivalent too")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    selected = subjects(arguments.module, arguments.tests)
    if any(not subject.tests for subject in selected):
        parser.error(f"{arguments.module} is not in {MODULES.name}: name its tests")
    for name in PRELOADED:
        importlib.import_module(name)
    results = [check(subject, arguments.jobs, with_equivalent=arguments.all) for subject in selected]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
