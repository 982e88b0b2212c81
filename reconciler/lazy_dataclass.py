"""`dataclass` as in the standard library, but built on first use.

The standard decorator compiles half a dozen methods for each class, half a millisecond that a command pays for every
class it imports, although it creates instances of few. Here, a class gets its methods when its first instance is
created or its fields are first read. From then on it is what the standard decorator makes of it. Type checkers see the
standard decorator. Imports nothing of the package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    import dataclasses
    from _thread import RLock
    from functools import partial

    _LAZY = ("__dataclass_fields__", "__dataclass_params__", "__match_args__")
    _lock = RLock()

    def dataclass(cls: type | None = None, /, *, slots: bool = False, **options: bool) -> Any:
        """Make a class a dataclass, as `dataclasses.dataclass` does, on first use."""
        return partial(_defer, slots=slots, **options) if cls is None else _defer(cls, slots=slots, **options)

    def _defer(declared: type, *, slots: bool, **options: bool) -> type:
        """Return the class without its methods, which are added on first use."""
        # The standard decorator works on this copy, which keeps the defaults, so that no thread sees half of a class.
        body = {name: value for name, value in vars(declared).items() if name not in {"__dict__", "__weakref__"}}
        cls = _with_slots(declared, body) if slots else declared

        def build() -> None:
            with _lock:
                if vars(cls)["__init__"] is init:
                    _build(cls, type(declared)(declared.__name__, declared.__bases__, body), options)

        def init(self: object, /, *values: object, **named: object) -> None:
            build()
            cls.__init__(self, *values, **named)

        cls.__init__ = init
        for name in _LAZY:
            setattr(cls, name, _Deferred(name, cls, build))
        return cls

    class _Deferred:
        """An attribute of a class that builds the class when it is read."""

        __slots__ = ("_build", "_cls", "_name")

        def __init__(self, name: str, cls: type, build: Any) -> None:
            self._name, self._cls, self._build = name, cls, build

        def __get__(self, instance: object, owner: type) -> object:
            self._build()
            return getattr(self._cls, self._name)

    def _with_slots(declared: type, body: dict[str, Any]) -> type:
        """Return the class again, with slots and without defaults, as the standard decorator does."""
        own = [name for name, hint in body.get("__annotations__", {}).items() if "ClassVar" not in str(hint)]
        inherited = {name for base in declared.__mro__[1:-1] for name in vars(base).get("__slots__", ())}
        slotted = {name: value for name, value in body.items() if name not in own}
        slotted["__slots__"] = tuple(name for name in own if name not in inherited)
        slotted.setdefault("__getstate__", _get_state)
        slotted.setdefault("__setstate__", _set_state)
        return type(declared)(declared.__name__, declared.__bases__, slotted)

    def _get_state(self: object) -> list[object]:
        return [getattr(self, field.name) for field in dataclasses.fields(self)]

    def _set_state(self: object, state: list[object]) -> None:
        for field, value in zip(dataclasses.fields(self), state, strict=True):
            object.__setattr__(self, field.name, value)

    def _build(cls: type, copy: type, options: dict[str, bool]) -> None:
        """Let the standard decorator make the methods on a copy of the class, and move them."""
        before = dict(vars(copy))
        dataclasses.dataclass(**options)(copy)
        found = {name: value for name, value in vars(copy).items() if before.get(name, before) is not value}
        for name in copy.__dataclass_fields__:
            if "__slots__" in vars(cls):
                found.pop(name, None)  # the default, in the place of the slot
            elif name in vars(cls) and name not in vars(copy):
                delattr(cls, name)  # a default factory
        init = found.pop("__init__")
        for name, value in found.items():
            setattr(cls, name, value)
        if options.get("frozen"):
            cls.__setattr__, cls.__delattr__ = _frozen(cls)
        cls.__init__ = init  # last: it marks the class as complete

    def _frozen(cls: type) -> tuple[Any, Any]:
        """Return the methods that refuse to change an instance; the standard ones refer to the class without slots."""
        fields = frozenset(cls.__dataclass_fields__)

        def setattr_(self: object, name: str, value: object) -> None:
            if type(self) is cls or name in fields:
                raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
            super(cls, self).__setattr__(name, value)

        def delattr_(self: object, name: str) -> None:
            if type(self) is cls or name in fields:
                raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
            super(cls, self).__delattr__(name)

        return setattr_, delattr_
