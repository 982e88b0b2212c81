"""Configurations that are valid, for property tests: made of the kinds' own tables, so that a new kind takes part.

`documents()` gives what the files say as plain data, `configs()` the same as files: with variables, secrets, a template
and includes here and there. Every resource has what a create needs; handles, names and addresses are unique. SIDs of
things that have to be live (pins, references by SID) are only there when asked for.

Strategies that need nothing that was drawn are made once: hypothesis examines each new one before it draws from it.
"""

from __future__ import annotations

import functools
import hashlib
import re
import string
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeAlias

import yaml
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import strategies as st

from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Field, Shape
from reconciler.kinds.markers import Choice, Length, Range, Ref, Sid, Vocabulary
from tests.pem import certificate_text, key_text

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
SECRET = "SECRET_OF_PROPERTIES"
_KEY = ec.generate_private_key(ec.SECP256R1())
ENV = {
    SECRET: "not told",
    # What is read before it is sent.
    f"{SECRET}_CERTIFICATE": certificate_text(ends=datetime.max.replace(tzinfo=UTC), key=_KEY),
    f"{SECRET}_PRIVATE_KEY": key_text(_KEY),
}
"""What documents need to be read."""
# Not the dollar sign: what looks like interpolation has tests of its own.
_CHARACTERS = string.ascii_letters + string.digits + " .:#-_'\"[]{}&*!|>%@`,?éß漢字🙂"
_DURATIONS = ("PT10M", "PT60M", "PT1H", "pt90m", "P1D", "P30D", "P1M", "PT3600S")
_TYPED_BY_YAML = ("NO", "1e3", "null", "~", "0x1F", "2024-01-01", "1_000", "on", "=", "<<", "007")
_LONGEST = 24
# Source: the types of the roles that Twilio makes by itself, as the configuration's references check them.
_BUILT_IN_ROLES = {"conversation": ("channel admin", "channel user"), "service": ("service admin", "service user")}


References: TypeAlias = Mapping[str, tuple[str, ...]]
"""What can be referred to, by kind and type."""


class Written(NamedTuple):
    """A configuration as files.

    Attributes:
        document: what the files say altogether, before it was spread over them.
        files: text by path; the root is ``reconciler.yaml``.
        env: the environment variables that they need.
    """

    document: dict[str, Any]
    files: dict[str, str]
    env: dict[str, str]


@functools.cache
def texts(most: int = _LONGEST) -> st.SearchStrategy[str]:
    """Text that is not empty, YAML's traps included."""
    free = st.text(_CHARACTERS, min_size=1, max_size=most).filter(lambda text: bool(text.strip()))
    return st.one_of(free, st.sampled_from([text for text in _TYPED_BY_YAML if len(text) <= most]))


@functools.cache
def sids(prefix: str) -> st.SearchStrategy[str]:
    """SIDs of a prefix."""
    return st.text("0123456789abcdef", min_size=32, max_size=32).map(lambda digits: prefix + digits)


@functools.cache
def urls() -> st.SearchStrategy[str]:
    """Absolute URLs."""
    return st.builds(
        "{}://{}.example.com/{}".format,
        st.sampled_from(("https", "http")),
        st.text(string.ascii_lowercase, min_size=1, max_size=8),
        st.text(string.ascii_letters + string.digits + "/?&=%+~-", max_size=12),
    )


@functools.cache
def phone_numbers() -> st.SearchStrategy[str]:
    """Addresses of Conversations, of the two types that everybody has."""
    numbers = st.integers(10_000_000_000, 19_999_999_999).map(lambda number: f"+{number}")
    return st.one_of(numbers, numbers.map(lambda number: f"whatsapp:{number}"))


def _known(field: Field, references: References) -> tuple[str, ...]:
    """What a field can refer to."""
    ref = field.marker(Ref)
    return references.get(ref.kind + ref.of_type, ()) if ref is not None else ()


