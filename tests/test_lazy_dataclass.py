"""Dataclasses that are built on first use behave like those of the standard library, and are built only then."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, field, replace
from functools import cached_property
from typing import Any, ClassVar, Generic, TypeVar

import pytest

from reconciler.lazy_dataclass import dataclass

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """A point."""

    x: int
    y: int = 0
    names: tuple[str, ...] = field(default_factory=tuple, compare=False)
    AXES: ClassVar[int] = 2

    @property
    def total(self) -> int:
        return self.x + self.y


@dataclass(frozen=True, slots=True)
class Named(Point):
    name: str = "here"
    weight: int = field(default=1, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name.upper())


@dataclass(frozen=True)
class Lazy:
    size: int
    extra: dict[str, int] = field(default_factory=dict)

    @cached_property
    def double(self) -> int:
        return 2 * self.size


@dataclass(slots=True)
class Counter:
    count: int = 0
    seen: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Box(Generic[Item]):
    item: Item


@dataclass(eq=False)
class Identity:
    value: int


def test_values_defaults_and_text() -> None:
    assert repr(Named(1, names=("a",))) == "Named(x=1, y=0, names=('a',), name='HERE')"
    assert repr(Lazy(2)) == "Lazy(size=2, extra={})"
    assert (Point(1, 2).total, Lazy(3).double, Point.AXES, Box[int](3).item) == (3, 6, 2, 3)
    assert Counter().seen is not Counter().seen


def test_comparison_and_hash() -> None:
    assert Point(1) == Point(1, names=("a",))
    assert Point(1) != Named(1)
    assert Point(1) < Point(1, 1)
    assert {Point(1), Point(1)} == {Point(1)}
    assert Identity(1) != Identity(1)
    with pytest.raises(TypeError, match="unhashable"):
        hash(Counter())


def test_frozen_means_frozen() -> None:
    point = Named(1)
    for name in ("x", "name", "other"):
        with pytest.raises(FrozenInstanceError, match=f"cannot assign to field '{name}'"):
            setattr(point, name, 2)
        with pytest.raises(FrozenInstanceError, match=f"cannot delete field '{name}'"):
            delattr(point, name)
    counter = Counter()
    counter.count = 3
    with pytest.raises(AttributeError):
        counter.other = 1  # type: ignore[attr-defined]


def test_the_standard_functions_work_before_the_first_instance() -> None:
    @dataclass(frozen=True, slots=True)
    class Fresh:
        first: int
        second: str = "b"

    assert dataclasses.is_dataclass(Fresh)
    assert [item.name for item in dataclasses.fields(Fresh)] == ["first", "second"]
    assert Fresh.__match_args__ == ("first", "second")
    assert replace(Fresh(1), second="c") == Fresh(1, "c")
    assert dataclasses.asdict(Fresh(1)) == {"first": 1, "second": "b"}
    match Point(7):
        case Point(x, y):
            assert (x, y) == (7, 0)


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))])
def test_copies(duplicate: Callable[[Any], Any]) -> None:
    for value in (Named(1, 2), Lazy(3), Counter(4)):
        assert duplicate(value) == value


def test_wrong_arguments_are_reported_as_usual() -> None:
    with pytest.raises(TypeError, match=re.escape("Point.__init__() missing 1 required positional argument: 'x'")):
        Point()  # type: ignore[call-arg]


def test_threads_that_create_the_first_instances() -> None:
    for _ in range(50):

        @dataclass(frozen=True, slots=True)
        class Fresh:
            value: int

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(Fresh, range(4))) == [Fresh(number) for number in range(4)]


def test_nothing_is_compiled_before_the_first_use() -> None:
    program = (
        "import dataclasses\n"
        "built = []\n"
        "standard = dataclasses._process_class\n"
        "dataclasses._process_class = lambda cls, *rest: built.append(cls.__name__) or standard(cls, *rest)\n"
        "import reconciler.errors\n"
        "print(built)\n"
        "place = reconciler.errors.Place('a.yaml', 3)\n"
        "print(built, place)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n['Place'] a.yaml:3\n"


def test_own_comparison_is_kept_and_hashed_by_value() -> None:
    @dataclass(frozen=True, slots=True)
    class Loose:  # noqa: PLW1641 - the decorator adds it
        text: str
        other: int = 0

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Loose) and self.text == other.text

    assert Loose("a", 1) == Loose("a", 2)
    assert hash(Loose("a", 1)) != hash(Loose("a", 2))
    assert hash(Loose("a", 1)) == hash(Loose("a", 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    name: str = ""
    size: int


def test_fields_by_keyword_only() -> None:
    assert (Keyed(size=2).size, repr(Keyed(name="a", size=1))) == (2, "Keyed(name='a', size=1)")
    assert replace(Keyed(size=2), name="b") == Keyed(name="b", size=2)
    with pytest.raises(TypeError, match="positional"):
        Keyed("a", 1)  # type: ignore[call-arg]
    assert [item.kw_only for item in dataclasses.fields(Keyed)] == [True, True]
