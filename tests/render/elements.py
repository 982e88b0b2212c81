"""Reading a page back: its elements, strictly nested, and nothing that a browser would have to repair."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TypeAlias

VOID = frozenset({"br", "input", "meta"})

Element: TypeAlias = tuple[str, tuple[tuple[str, str | None], ...], tuple["Element", ...]]
"""A name, the attributes, and the elements within."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.path: list[tuple[str, tuple[tuple[str, str | None], ...], list[Element]]] = [("", (), [])]
        self.odd: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.path.append((tag, tuple(attrs), []))
        if tag in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        name, attributes, inner = self.path.pop()
        assert name == tag, f"</{tag}> closes <{name}>"
        self.path[-1][2].append((name, attributes, tuple(inner)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        self.odd.append(f"comment {data}")

    def handle_pi(self, data: str) -> None:
        self.odd.append(f"instruction {data}")

    def unknown_decl(self, data: str) -> None:
        self.odd.append(f"declaration {data}")


def read(page: str) -> tuple[Element, str]:
    """The root element of a page, and its text.

    Raises:
        AssertionError: when something is not closed, closed twice, or is neither element nor text.
    """
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert reader.odd == []
    assert len(reader.path) == 1, f"never closed: {[name for name, _, _ in reader.path[1:]]}"
    [root] = reader.path[0][2]
    return root, "".join(reader.words)


def shape(element: Element) -> tuple[object, ...]:
    """What an element is without what people wrote: names of elements and attributes, and our classes."""
    name, attributes, inner = element
    kept = tuple((key, value if key == "class" else "") for key, value in attributes)
    return (name, kept, tuple(shape(child) for child in inner))


def every(element: Element) -> list[Element]:
    """An element and all within it, in the order of the page."""
    found = [element]
    for child in element[2]:
        found += every(child)
    return found
