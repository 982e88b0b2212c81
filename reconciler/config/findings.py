"""Findings: the problems of a configuration, each once, without secrets.

Takes problems, lines that contain secrets, and misspelled words; returns the problems ordered by place, with the lines
that must not be shown marked, and suggestions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler.config.lookalike import did_you_mean
from reconciler.config.similar import LONGEST, closest
from reconciler.errors import Place, Problem
from reconciler.kinds.vocabulary import former_word

# Comparing words takes time, and a hostile file may have many.
_MOST_COMPARISONS = 50_000
_MOST_CANDIDATES_LISTED = 1000
_MOST_CANDIDATES_REMEMBERED = 50
MOST_PROBLEMS = 10_000
"""The maximum number of problems; further ones are dropped, because a hostile file may have millions."""
_SHOWN = 60


def shown(text: str) -> str:
    """Return text of a file for a message: quoted, with visible control characters, and shortened."""
    cut = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    if cut.isprintable():
        return f'"{cut}"'
    return '"' + "".join(char if char.isprintable() else _visible(char) for char in cut) + '"'


def _visible(char: str) -> str:
    return ascii(char)[1:-1]


def with_article(words: str) -> str:
    """Return a noun with its indefinite article."""
    return f"an {words}" if words[:1] in set("aeiou") else f"a {words}"


def listed(words: Iterable[str], most: int = 12) -> str:
    """Return words as a list in a sentence: ``a, b and c``. Long lists are shortened."""
    every = list(words)
    if len(every) > most:
        return ", ".join(every[:most]) + ", …"
    return " and ".join([", ".join(every[:-1]), every[-1]] if len(every) > 1 else every)


class Findings:
    """Collects the problems found while one configuration is loaded."""

    def __init__(self) -> None:
        self._problems: dict[tuple[str, str, int, int, str], Problem] = {}
        self._concealed: set[tuple[str, int]] = set()
        self._comparisons = 0
        self._suggestions: dict[tuple[str, tuple[str, ...]], str] = {}

    # --- problems ---

    def error(
        self,
        code: str,
        message: str,
        place: Place | None,
        hint: str = "",
        *,
        related: Sequence[tuple[Place, str]] = (),
        address: str = "",
    ) -> None:
        """Add an error, unless the same one was added for the same place."""
        self._add(Problem(code, message, place, hint, "error", tuple(related), address))

    def warning(
        self,
        code: str,
        message: str,
        place: Place | None,
        hint: str = "",
        *,
        related: Sequence[tuple[Place, str]] = (),
        address: str = "",
    ) -> None:
        """Add a warning, unless the same one was added for the same place."""
        self._add(Problem(code, message, place, hint, "warning", tuple(related), address))

    def _add(self, problem: Problem) -> None:
        place = problem.place or Place("")
        if len(self._problems) >= MOST_PROBLEMS:
            problem = Problem(
                "too-many", f"there are more than {MOST_PROBLEMS} problems; the others are not shown", None
            )
            place = Place("")
        self._problems.setdefault((problem.code, place.file, place.line, place.column, problem.message), problem)

    def problems(self, *, strict: bool) -> tuple[Problem, ...]:
        """Return all problems ordered by place, with the lines that contain secrets marked.

        Args:
            strict: Whether warnings are errors.
        """
        found = []
        for problem in self._problems.values():
            place = problem.place
            if place is not None and (place.file, place.line) in self._concealed:
                problem = replace(problem, conceals=True)  # noqa: PLW2901 - the marked one takes its place
            found.append(replace(problem, severity="error") if strict else problem)
        return tuple(sorted(found, key=Problem.sort_key))

    # --- lines that hold secrets ---

    def conceal(self, file: str, first: int, last: int) -> None:
        """Record that these lines contain a secret."""
        self._concealed.update((file, line) for line in range(first, last + 1))

    def without_secrets(self, lines: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        """Return the lines of the files, with those that contain a secret emptied."""
        if not self._concealed:
            return lines
        files = {file for file, _ in self._concealed}
        return {
            file: (
                tuple("" if (file, number) in self._concealed else line for number, line in enumerate(text, 1))
                if file in files
                else text
            )
            for file, text in lines.items()
        }

    # --- suggestions ---

    def closest(self, word: str, candidates: Collection[str]) -> str:
        """Return the candidate that was probably meant; empty if none is similar."""
        if len(candidates) > _MOST_CANDIDATES_REMEMBERED:
            return self._find_closest(word, candidates)
        key = (word, tuple(candidates))
        if key not in self._suggestions:
            self._suggestions[key] = self._find_closest(word, candidates)
        return self._suggestions[key]

    def _find_closest(self, word: str, candidates: Collection[str]) -> str:
        if not word or len(word) > LONGEST or self._comparisons + len(candidates) > _MOST_COMPARISONS:
            return ""
        self._comparisons += len(candidates)
        if former := former_word(word, candidates):
            return former
        return closest(word, candidates)

    def instead(self, word: str, candidates: Collection[str], *, what: str = "use one of") -> str:
        """Return a hint for an unknown word: the candidate that was probably meant, or all candidates."""
        if len(self._problems) >= MOST_PROBLEMS:
            return ""  # for a problem that is not kept
        meant = self.closest(word, candidates)
        if meant:
            return did_you_mean(word, meant)
        if len(candidates) == 1:
            return f"the only one is {next(iter(candidates))}"
        if not candidates or len(candidates) > _MOST_CANDIDATES_LISTED:
            return ""
        return f"{what} {listed(sorted(candidates))}"
