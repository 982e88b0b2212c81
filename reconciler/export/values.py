"""The written values of fields: references by handle, secrets by name, everything else literally. Pure."""

from __future__ import annotations

import json
import re
from typing import TypeAlias
from urllib.parse import unquote

from reconciler.address import Address
from reconciler.config.interpolation_syntax import escape
from reconciler.export.exclusions import FieldKey
from reconciler.export.fields import FieldFilter
from reconciler.export.merging import merged
from reconciler.export.naming import Naming
from reconciler.export.yaml_writer import Data, Literal, lookup, template
from reconciler.kinds.fields import Content, Field, Shape, words_of
from reconciler.kinds.markers import Ref, Template
from reconciler.planning.diff import holds_secret
from reconciler.redaction import url_parts
from reconciler.state import Live, State

Commented: TypeAlias = tuple[str | Literal | tuple[str | Literal, ...] | Data, tuple[str, ...]]
"""A value, and the comments above it."""

_IN_URL = "set this environment variable before you plan: it is part of the live URL"
_NOT_RETURNED = "Twilio does not return it; set this environment variable before it has to be sent"


class ValueWriter:
    """Writes values, and records the required secrets.

    Args:
        state: The account.
        fields: Decides which fields are written.
        naming: The addresses.
        service_folder: The folder of the services' files, relative to the root file; empty if there is one file.

    Attributes:
        secrets: Names of secrets that the user has to set and that the existing files do not use, by field.
        looked_up: Values of secrets that are parts of URLs, by name.
    """

    def __init__(self, state: State, fields: FieldFilter, naming: Naming, service_folder: str) -> None:
        self.secrets: dict[FieldKey, str] = {}
        self.looked_up: dict[str, str] = {}
        self._state = state
        self._fields = fields
        self._existing = fields.existing
        self._naming = naming
        self._service_folder = service_folder

    def value(self, live: Live, item: Field, content: Content) -> Commented:
        """Return the value of a field as the files write it."""
        if self._fields.is_kept(live, item):
            value = self._existing.kept[FieldKey(live.sid, item.path)]
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

    def secret(self, key: FieldKey) -> Commented:
        """Return an interpolation for a secret that Twilio does not return."""
        self.secrets[key] = name = self._secret_name(self._naming.addresses[key.sid], key.path)
        return Literal(f"${{secret:{name}}}"), (_NOT_RETURNED,)

    def _reference(self, live: Live, item: Field, sid: str) -> Commented:
        ref = item.marker(Ref)
        target = self._state.get(sid)
        if ref is not None and target is not None and target.kind.name == ref.kind:
            is_reachable = ref.scope == "account" or target.parents[:1] == live.parents[:1]
            if is_reachable and sid in self._naming.addresses:
                return self._naming.handle(target), ()
            if is_reachable and (sid in self._naming.untouched or target.is_built_in):
                return target.name, ()
        noun = ref.kind if ref is not None else "resource"
        return sid, (f"the SID of a {noun} that is not in these files",)

    def _folder(self, live: Live) -> str:
        """Return the folder of the file that a resource is written into, relative to the root file."""
        return self._service_folder if live.kind.is_container or live.parents else ""

    def _url(self, live: Live, item: Field, url: str) -> Literal:
        """Return a URL whose secret parts are looked up; secrets of the existing files keep their names."""
        known = {value: name for name, value in self._existing.secrets.items()}
        addresses = self._naming.addresses
        above = addresses[live.parents[-1]].parts if live.parents else ()
        address = Address((*above, *live.kind.section)) if live.kind.singleton else addresses[live.sid]
        written = []
        for part in url_parts(url):
            if not part.secret:
                written.append(escape(part.text))
                continue
            name = known.get(part.text) or known.get(unquote(part.text))
            name = name or self._secret_name(address, item.path, part.secret)
            self.looked_up[name] = part.text
            written.append(f"${{secret:{name}}}")
        return lookup("".join(written))

    def _secret_name(self, address: Address, *more: str) -> str:
        """Return an unused name for a secret, from the address and the field."""
        wanted = re.sub(r"[^A-Z0-9]+", "_", "_".join([*address.parts, *more]).upper()).strip("_")
        taken = {*self.secrets.values(), *self.looked_up, *self._existing.secrets, *self._existing.names()}
        name, number = wanted, 1
        while name in taken:
            number += 1
            name = f"{wanted}_{number}"
        return name
