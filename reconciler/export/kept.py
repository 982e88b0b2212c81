"""What files that are there already take from outside of them, so that no export writes it down. Pure.

Somebody kept it out of the files, and so out of git: secrets, environment variables, texts of other files. Takes the
former `Config` and the `State`; gives `Known`: which handle and which references stay. Refuses (`UsageError`) where it
cannot tell which live resource a reference belongs to, since its live value would then be written in its place.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import quote

from reconciler.address import Address
from reconciler.config.model import Config, Declared, Outside, Unknown, Value, Written
from reconciler.config.sources import SourceError
from reconciler.errors import UsageError
from reconciler.export.policies import Policies
from reconciler.export.written import Data, Literal, Writable, lookup
from reconciler.json_text import Json
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.planning.match import match
from reconciler.redaction import FRAGMENT, texts_of
from reconciler.state import State

_NAMED = re.compile(r"\$\{(?:env|secret):([A-Za-z_][\w.-]*)")
_FILE = re.compile(r"(?<!\$)\$\{file:(?P<path>[^{}]*?)(?=:-|\})")
_SEARCHED = frozenset({Shape.TEXT, Shape.URL, Shape.JSON, Shape.SET})
_MOST_NAMED = 5


class Said(NamedTuple):
    """What a line of the files says.

    Attributes:
        sid: the resource.
        path: the field; empty for the resource itself.
    """

    sid: str
    path: str = ""


def _nothing(_name: str) -> str | None:
    return None


def _no_file(path: str) -> bytes:
    raise SourceError(f"{path} does not exist", missing=True)


@dataclass(frozen=True)
class Known:
    """What files that are there already say.

    Attributes:
        addresses: where they declare live resources, by SID.
        kept: fields that take something from outside, as they are written.
        unclear: fields of which nobody can tell now what the files say, each with the reason.
        secrets: values of the secrets that they use, by name.
        environment: an environment variable.
        read: another file's bytes.
        policies: what they say about applying them: limits, prune rules, lifecycles.
    """

    addresses: Mapping[str, Address] = field(default_factory=dict)
    kept: Mapping[Said, Value] = field(default_factory=dict)
    unclear: Mapping[Said, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    environment: Callable[[str], str | None] = _nothing
    read: Callable[[str], bytes] = _no_file
    policies: Policies = field(default_factory=Policies)

    def names(self) -> set[str]:
        """The names of the environment variables that kept fields look up."""
        return {name for value in self.kept.values() for text in texts(value.written) for name in _NAMED.findall(text)}

    def secret_in(self, item: Field, content: object) -> str:
        """The name of a secret of the files whose value a content spells out; empty when it does not."""
        if item.shape not in _SEARCHED or not self.secrets:
            return ""
        told = list(texts_of(content))
        for name, secret in self.secrets.items():
            spellings = {secret, quote(secret, safe="")}
            if any(spelling in text for spelling in spellings for text in told):
                return name
        return ""


def known_from(
    former: Config,
    state: State,
    environment: Callable[[str], str | None] = _nothing,
    read: Callable[[str], bytes] = _no_file,
) -> Known:
    """What an export has to know of the files that it writes anew.

    Args:
        former: those files; what is not set is an unknown value in them.
        state: the account.
        environment: the environment variables that they were read with.
        read: the files beside them.

    Raises:
        UsageError: the files would lose what nobody can restore: environments, or a reference whose resource is not
            found.
    """
    if former.environments:
        raise UsageError(
            f"the files that are there have environments ({', '.join(former.environments[:_MOST_NAMED])}), and an "
            "export of one account would do away with them; name another folder"
        )
    matched = match(former, state)
    unmatched = {live.kind.name for live in state if live.sid not in matched.addresses}
    _check_found(former, set(matched.addresses.values()), {problem.address for problem in matched.problems}, unmatched)
    kept: dict[Said, Value] = {}
    unclear: dict[Said, str] = {}
    for sid, address in matched.addresses.items():
        for path, value in former.resources[address].values.items():
            if value.written is not None:
                kept[Said(sid, path)] = value
            elif isinstance(value.content, Unknown):
                unclear[Said(sid, path)] = f"from what is not set: {value.content.reason}"
            elif value.secrets:
                unclear[Said(sid, path)] = f"from {', '.join(value.secrets)} in a way that no export can write"
    secrets = {
        name: secret
        for declared in former.resources.values()
        for value in declared.values.values()
        for name in value.secrets
        # A shorter one is part of too many texts that are none of its.
        if len(secret := environment(name) or "") >= FRAGMENT
    }
    policies = Policies.of(former, matched.addresses)
    return Known(matched.addresses, kept, unclear, secrets, environment, read, policies)


def _check_found(former: Config, found: set[Address], troubled: set[str], unmatched: set[str]) -> None:
    """Refuse what takes something from outside, and may be live under a name that the files do not tell now.

    Args:
        former: the files.
        found: what is live for sure.
        troubled: the addresses of what does not fit.
        unmatched: the kinds of what is live and not found in the files.
    """
    for declared in former.resources.values():
        if declared.address in found or not any(_is_from_outside(value) for value in declared.values.values()):
            continue
        for above in _and_above(former, declared):
            if above.absent or above.address in found:
                break
            reason = _unset(above, is_rotated=above.kind.name in unmatched)
            if not reason and str(above.address) in troubled:
                reason = "`reconciler plan` says why"
            if reason:
                raise UsageError(
                    f"nobody can tell which live resource {declared.address} is ({reason}), and it takes from outside "
                    "of the files what an export would then write down; mend that, or name another folder"
                )


def _and_above(former: Config, declared: Declared) -> Iterator[Declared]:
    above: Declared | None = declared
    while above is not None:
        yield above
        above = former.resources.get(above.parent) if above.parent is not None else None


def _is_from_outside(value: Value) -> bool:
    return value.written is not None or isinstance(value.content, Unknown)


def _unset(declared: Declared, *, is_rotated: bool) -> str:
    """Why a resource's name is not known, or may be another one by now; empty when it is neither.

    Args:
        declared: what the files say.
        is_rotated: whether a name that comes from outside may have been another one when it was sent.
    """
    if declared.pin is not None or declared.kind.singleton:
        return ""
    for path, value in declared.values.items():
        item = declared.kind.by_path[path]
        is_name = path == declared.kind.natural_key or (
            declared.kind.compose_key is not None and item.shape not in {Shape.JSON, Shape.REF}
        )
        if item.write_only or not is_name:
            continue
        if isinstance(value.content, Unknown):
            return value.content.reason
        if value.written is not None and is_rotated:
            return f"its {path} is looked up, and nothing live has it"
    return ""


# --- what is written --------------------------------------------------------------------------------------------------


def texts(written: Written) -> Iterator[str]:
    """Every text of a written content that takes something from outside."""
    match written:
        case Outside():
            yield written.text
        case dict():
            for inner in written.values():
                yield from texts(inner)
        case list():
            for inner in written:
                yield from texts(inner)
        case _:
            return


def merged(item: Field, value: Value, live: Content, folder: str) -> str | Literal | tuple[str | Literal, ...] | Data:
    """A field with what the files take from outside as they write it, and everything else as it is live.

    Args:
        item: the field.
        value: what the files say.
        live: what the account says.
        folder: the folder of the file that it is written into, seen from the root's.
    """
    written = value.written
    match written:
        case Outside():
            return _literal(written, folder)
        case list() if item.shape is Shape.SET:
            words = {word for word in live if isinstance(word, str)} if isinstance(live, tuple | list) else set()
            # What a word from outside stands for is not written once more beside it.
            taken = set(value.content) if isinstance(value.content, tuple) else set()
            literal = {word for word in written if isinstance(word, str)}
            lookups = [_literal(word, folder) for word in written if isinstance(word, Outside)]
            return (*sorted(words - (taken - literal)), *lookups)
        case _:
            return Data(_laid_over(live, written, folder))


def _laid_over(live: Json, written: Written, folder: str) -> Writable:
    match written:
        case Outside():
            return _literal(written, folder)
        case dict() if isinstance(live, dict):
            both = {key: _laid_over(inner, written.get(key), folder) for key, inner in live.items()}
            missing = {key: inner for key, inner in written.items() if key not in live and any(texts(inner))}
            return both | {key: _laid_over(None, inner, folder) for key, inner in missing.items()}
        case list() if isinstance(live, list) and len(live) == len(written):
            return [_laid_over(one, other, folder) for one, other in zip(live, written, strict=True)]
        case dict() if any(texts(written)):
            return {
                key: _laid_over(None, inner, folder) if any(texts(inner)) else inner for key, inner in written.items()
            }
        case list() if any(texts(written)):
            return [_laid_over(None, inner, folder) if any(texts(inner)) else inner for inner in written]
        case _:
            return live


def _literal(written: Outside, folder: str) -> Literal:
    def seen_from_there(found: re.Match[str]) -> str:
        return f"${{file:{posixpath.relpath(found['path'], folder or '.')}"

    return lookup(_FILE.sub(seen_from_there, written.text))
