"""Our Markdown pages, taken apart: blocks, tables, links, and the commands that they show.

A fenced block may have a comment right above it that says how it is meant:

| comment               | meaning                                                                  |
|-----------------------|--------------------------------------------------------------------------|
| `command:NAME`        | a command that `.ci/run` reads out of the README                         |
| `file: PATH`          | the block is the whole text of that file from here on                    |
| `a part of a configuration` | YAML that is not valid on its own                                     |
| `not a configuration` | YAML of something else, such as a workflow                               |
| `not run: REASON`     | commands that a test cannot run                                          |
| `exits N`             | the exit status of the block's last command                              |
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = tuple(
    sorted(
        str(path.relative_to(REPOSITORY))
        for pattern in (
            "README.md", "reconciler/docs/*.md", "reconciler/emulator/README.md", "schemas/README.md",
            "examples/README.md", "examples/ledger/README.md", ".github/actions/reconcile/README.md",
        )
        for path in REPOSITORY.glob(pattern)
    )
)  # fmt: skip
"""Pages for users, relative to the repository."""
_BLOCK = re.compile(r"(?:<!-- ([^>]*) -->\n)?```(\w+)\n(.*?)```", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block.

    Attributes:
        line: where it starts in the page.
        language: the word after the fence.
        comment: the comment right above it; empty for none.
        text: what it holds.
    """

    line: int
    language: str
    comment: str
    text: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command that a page shows.

    Attributes:
        text: the command line.
        output: the lines that the page shows below it; None if it shows none.
        exits: the exit status that it should have.
    """

    text: str
    output: tuple[str, ...] | None
    exits: int


def read(page: str) -> str:
    """Return the text of a page."""
    return (REPOSITORY / page).read_text(encoding="utf-8")


def blocks(page: str, *languages: str) -> list[Block]:
    """Return the fenced blocks of these languages, in order."""
    text = read(page)
    return [
        Block(text.count("\n", 0, match.start()) + 1, match[2], match[1] or "", match[3])
        for match in _BLOCK.finditer(text)
        if match[2] in languages
    ]


def commands(block: Block) -> Iterator[Command]:
    """Take a block of a shell or of a terminal apart.

    A command exits with status 1 if the output that is shown has an error, with the status of the comment if it is the
    last one of the block, and otherwise with 0.
    """
    if block.language == "sh":
        # What installs the tool comes before the last `&&`.
        lines = [line.rpartition("&& .venv/bin/")[2] for line in block.text.replace("\\\n", " ").split("\n")]
        found = [Command(line, None, 0) for line in map(str.strip, lines) if line and not line.startswith("#")]
    else:
        found = []
        for step in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            text, *output = step.rstrip("\n").split("\n")
            found.append(Command(text, tuple(output), int(any(line.startswith("error") for line in output))))
    if found and (exits := re.fullmatch(r"exits (\d+)", block.comment)):
        found[-1] = Command(found[-1].text, found[-1].output, int(exits[1]))
    yield from found


def table(page: str, first_heading: str) -> list[list[str]]:
    """Return the rows of the table whose first column has this heading, cells without their padding."""
    _, found, rest = read(page).partition(f"\n| {first_heading} |")
    assert found, first_heading
    lines = rest.partition("\n\n")[0].rstrip("\n").split("\n")[2:]
    return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    outside = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", outside, re.MULTILINE)
    }


def links(text: str) -> list[str]:
    """Return the targets of all links and images."""
    outside = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"\]\(([^)\s]+)\)", outside)
