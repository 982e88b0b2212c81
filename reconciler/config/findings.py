"""Collects what is wrong with the files, once each, without ever showing a secret.

Takes problems, lines that hold secrets, and misspelt words; gives the problems in the order of their places, marked
where a line may not be shown, and suggestions. It knows nothing of YAML, and of kinds only what other products call
their words.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from reconciler.config.lookalike import did_you_mean
from reconciler.errors import Place, Problem
from reconciler.kinds.vocabulary import former_word

# Comparing words costs time, and a hostile file has many to compare.
_MOST_COMPARISONS = 50_000
_LONGEST_WORD = 100
_MOST_CANDIDATES_LISTED = 1000
_MOST_CANDIDATES_REMEMBERED = 50
MOST_PROBLEMS = 10_000
"""More are not kept: nobody reads them, and a hostile file may have millions."""
_SHOWN = 60


def shown(text: str) -> str:
    """Text of a file as part of a message: quoted, control characters visible, not too long."""
    cut = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    if cut.isprintable():
        return f'"{cut}"'
    return '"' + "".join(char if char.isprintable() else _visible(char) for char in cut) + '"'


def _visible(char: str) -> str:
    return ascii(char)[1:-1]


def with_article(words: str) -> str:
    """A noun with its indefinite article."""
    return f"an {words}" if words[:1] in set("aeiou") else f"a {words}"


def listed(words: Iterable[str], most: int = 12) -> str:
    """Words as they are read out: ``a, b and c``; the end is left out when there are many."""
    every = list(words)
    if len(every) > most:
        return ", ".join(every[:most]) + ", …"
    return " and ".join([", ".join(every[:-1]), every[-1]] if len(every) > 1 else every)


class Findings:
    """Everything that was found while one configuration was read."""

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
        """Keep an error. The same one at the same place is kept once, by whichever way it is met again."""
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
        """Keep a warning, as `error` keeps an error."""
        self._add(Problem(code, message, place, hint, "warning", tuple(related), address))

    def _add(self, problem: Problem) -> None:
        place = problem.place or Place("")
        if len(self._problems) >= MOST_PROBLEMS:
            problem = Problem("too-many", f"there are more than {MOST_PROBLEMS} problems; the rest is not shown", None)
            place = Place("")
        self._problems.setdefault((problem.code, place.file, place.line, place.column, problem.message), problem)

    def problems(self, *, strict: bool) -> tuple[Problem, ...]:
        """Everything found, in order of places, with the lines that hold secrets marked.

        Args:
            strict: make errors of warnings.
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
        """Remember that these lines hold a secret."""
        self._concealed.update((file, line) for line in range(first, last + 1))

    def without_secrets(self, lines: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        """The lines of the files with those emptied that hold a secret."""
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
        """The candidate that was probably meant; empty when none is near."""
        if len(candidates) > _MOST_CANDIDATES_REMEMBERED:
            return self._find_closest(word, candidates)
        key = (word, tuple(candidates))
        if key not in self._suggestions:
            self._suggestions[key] = self._find_closest(word, candidates)
        return self._suggestions[key]

    def _find_closest(self, word: str, candidates: Collection[str]) -> str:
        if not word or len(word) > _LONGEST_WORD or self._comparisons + len(candidates) > _MOST_COMPARISONS:
            return ""
        self._comparisons += len(candidates)
        if former := former_word(word, candidates):
            return former
        by_lower = {item.lower(): item for item in sorted(candidates, reverse=True) if len(item) <= _LONGEST_WORD}
        near = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
        return by_lower[near[0]] if near else ""

    def instead(self, word: str, candidates: Collection[str], *, what: str = "known are") -> str:
        """A hint for a word that is none of the candidates: the one that was meant, or all of them."""
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