@functools.cache
def _content(kind: Kind, path: str, known: tuple[str, ...], of_type: str) -> st.SearchStrategy[Any] | None:
    """What can be written for a field; None when there is nothing to refer to."""
    (field,) = (field for field in kind.fields if field.path == path)
    if field.secret:
        own = f"{SECRET}_{field.path.upper()}"
        return st.just(f"${{secret:{own if own in ENV else SECRET}}}")
    match field.shape:
        case Shape.BOOL:
            return st.one_of(st.booleans(), st.sampled_from(("yes", "No", "ON", "off", "TRUE")))
        case Shape.INT:
            limits = field.marker(Range) or Range(0, 9)
            return st.integers(limits.least, limits.most)
        case Shape.ENUM:
            choice = field.marker(Choice)
            assert choice is not None
            return st.sampled_from(choice.words)
        case Shape.SET:
            vocabulary = field.marker(Vocabulary)
            if vocabulary is None:
                return st.lists(texts(), unique=True, min_size=1, max_size=3)
            words = vocabulary.by_type.get(of_type, vocabulary.words)
            return st.lists(st.sampled_from(words), unique=True, min_size=int(vocabulary.at_least_one), max_size=5)
        case Shape.TIMER:
            return st.sampled_from(_DURATIONS)
        case Shape.SID:
            sid = field.marker(Sid)
            assert sid is not None
            return sids(sid.prefix)
        case Shape.URL:
            return urls()
        case Shape.REF:
            return st.sampled_from(known) if known else None
        case Shape.JSON:
            return st.dictionaries(texts(), st.one_of(st.none(), st.booleans(), st.integers(), texts()), max_size=3)
        case Shape.TEXT:
            limit = field.marker(Length)
            return texts(min(_LONGEST, limit.most if limit is not None else _LONGEST))


@st.composite
def _fields(draw: st.DrawFn, kind: Kind, references: References, *, clearing: bool) -> dict[str, Any]:
    """The fields of a resource by path: all that a create needs, any of the others, consistent with each other."""
    contents: dict[str, Any] = {}
    for field in kind.fields:
        if field.natural_key or not (field.required or draw(st.booleans())):
            continue
        strategy = _content(kind, field.path, _known(field, references), str(contents.get("type", "")))
        if strategy is None:
            continue
        if clearing and not field.why_not_clearable() and draw(st.integers(0, 5)) == 0:
            contents[field.path] = None
        else:
            contents[field.path] = draw(strategy)
    faulty = {fault.path for fault in (*kind.check(contents), *kind.check_create(contents))}
    while faulty & contents.keys():
        contents = {path: content for path, content in contents.items() if path not in faulty}
        faulty = {fault.path for fault in (*kind.check(contents), *kind.check_create(contents))}
    return contents


