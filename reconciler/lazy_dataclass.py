"""`dataclass` as in the standard library, but built on first use.

The standard decorator compiles half a dozen methods for each class, a third of a millisecond that a command pays for
every class it imports, although it creates instances of few. Here, a class gets its methods when its first instance is
created or its fields are first read, and only `__init__` is compiled. Type checkers see the standard decorator. Imports
nothing of the package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from _thread import RLock
    from collections.abc import Callable, Sequence
    from dataclasses import MISSING, Field, FrozenInstanceError, fields
    from dataclasses import dataclass as standard
    from functools import partial
    from reprlib import recursive_repr

    _LAZY = ("__dataclass_fields__", "__dataclass_params__", "__match_args__")
    _lock = RLock()

    def dataclass(
        cls: type | None = None,
        /,
        *,
        slots: bool = False,
        frozen: bool = False,
        eq: bool = True,
        repr: bool = True,  # noqa: A002 - the standard decorator's name
        order: bool = False,
        kw_only: bool = False,
    ) -> Any:
        """Make a class a dataclass, as `dataclasses.dataclass` does, on first use."""
        defer = partial(_defer, slots=slots, options=_Options(frozen, eq, repr, order, kw_only))
        return defer if cls is None else defer(cls)

    class _Options(NamedTuple):
        """The options of the standard decorator."""

        frozen: bool
        eq: bool
        repr: bool
        order: bool
        kw_only: bool

    def _defer(declared: type, *, slots: bool, options: _Options) -> type:
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

        def __init__(self, name: str, cls: type, build: Callable[[], None]) -> None:
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
        return [getattr(self, field.name) for field in fields(self)]

    def _set_state(self: object, state: list[object]) -> None:
        for field, value in zip(fields(self), state, strict=True):
            object.__setattr__(self, field.name, value)

    def _build(cls: type, copy: type, options: _Options) -> None:
        """Add the methods; `copy` is a copy of the class with its defaults."""
        copy.__doc__ = copy.__doc__ or cls.__name__  # else the standard decorator composes a signature
        standard(init=False, repr=False, eq=options.order, order=options.order, kw_only=options.kw_only)(copy)
        for name in _LAZY:
            setattr(cls, name, getattr(copy, name))
        found = fields(copy)
        for field in found:
            if "__slots__" not in vars(cls) and field.name in vars(cls) and field.name not in vars(copy):
                delattr(cls, field.name)  # a default factory
        methods: dict[str, Any] = {}
        if options.order:
            methods |= {name: getattr(copy, name) for name in ("__lt__", "__le__", "__gt__", "__ge__")}
        if options.repr:
            methods["__repr__"] = _repr([field.name for field in found if field.repr])
        if options.eq:
            names = [field.name for field in found if field.compare]
            if "__eq__" in vars(cls) and vars(cls)["__hash__"] is None:
                del cls.__hash__  # Python's, because the class defines how to compare
            methods["__eq__"] = _deferred(
                cls,
                "__eq__",
                "self, other",
                [
                    "if other.__class__ is not self.__class__: return NotImplemented",
                    f"return {_tuple('self', names)} == {_tuple('other', names)}",
                ],
            )
            hashed = f"return hash({_tuple('self', names)})"
            methods["__hash__"] = _deferred(cls, "__hash__", "self", [hashed]) if options.frozen else None
        if options.frozen:
            methods["__setattr__"], methods["__delattr__"] = _frozen(cls, frozenset(field.name for field in found))
        for name, method in methods.items():
            if name not in vars(cls):
                setattr(cls, name, method)
        cls.__init__ = _init(cls, found, frozen=options.frozen)  # last: it marks the class as complete

    def _init(cls: type, found: Sequence[Field[Any]], *, frozen: bool) -> Any:
        """Compile `__init__`."""
        given: dict[str, Any] = {"_MISSING": MISSING, "_set": object.__setattr__}
        required, keywords, lines = ["self"], [], []
        for field in found:
            name, value = field.name, field.name
            if field.default_factory is not MISSING:
                given[f"_factory_{name}"] = field.default_factory
                value = f"_factory_{name}() if {name} is _MISSING else {name}" if field.init else f"_factory_{name}()"
            if field.default is not MISSING:
                given[f"_default_{name}"] = field.default
                value = value if field.init else f"_default_{name}"
            if field.init:
                default = "_MISSING" if field.default_factory is not MISSING else f"_default_{name}"
                is_optional = field.default is not MISSING or field.default_factory is not MISSING
                (keywords if field.kw_only else required).append(f"{name}={default}" if is_optional else name)
            elif value == name:
                continue
            if not frozen:
                lines.append(f"self.{name} = {value}")
            elif hasattr(descriptor := vars(cls).get(name), "__set__"):
                # The slot itself: a quarter less time for an instance than by the name of the attribute.
                given[f"_set_{name}"] = descriptor.__set__
                lines.append(f"_set_{name}(self, {value})")
            else:
                lines.append(f"_set(self, {name!r}, {value})")
        if hasattr(cls, "__post_init__"):
            lines.append("self.__post_init__()")
        parameters = ", ".join([*required, *(["*"] if keywords else []), *keywords])
        return _compiled(cls, "__init__", parameters, lines, given)

    def _tuple(instance: str, names: Sequence[str]) -> str:
        return f"({''.join(f'{instance}.{name},' for name in names)})"

    def _deferred(cls: type, name: str, parameters: str, lines: Sequence[str]) -> Callable[..., Any]:
        """Return a method that is compiled when it is first called."""

        def method(self: object, *values: object) -> object:
            compiled = _compiled(cls, name, parameters, lines, {})
            setattr(cls, name, compiled)
            return compiled(self, *values)

        return method

    def _compiled(
        cls: type, name: str, parameters: str, lines: Sequence[str], given: dict[str, Any]
    ) -> Callable[..., Any]:
        """Compile a method from its lines, which contain no text but the names of fields."""
        body = "\n ".join(lines or ["pass"])
        exec(f"def {name}({parameters}):\n {body}", given)  # noqa: S102 - see above
        method = given[name]
        method.__qualname__ = f"{cls.__qualname__}.{name}"
        return method

    def _repr(names: Sequence[str]) -> Callable[[object], str]:
        @recursive_repr()
        def __repr__(self: object) -> str:  # noqa: N807
            values = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
            return f"{self.__class__.__qualname__}({values})"

        return __repr__

    def _frozen(cls: type, names: frozenset[str]) -> tuple[Any, Any]:
        """Return the methods that refuse to change an instance."""

        def __setattr__(self: object, name: str, value: object) -> None:  # noqa: N807
            if type(self) is cls or name in names:
                raise FrozenInstanceError(f"cannot assign to field {name!r}")
            super(cls, self).__setattr__(name, value)

        def __delattr__(self: object, name: str) -> None:  # noqa: N807
            if type(self) is cls or name in names:
                raise FrozenInstanceError(f"cannot delete field {name!r}")
            super(cls, self).__delattr__(name)

        return __setattr__, __delattr__
