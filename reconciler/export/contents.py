"""Live resources -> what the files say of them: fields, references, pins, and comments where a person has to act. Pure.

Takes a `State`, the handles, and what turned out not to fit into files (`Verdicts`); gives one `Tree` per service and
one for the rest. What is empty, untouched or Twilio's own is left out; whatever the files cannot say is told in a
comment, so that planning the files finds nothing to do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import unquote

from reconciler.address import Address
from reconciler.config.interpolation_syntax import escape
from reconciler.export.handles import handles, in_order
from reconciler.export.kept import Known, Said, merged
from reconciler.export.written import Data, Literal, Tree, can_be_written, comment, fits_yaml, lookup, template
from reconciler.kinds import KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content, Field, Shape, words_of
from reconciler.kinds.markers import Choice, Ref, Template
from reconciler.planning.diff import holds_secret
from reconciler.redaction import url_parts
from reconciler.state import Live, State


@dataclass
class Verdicts:
    """What was found when files were read and planned again.

    Attributes:
        left_out: fields and resources that the files cannot hold, each with the reason.
        pinned: resources that only their SID recognises, each with the reason.
        unpruned: collections whose prune rule is not kept, since it would delete what the files do not hold.
    """

    left_out: dict[Said, str] = field(default_factory=dict)
    pinned: dict[str, str] = field(default_factory=dict)
    unpruned: set[Address] = field(default_factory=set)

    def __len__(self) -> int:
        """Return how many there are, by which an export sees that there are more."""
        return len(self.left_out) + len(self.pinned) + len(self.unpruned)


_IN_URL = "set this environment variable before you plan: it is part of the live URL"
_NOT_RETURNED = "Twilio does not return it; set this environment variable before it has to be sent"


class Writer:
    """One writing of a state.

    Args:
        state: the account.
        known: what files that are there already say.
        verdicts: what does not fit.
        service_folder: the folder of the files that services are written into, seen from the root's; empty for none.

    Attributes:
        addresses: where each resource that has a handle is written, by SID.
        placed: what is written at each address.
        secrets: the names of the secrets that a person has to set, and that the files had no name for.
        looked_up: values of secrets that are parts of URLs, by name.
        untold: fields that are left out, each told in a comment.
    """

    def __init__(self, state: State, known: Known, verdicts: Verdicts, service_folder: str = "") -> None:
        self.state = state
        self.known = known
        self.verdicts = verdicts
        self.addresses: dict[str, Address] = {}
        self.placed: dict[Address, str] = {}
        self.secrets: dict[Said, str] = {}
        self.looked_up: dict[str, str] = {}
        self.untold: set[Said] = set()
        self._service_folder = service_folder
        self._ambiguous: dict[str, str] = {}
        self._own_roles = self._as_twilio_made_them()
        for kind in KINDS:
            if not kind.singleton:
                self._name_members(kind)
        self.placed.update({address: sid for sid, address in self.addresses.items()})

    # --- who is written, and how it is called -------------------------------------------------------------------------

    def _as_twilio_made_them(self) -> frozenset[str]:
        """SIDs of Twilio's own roles that nobody has touched, as far as that can be told.

        What they may do in a new service is not documented. So a role counts as untouched when its dates say that it
        never changed, and no other role of that name that never changed may do something else.
        """
        roles = [live for live in self.state if live.name in live.kind.built_in]
        contents: dict[str, set[tuple[Content, Content]]] = {}
        for live in roles:
            if live.created == live.updated:
                contents.setdefault(live.name, set()).add((live.values.get("type"), live.values.get("permissions")))
        return frozenset(
            live.sid
            for live in roles
            if contents.get(live.name) == {(live.values.get("type"), live.values.get("permissions"))}
            and sum(other.name.lower() == live.name for other in self.state.collection(live.kind, live.parents)) == 1
        )

    def is_written(self, live: Live) -> bool:
        """Whether the files hold a resource."""
        if live.kind.why_final(live.values) or live.sid in self._own_roles or Said(live.sid) in self.verdicts.left_out:
            return False
        above = self.state.get(live.parents[-1]) if live.parents else None
        return above is None or self.is_written(above)

    def _name_members(self, kind: Kind) -> None:
        for parents in sorted({live.parents for live in self.state if live.kind == kind}):
            members = [live for live in self.state.collection(kind, parents) if self.is_written(live)]
            kept = {
                live.sid: self.known.addresses[live.sid].parts[-1]
                for live in members
                if live.sid in self.known.addresses
            }
            if parents and parents[-1] not in self.addresses:
                continue
            base = self.addresses[parents[-1]].child(*kind.section) if parents else Address(kind.section)
            hidden = {live.sid for live in members if self._tells_secret(live)}
            for sid, handle in handles(members, kept, hidden).items():
                self.addresses[sid] = base.child(handle)
            self._find_ambiguous(kind, members)

    def _tells_secret(self, live: Live) -> bool:
        """Whether anything of a resource spells a secret out: then nothing of it may become a handle."""
        return any(
            self.known.secret_in(item, live.values.get(item.path)) or holds_secret(item, live.values.get(item.path))
            for item in live.kind.fields
        )

    def _unsayable_name(self, live: Live) -> bool:
        """Whether its natural key spells a secret out that the files do not look up there."""
        item = live.kind.by_path[live.kind.natural_key]
        return not self._is_kept(live, item) and bool(self.known.secret_in(item, live.values.get(item.path)))

    def _find_ambiguous(self, kind: Kind, members: list[Live]) -> None:
        """Remember those that no name recognises, or that share theirs."""
        named: dict[str, list[Live]] = {}
        for live in members:
            named.setdefault(live.name, []).append(live)
        for name, same in named.items():
            for live in same:
                key = kind.natural_key
                if not name or (key and (self._is_out(live, key) or self._unsayable_name(live))):
                    self._ambiguous[live.sid] = "nothing but its SID recognises it"
                elif len(same) > 1 and not all(other is live or self._told_apart(kind, live, other) for other in same):
                    self._ambiguous[live.sid] = f"{len(same)} live ones share its name"

    def _told_apart(self, kind: Kind, live: Live, other: Live) -> bool:
        """Whether the files can tell two of one name apart without a SID."""
        apart = kind.discriminator
        if not apart or self._is_out(live, apart):
            return False
        if kind.match_by_content:
            said = dict(self._said(live))
            return any(
                kind.by_path[path].comparable(content) != kind.by_path[path].comparable(other.values.get(path))
                for path, content in said.items()
            )
        return bool(live.values.get(apart) != other.values.get(apart))

    def pin(self, live: Live) -> str:
        """Why a resource is pinned; empty when it is not."""
        return self.verdicts.pinned.get(live.sid) or self._ambiguous.get(live.sid, "")

    def pinnable(self, verdicts: Verdicts) -> set[str]:
        """SIDs of what has a handle and no pin yet."""
        return self.addresses.keys() - self._ambiguous.keys() - verdicts.pinned.keys()

    # --- trees --------------------------------------------------------------------------------------------------------

    def top(self, *, with_services: bool) -> Tree[Said]:
        """Everything that stands in the root file."""
        tree: Tree[Said] = Tree()
        tree.below("account").add("sid", Literal(self.state.account_sid))
        for kind in KINDS:
            if kind.parent is None and (not kind.is_container or with_services):
                self._write_kind(kind, (), tree)
        top = [kind for kind in KINDS if kind.parent is None]
        is_elsewhere = not with_services and any(live.kind.is_container for live in self._written())
        self.known.policies.write_prune(tree, None, top, self.verdicts.unpruned, with_empty=not is_elsewhere)
        self.known.policies.write_top(tree)
        return tree

    def _written(self) -> Iterator[Live]:
        return (live for live in self.state if live.sid in self.addresses)

    def services(self) -> Iterator[tuple[str, Tree[Said]]]:
        """Each service: its handle, and a tree that holds ``services: {handle: …}``."""
        members = [live for live in self._written() if live.kind.is_container]
        for live in sorted(members, key=lambda live: self.addresses[live.sid]):
            tree: Tree[Said] = Tree()
            self._write_member(live, tree.below(*live.kind.section))
            yield self.addresses[live.sid].parts[-1], tree

    def _write_kind(self, kind: Kind, parents: tuple[str, ...], into: Tree[Said]) -> None:
        """A collection or a singleton, where there is something to say of it."""
        if kind.singleton:
            live = self.state.singleton(kind, parents)
            if live is not None and Said(live.sid) not in self.verdicts.left_out:
                tree = self._fields(live)
                if not tree.is_empty and not self._is_untouched(live):
                    self._place(into, kind, tree, Said(live.sid))
                    above = self.addresses[parents[-1]].parts if parents else ()
                    self.placed[Address((*above, *kind.section))] = live.sid
            return
        everything = self.state.collection(kind, parents)
        members = [live for live in everything if live.sid in self.addresses]
        section: Tree[Said] = Tree()
        for live in sorted(members, key=lambda live: self.addresses[live.sid]):
            self._write_member(live, section)
        section.comments += self._about_section(kind, everything)
        if section.entries:
            self._place(into, kind, section, None)
        else:
            into.comments += section.comments

    @staticmethod
    def _place(into: Tree[Said], kind: Kind, tree: Tree[Said], owner: Said | None) -> None:
        into.below(*kind.section[:-1]).add(kind.section[-1], tree, owner)

    def _write_member(self, live: Live, section: Tree[Said]) -> None:
        tree = self._fields(live)
        for kind in KINDS:
            if kind.parent == live.kind.name:
                self._write_kind(kind, live.lineage, tree)
        inner = [kind for kind in KINDS if kind.parent == live.kind.name]
        self.known.policies.write_prune(tree, self.addresses[live.sid], inner, self.verdicts.unpruned)
        section.add(self.addresses[live.sid].parts[-1], tree, Said(live.sid))

    def _about_section(self, kind: Kind, everything: Iterable[Live]) -> Iterator[str]:
        members = list(everything)
        for live in in_order(members):
            reason = self.verdicts.left_out.get(Said(live.sid))
            if reason is not None:
                name = "" if self._tells_secret(live) else f" ({comment(live.name)})"
                yield f"{live.sid}{name} is left out: {comment(reason)}"
        closed = sum(1 for live in members if live.kind.why_final(live.values))
        if closed:
            what = "conversation is" if closed == 1 else "conversations are"
            yield f"{closed} closed {what} left out: closed is for good, and nothing in them can change."
        written = [live for live in members if self.is_written(live)]
        for name, path in _unreturned(kind).items():
            if any(self._counts(live, kind.by_path[path]) for live in written):
                them = "them" if name.endswith("s") else "it"
                yield f"Twilio does not return `{name}`: write {them} where a {kind.noun} has {them}."

    # --- fields -------------------------------------------------------------------------------------------------------

    def _is_untouched(self, live: Live) -> bool:
        """Whether a singleton says no more than one that nobody has configured."""
        usual = live.kind.initial
        judged = (*self.verdicts.left_out, *self.known.kept)
        return not any(said.sid == live.sid for said in judged) and all(
            item.write_only or item.is_empty(live.values.get(item.path))
            or live.values.get(item.path) == usual.get(item.path)
            for item in live.kind.fields
        )  # fmt: skip

    def _is_out(self, live: Live, path: str) -> bool:
        return Said(live.sid, path) in self.verdicts.left_out

    def _said(self, live: Live) -> Iterator[tuple[str, Content]]:
        """The fields that the files say, with their live contents; without what is left out for a reason of its own."""
        kind, handle = live.kind, self._handle(live)
        contents: dict[str, Content] = {}
        for item in kind.fields:
            content = live.values.get(item.path)
            if self._is_kept(live, item) and not self._is_out(live, item.path):
                contents[item.path] = content
                yield item.path, content
                continue
            if item.write_only or content is None or self._is_out(live, item.path) or self._unsayable(live, item):
                continue
            if item.natural_key and content == handle and not self.pin(live):
                contents[item.path] = content
                continue
            is_switch_off = item.shape is Shape.BOOL and not kind.singleton and self._counts(live, item)
            if item.is_empty(content) and not is_switch_off:
                continue
            is_initial = not kind.singleton and kind.initial.get(item.path) == content
            if kind.derive(contents).get(item.path) == content or is_initial:
                continue
            contents[item.path] = content
            yield item.path, content

    def _is_kept(self, live: Live, item: Field) -> bool:
        """Whether the files that are there take something of a field from outside of them, and it stays so."""
        value = self.known.kept.get(Said(live.sid, item.path))
        if value is None:
            return False
        if item.shape not in {Shape.JSON, Shape.SET}:
            return True
        content = live.values.get(item.path)
        together = merged(item, value, content, "")
        # The account may have the same secret once more, where the files look nothing up.
        if self.known.secret_in(item, together.value if isinstance(together, Data) else together):
            return False
        return can_be_written(content) and (not isinstance(together, Data) or fits_yaml(together.value))

    def _handle(self, live: Live) -> str:
        address = self.addresses.get(live.sid)
        return address.parts[-1] if address is not None else ""

    @staticmethod
    def _counts(live: Live, item: Field) -> bool:
        """Whether a field means anything beside what tells this resource's type."""
        apart = live.kind.discriminator
        contents = {apart: live.values.get(apart)} if apart else {}
        content: Content = True if item.shape is Shape.BOOL else "?"
        return not any(fault.path == item.path for fault in live.kind.check({**contents, item.path: content}))

    def _unsayable(self, live: Live, item: Field) -> str:
        """Why a content is not written that the files could hold; empty when it is."""
        content = live.values.get(item.path)
        said = Said(live.sid, item.path)
        if said in self.known.unclear:
            return f"the files that were here take it {comment(self.known.unclear[said])}"
        parts = url_parts(content) if item.shape is Shape.URL and isinstance(content, str) else ()
        public = "\n".join(part.text for part in parts if not part.secret) if parts else content
        if name := self.known.secret_in(item, public):
            return f"it holds the value of the secret {name}; write it with ${{secret:{name}}}"
        if said in self.known.kept:
            return "the files that were here take it from outside of them, in a way that cannot be kept"
        if holds_secret(item, content) and not parts:
            return "it carries a password or a token; write it with ${secret:NAME}"
        if item.shape is Shape.JSON and not can_be_written(content):
            return "it holds a number that JSON has no spelling for"
        beside = [live.kind.by_path[path] for path in live.kind.resend_with.get(item.path, ())]
        if beside and not any(other.secret for other in beside):
            return f"it cannot be sent without {beside[0].path}, which Twilio does not return; write both"
        return ""

    def _fields(self, live: Live) -> Tree[Said]:
        tree: Tree[Said] = Tree()
        pin = "" if live.kind.singleton else self.pin(live)
        if pin:
            tree.add("sid", Literal(live.sid), Said(live.sid), (f"pinned: {pin}",))
        said = dict(self._said(live))
        moving: list[str] = []
        for item in live.kind.fields:
            *blocks, name = item.path.split(".")
            content = live.values.get(item.path)
            owner = Said(live.sid, item.path)
            if item.path in said:
                value, comments = self._value(live, item, content)
                tree.below(*blocks).add(name, value, owner, comments)
                if _moves(live.kind, item, content):
                    moving.append(item.path)
            elif item.secret and self._counts(live, item):
                tree.below(*blocks).add(name, self._secret(owner), owner, (_NOT_RETURNED,))
            elif not item.write_only and not item.is_empty(content):
                tree.comments += self._why_not(live, item, content)
        policies = self.known.policies
        if lifecycle := policies.lifecycle_of(live.sid, moving):
            why = ("moves by itself, so that only a create sends it",) if moving else ()
            tree.add("lifecycle", Data(lifecycle), Said(live.sid), why)
        if hidden := policies.sensitive.get(live.sid):
            tree.add("sensitive", tuple(sorted(hidden)), Said(live.sid))
        return tree

    def _why_not(self, live: Live, item: Field, content: Content) -> Iterator[str]:
        reason = self.verdicts.left_out.get(Said(live.sid, item.path))
        if reason is not None:
            shown = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, default=list)
            secret = (
                (item.shape is Shape.URL and ("@" in shown or holds_secret(item, shown)))
                or Said(live.sid, item.path) in self.known.kept
                or self.known.secret_in(item, content)
            )
            told = "" if secret else f" (live: {comment(shown)})"
            yield f"{item.path} is left out: {comment(reason)}{told}"
        elif reason := self._unsayable(live, item):
            self.untold.add(Said(live.sid, item.path))
            yield f"{item.path} is left out: {reason}"

    def _value(
        self, live: Live, item: Field, content: Content
    ) -> tuple[str | Literal | tuple[str | Literal, ...] | Data, tuple[str, ...]]:
        if self._is_kept(live, item):
            value = self.known.kept[Said(live.sid, item.path)]
            comments = (_NOT_RETURNED,) if item.secret and value.secrets else ()
            if item.shape is Shape.URL and value.secrets:
                comments = (_IN_URL,)
            return merged(item, value, content, self._folder(live)), comments
        match item.shape:
            case Shape.REF:
                return self._reference(live, item, str(content))
            case Shape.BOOL:
                return Literal("true" if content else "false"), ()
            case Shape.SET:
                return words_of(content), ()
            case Shape.JSON if isinstance(content, dict):
                return Data(content), ()
            case Shape.INT if isinstance(content, int):
                return Literal(str(content)), ()
            case Shape.JSON:
                return json.dumps(content, ensure_ascii=False), ()
            case Shape.URL if holds_secret(item, content):
                return self._url(live, item, str(content)), (_IN_URL,)
            case _ if item.marker(Template) is not None:
                return template(str(content)), ()
            case _:
                return str(content), ()

    def _reference(self, live: Live, item: Field, sid: str) -> tuple[str, tuple[str, ...]]:
        ref = item.marker(Ref)
        target = self.state.get(sid)
        if ref is not None and target is not None and target.kind.name == ref.kind:
            is_near = ref.scope == "account" or target.parents[:1] == live.parents[:1]
            if is_near and sid in self.addresses:
                return self.addresses[sid].parts[-1], ()
            if is_near and sid in self._own_roles:
                return target.name, ()
        what = ref.kind if ref is not None else "resource"
        return sid, (f"the SID of a {what} that is not in these files",)

    def _folder(self, live: Live) -> str:
        """The folder of the file that a resource is written into, seen from the root's."""
        return self._service_folder if live.kind.is_container or live.parents else ""

    def _url(self, live: Live, item: Field, url: str) -> Literal:
        """A URL whose secret parts are looked up; a secret that the files use already keeps its name."""
        known = {value: name for name, value in self.known.secrets.items()}
        above = self.addresses[live.parents[-1]].parts if live.parents else ()
        address = Address((*above, *live.kind.section)) if live.kind.singleton else self.addresses[live.sid]
        written = []
        for part in url_parts(url):
            if not part.secret:
                written.append(escape(part.text))
                continue
            name = known.get(part.text) or known.get(unquote(part.text)) or self._name(address, item.path, part.secret)
            self.looked_up[name] = part.text
            written.append(f"${{secret:{name}}}")
        return lookup("".join(written))

    def _secret(self, owner: Said) -> Literal:
        """A placeholder for a value that Twilio does not return."""
        self.secrets[owner] = name = self._name(self.addresses[owner.sid], owner.path)
        return Literal(f"${{secret:{name}}}")

    def _name(self, address: Address, *more: str) -> str:
        """A name for a secret, of the address and the field, which begins as no other variable's is likely to begin."""
        wanted = re.sub(r"[^A-Z0-9]+", "_", "_".join([*address.parts, *more]).upper()).strip("_")
        taken = {*self.secrets.values(), *self.looked_up, *self.known.names()}
        name, number = wanted, 1
        while name in taken:
            number += 1
            name = f"{wanted}_{number}"
        return name


def _unreturned(kind: Kind) -> dict[str, str]:
    """What Twilio has and does not return, and is no secret: by its key, the first of its fields.

    What Twilio needs again whenever something else changes is told where that is left out.
    """
    resent = {path for paths in kind.resend_with.values() for path in paths}
    found: dict[str, str] = {}
    for item in kind.fields:
        if item.write_only and not item.secret and item.path not in resent:
            found.setdefault(item.path.split(".")[0], item.path)
    return found


def _moves(kind: Kind, item: Field, content: Content) -> bool:
    """Whether a content comes about by itself, so that another one is no difference."""
    choice = item.marker(Choice)
    words = choice.words if choice is not None else ()
    return any(word != content and kind.tolerates(item.path, word, content) for word in words)
