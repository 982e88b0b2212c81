"""Pages of the documentation, laid out for a terminal."""

from __future__ import annotations

import re

import pytest

from reconciler.cli.docs import TOPICS
from reconciler.render.markdown_page import page_text
from reconciler.render.terminal import cells

PAGE = """\
# Title with `code`

<!-- exits 2 -->
A **paragraph** with a [link](other.md), one to [a part](#part), one with its [`target`](target), and
code that stays together: `apply --plan FILE`.

- one
- two, which is long enough to be filled at the width of this terminal
  1. inner

     ```sh
     reconciler plan conversations --emulator a-file-with-a-long-name.db
     ```

1. first

2. second

| key | meaning |
|---|---|
| `a` | short |
| `b \\| c` | long enough to be filled at the width of this terminal |

| method | first heading | second heading | third heading |
|---|---|---|---|
| `a-long-name` | a value of some length | | another value of length |
| b | – | x | y |

> quoted

---
"""
SHOWN = """\
# Title with `code`

A paragraph with a link (go other.md), one
to a part, one with its `target`, and code
that stays together: `apply --plan FILE`.

- one
- two, which is long enough to be filled
  at the width of this terminal
  1. inner

         reconciler plan conversations --emulator a-file-with-a-long-name.db

1. first

2. second

key      meaning
-------  ---------------------------------
`a`      short

`b | c`  long enough to be filled at the
         width of this terminal

`a-long-name`
  first heading: a value of some length
  third heading: another value of length

b
  first heading: –
  second heading: x
  third heading: y

> quoted

--------------------
"""


def follow(target: str) -> str:
    return "" if target.startswith("#") else target if target == "target" else f"go {target}"


def test_everything_that_pages_use_is_laid_out() -> None:
    assert page_text(PAGE, follow, colour=False, width=42) == SHOWN


def test_headings_are_bold_in_color() -> None:
    text = page_text("# A\n\n| k | v |\n|---|---|\n| a | b |\n", follow, colour=True, width=80)
    assert text == "\x1b[1m# A\x1b[0m\n\n\x1b[1mk  v\x1b[0m\n-  -\na  b\n"


@pytest.mark.parametrize("topic", TOPICS)
def test_no_page_is_wider_than_a_narrow_terminal(topic: str) -> None:
    text = page_text(TOPICS[topic].read(), lambda _: "", colour=False, width=80)
    wide = [line for line in text.splitlines() if cells(line) > 80]
    # Code is copied, and a path of the API is one word.
    assert [line for line in wide if not re.match(r" {4}|`/v1/", line)] == []


@pytest.mark.parametrize("topic", TOPICS)
def test_no_word_of_a_page_is_lost(topic: str) -> None:
    def words(text: str) -> list[str]:
        text = re.sub(r"<!--.*?-->|\]\([^)\s]*\)|\n *```\w*|^[|:\s-]+$", " ", text, flags=re.DOTALL | re.MULTILINE)
        return sorted(set(re.findall(r"[A-Za-z]{3,}", text)))

    text = TOPICS[topic].read()
    shown = set(words(page_text(text, lambda _: "", colour=False, width=80)))
    assert [word for word in words(text) if word not in shown] == []