def _nested(contents: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted paths as mappings in mappings."""
    nested: dict[str, Any] = {}
    for path, content in contents.items():
        *blocks, name = path.split(".")
        inner = nested
        for block in blocks:
            inner = inner.setdefault(block, {})
        inner[name] = content
    return nested


def _kinds_in(parent: str | None) -> list[Kind]:
    return [kind for kind in KINDS if kind.parent == parent]


@st.composite
def _resource(
    draw: st.DrawFn, kind: Kind, references: References, path: tuple[str, ...], *, clearing: bool, pins: bool
) -> dict[str, Any]:
    """A resource and what is inside of it."""
    body = _nested(draw(_fields(kind, references, clearing=clearing)))
    inside = dict(references)
    for child in sorted(_kinds_in(kind.name), key=lambda item: item.singleton):
        # Collections first: what is in them can be referred to.
        if not draw(st.booleans()):
            continue
        if child.singleton:
            body[child.section[-1]] = draw(_resource(child, inside, path, clearing=clearing, pins=pins))
            continue
        collection = draw(_collection(child, inside, (*path, child.name), clearing=clearing, pins=pins))
        body[child.section[-1]] = collection
        for of_type in ("conversation", "service") if child.name == "role" else ():
            of_this = tuple(handle for handle, role in collection.items() if role["type"] == of_type)
            inside[f"role{of_type}"] = of_this + inside[f"role{of_type}"]
        if child.deletable and draw(st.integers(0, 3)) == 0:
            body.setdefault("prune", []).append(child.section[-1])
    if any(child.singleton for child in _kinds_in(kind.name)) and draw(st.integers(0, 3)) == 0:
        body["sealed"] = True
    return body


@functools.cache
def _natural_keys(kind: Kind) -> st.SearchStrategy[list[str]]:
    # Role names over 64 characters and names of Twilio's own roles mean something; these do not.
    names = texts().map(lambda text: f"{text.strip()}.")
    return st.lists(phone_numbers() if kind.natural_key == "address" else names, unique=True, max_size=3)


@st.composite
def _collection(
    draw: st.DrawFn, kind: Kind, references: References, path: tuple[str, ...], *, clearing: bool, pins: bool
) -> dict[str, Any]:
    """Resources by handle, with unique natural keys and pins."""
    by_address = kind.natural_key == "address"
    keys = draw(_natural_keys(kind))
    collection: dict[str, Any] = {}
    for index, key in enumerate(keys):
        body = draw(_resource(kind, references, (*path, key), clearing=clearing, pins=pins))
        if by_address:
            body["type"] = "whatsapp" if key.startswith("whatsapp:") else "sms"
        handle = key
        if not kind.natural_key:
            # What recognises it is made of several fields; the first of them is enough to tell two apart.
            _tell_apart(kind, body, key)
            if kind.name == "participant" and not body.get("identity") and not body.get("address"):
                body["identity"] = key
        if not kind.natural_key or draw(st.booleans()):
            handle = f"handle{index}"
            if kind.natural_key:
                body[kind.natural_key] = key
        if pins and draw(st.integers(0, 3)) == 0:
            body["sid"] = kind.sid_prefix + hashlib.md5("/".join([*path, key]).encode()).hexdigest()
        collection[handle] = body
    return collection


def _tell_apart(kind: Kind, body: dict[str, Any], key: str) -> None:
    for field in kind.fields:
        if field.path in body and field.shape in {Shape.TEXT, Shape.URL} and body[field.path] is not None:
            body[field.path] = key if field.shape is Shape.TEXT else f"https://example.com/{key.encode().hex()}"
            return


@st.composite
def documents(draw: st.DrawFn, *, clearing: bool = True, pins: bool = False) -> dict[str, Any]:
    """What the files of a configuration say, as plain data.

    Args:
        draw: hypothesis gives it.
        clearing: whether fields may be null.
        pins: whether resources may be pinned to SIDs, which then have to be live.
    """
    document: dict[str, Any] = {"version": 1}
    references: dict[str, tuple[str, ...]] = {f"role{name}": roles for name, roles in _BUILT_IN_ROLES.items()}
    for kind in sorted(_kinds_in(None), key=lambda item: item.singleton or item.name != "service"):
        *above, name = kind.section
        if not draw(st.booleans()):
            continue
        inner = document
        for key in above:
            inner = inner.setdefault(key, {})
        if kind.singleton:
            inner[name] = draw(_resource(kind, references, (), clearing=clearing, pins=pins))
        else:
            inner[name] = draw(_collection(kind, references, (kind.name,), clearing=clearing, pins=pins))
            references[kind.name] = tuple(inner[name])
            if draw(st.integers(0, 3)) == 0:
                document.setdefault("prune", {})[name] = draw(st.sampled_from(({}, {"except": ["*keep*"]})))
    if draw(st.booleans()):
        document.setdefault("account", {})["sid"] = ACCOUNT
    return document


def dumped(document: Mapping[str, Any]) -> str:
    """Data as YAML, in its own order."""
    return yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True)


class _Dumper(yaml.SafeDumper):
    """Writes out what is used twice instead of inventing anchors."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    """Text in quotes where YAML 1.2 reads a number that YAML 1.1, which the library writes, does not: ``1e3``."""
    style = '"' if re.match(r"[-+.\d]", text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


@st.composite
def configs(draw: st.DrawFn, *, clearing: bool = True, pins: bool = False) -> Written:
    """A configuration as files; see `documents` for the arguments."""
    document = draw(documents(clearing=clearing, pins=pins))
    spread, env = _with_lookups(document, draw)
    return Written(document, draw(in_files(spread)), env)


def _with_lookups(document: dict[str, Any], draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, str]]:
    """The same document with some URLs by way of variables and secrets."""
    variables: dict[str, str] = {}
    env = dict(ENV)

    def replaced(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: replaced(item) for key, item in value.items()}
        if not isinstance(value, str) or not value.startswith(("http://", "https://")):
            return value
        match draw(st.integers(0, 4)):
            case 0:
                name = f"variable{len(variables)}"
                variables[name] = value
                return f"${{var:{name}}}"
            case 1:
                name = f"SECRET{len(env)}"
                scheme, rest = value.split("://", 1)
                env[name] = rest
                return f"{scheme}://${{secret:{name}}}"
            case _:
                return value

    spread = replaced(document)
    if variables:
        spread["variables"] = variables
    return spread, env


@st.composite
def in_files(draw: st.DrawFn, document: Mapping[str, Any]) -> dict[str, str]:
    """A document spread over a root file and files that it includes."""
    root = dict(document)
    files: dict[str, str] = {}
    include: list[str] = []
    for section in ("services", "addresses"):
        collection = root.get(section)
        if not isinstance(collection, dict):
            continue
        for index, handle in enumerate(list(collection)):
            if draw(st.booleans()):
                files[f"{section}/{index}.yaml"] = dumped({section: {handle: collection[handle]}})
                root[section] = {key: body for key, body in root[section].items() if key != handle}
                include.append(f"{section}/*.yaml")
    if include:
        root["include"] = sorted(set(include))
    return {"reconciler.yaml": dumped(root), **files}


@st.composite
def shuffled(draw: st.DrawFn, value: Any) -> Any:
    """The same data with the keys of every mapping in another order, and the items of every set."""
    if isinstance(value, dict):
        keys = draw(st.permutations(list(value)))
        return {key: draw(shuffled(value[key])) for key in keys}
    if isinstance(value, list):
        return draw(st.permutations(value))
    return value
