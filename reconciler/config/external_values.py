"""Values from outside of the configuration: environment variables, secrets, and files.

Takes a lookup; returns its text, or None if its default applies. Refuses this tool's own credentials.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property

from reconciler.config.files import line_of
from reconciler.config.findings import Findings, shown
from reconciler.config.interpolation_syntax import Lookup
from reconciler.config.nodes import ScalarNode
from reconciler.config.resolved_text import Missing, Part, Placeholder, ResolvedText
from reconciler.config.sources import SourceError, Sources, resolve_path
from reconciler.errors import Place
from reconciler.redaction import TOOL_SECRETS, is_of_the_tool, may_be_secret

UNEXPANDED = re.compile(r"\$\{[A-Za-z_][A-Za-z0-9_.:-]*\}")
"""A `${…}` in a value from outside that the shell or the CI system was probably meant to replace."""
_SURROGATES = re.compile("[\ud800-\udfff]")
_SHORTEST_TOOL_SECRET = 16
_NEARBY = 2_000


class ExternalValues:
    """Reads environment variables, secrets, and files.

    Args:
        sources: The files and environment variables.
        findings: Collects the problems.
        lines: The lines of the files, to find the part of a line that is wrong.
        by_name: Whether environment variables count as unset, so that only their names matter.
        unknown: The values that are not known, in the form of `used`: they count as not set, whatever their defaults.

    Attributes:
        secrets: The texts of all secrets read so far.
        used: The text of every environment variable, secret, and file used so far, by its namespace and name:
            ``env:NAME``, ``secret:NAME``, ``file:PATH``, with a path relative to the root file's folder.
    """

    def __init__(
        self,
        sources: Sources,
        findings: Findings,
        lines: Mapping[str, tuple[str, ...]],
        *,
        by_name: bool,
        unknown: frozenset[str] = frozenset(),
    ) -> None:
        self.secrets: set[str] = set()
        self.used: dict[str, str] = {}
        self._sources = sources
        self._findings = findings
        self._lines = lines
        self._by_name = by_name
        self._unknown = unknown
        self._files: dict[str, str | SourceError] = {}
        self._environment_texts: dict[str, str | None] = {}

    def read(self, lookup: Lookup, scalar: ScalarNode) -> ResolvedText | None:
        """Return the text of a lookup of any namespace but ``var``; None if it is unset and has a default."""
        match lookup.namespace:
            case "env":
                return self._environment_variable(lookup, scalar)
            case "file":
                return self._file(lookup, scalar)
            case _:
                return self._secret(lookup, scalar)

    def _environment_variable(self, lookup: Lookup, scalar: ScalarNode) -> ResolvedText | None:
        text, is_fit = self._read_environment(lookup, scalar)
        if not is_fit:
            return ResolvedText("", failed=True)
        name = f"environment variable {lookup.name}"
        if text is None or not text.strip():
            if lookup.default is not None and not self._by_name and f"env:{lookup.name}" not in self._unknown:
                return None
            place = token_place(self._lines, scalar, lookup.token, lookup.offset)
            hint = f"set it, or give a default: ${{env:{lookup.name}:-…}}"
            missing = Missing("unset-environment", f"{name} {_unset(text)}", place, hint, is_secret=False)
            return ResolvedText("", form=lookup.token, missing=(missing,))
        self.used[f"env:{lookup.name}"] = text
        placeholders = self._placeholders(text, lookup, scalar, name)
        if may_be_secret(lookup.name):
            # Anyone can write this line in a pull request, whose plan everyone can read.
            self.secrets.add(text)
            return ResolvedText(
                text, secrets=(lookup.name,), form=f"${{env:{lookup.name}}}", namespaces=frozenset({"env", "secret"}),
                placeholders=placeholders, parts=(Part(text, name, is_secret=True),),
            )  # fmt: skip
        return ResolvedText(text, namespaces=frozenset({"env"}), placeholders=placeholders, parts=(Part(text, name),))

    def _secret(self, lookup: Lookup, scalar: ScalarNode) -> ResolvedText:
        text, is_fit = self._read_environment(lookup, scalar)
        if not is_fit:
            return ResolvedText("", failed=True)
        form, name = f"${{secret:{lookup.name}}}", f"secret {lookup.name}"
        if text is None or not text.strip():
            place = token_place(self._lines, scalar, lookup.token, lookup.offset)
            hint = f"set the environment variable {lookup.name}, or check the files without it: --allow-unset"
            missing = Missing("unset-secret", f"{name} {_unset(text)}", place, hint, is_secret=True)
            return ResolvedText(
                "", secrets=(lookup.name,), form=form, namespaces=frozenset({"secret"}), missing=(missing,)
            )  # fmt: skip
        self.secrets.add(text)
        self.used[f"secret:{lookup.name}"] = text
        return ResolvedText(
            text, secrets=(lookup.name,), form=form, namespaces=frozenset({"secret"}),
            placeholders=self._placeholders(text, lookup, scalar, name), parts=(Part(text, name, is_secret=True),),
        )  # fmt: skip

    def _file(self, lookup: Lookup, scalar: ScalarNode) -> ResolvedText | None:
        path = resolve_path(scalar.origin.path, lookup.name)
        if path is None:
            message = f"{shown(lookup.name)} is outside of the root file's folder"
            place = token_place(self._lines, scalar, lookup.token, lookup.offset)
            self._findings.error("outside-folder", message, place, "use a file in that folder or below it")
            return ResolvedText("", failed=True)
        if f"file:{path}" in self._unknown:
            place = token_place(self._lines, scalar, lookup.token, lookup.offset)
            missing = Missing(
                "unreadable-file", f"{shown(path)} is not the file of that time", place, "", is_secret=False
            )
            return ResolvedText("", form=lookup.token, missing=(missing,))
        found = self._file_text(path)
        if isinstance(found, SourceError):
            if found.missing and lookup.default is not None:
                return None
            place = token_place(self._lines, scalar, lookup.token, lookup.offset)
            self._findings.error("unreadable-file", found.message, place, found.hint)
            return ResolvedText("", failed=True)
        if self._is_of_the_tool(found, lookup, scalar):
            return ResolvedText("", failed=True)
        self.used[f"file:{path}"] = found
        return ResolvedText(found, namespaces=frozenset({"file"}), parts=(Part(found, f"file {shown(path)}"),))

    def _file_text(self, path: str) -> str | SourceError:
        if path not in self._files:
            data = b""
            try:
                data = self._sources.read(path)
                text = data.decode("utf-8-sig")
                if "\0" in text:
                    self._files[path] = SourceError(f"{path} is not text: it contains a NUL character")
                elif not text.strip():
                    hint = 'write text to the file, or set the field to "" to clear it'
                    self._files[path] = SourceError(f"{path} is empty, which counts as missing", hint, missing=True)
                else:
                    self._files[path] = without_only_line_break(text)
            except SourceError as error:
                self._files[path] = error
            except UnicodeDecodeError:
                self._files[path] = _not_text(path, data)
        return self._files[path]

    def _read_environment(self, lookup: Lookup, scalar: ScalarNode) -> tuple[str | None, bool]:
        """Return the environment variable, and whether it may be used. If not, the problem has been reported."""
        if is_of_the_tool(lookup.name):
            place = token_place(self._lines, scalar, lookup.token, lookup.offset)
            message = f"the environment variable {lookup.name} configures this tool or its CI service"
            hint = "values that a configuration reads are shown or sent; use a separate variable"
            self._findings.error("tool-variable", message, place, hint)
            return None, False
        if self._by_name or f"{lookup.namespace}:{lookup.name}" in self._unknown:
            return None, True
        if lookup.name not in self._environment_texts:
            self._environment_texts[lookup.name] = self._sources.environment(lookup.name)
        text = self._environment_texts[lookup.name]
        if text is not None and ("\0" in text or _SURROGATES.search(text)):
            place = token_place(self._lines, scalar, lookup.token, lookup.offset)
            message = f"the environment variable {lookup.name} is not text"
            self._findings.error("not-text", message, place, "set it to text")
            return None, False
        if text is not None and lookup.namespace == "env" and self._is_of_the_tool(text, lookup, scalar):
            return None, False
        return text, True

    def _is_of_the_tool(self, text: str, lookup: Lookup, scalar: ScalarNode) -> bool:
        """Report a text that contains a credential of this tool under another name, which a plan would show."""
        held = next((name for name, secret in self._tool_secrets.items() if secret in text), "")
        if held:
            message = f"{lookup.namespace} {lookup.name} contains the value of {held}, a credential of this tool"
            hint = "values that a configuration reads are shown or sent; use another value"
            self._findings.error(
                "tool-variable", message, token_place(self._lines, scalar, lookup.token, lookup.offset), hint
            )
        return bool(held)

    @cached_property
    def _tool_secrets(self) -> dict[str, str]:
        """The values of this tool's credentials by variable, without short ones, which any text may contain."""
        found = {name: self._sources.environment(name) or "" for name in TOOL_SECRETS}
        return {name: value for name, value in found.items() if len(value) >= _SHORTEST_TOOL_SECRET}

    def _placeholders(self, text: str, lookup: Lookup, scalar: ScalarNode, name: str) -> tuple[Placeholder, ...]:
        """Return the warning for a value from outside that contains a `${…}`, if it does."""
        if "${" not in text or UNEXPANDED.search(text) is None:
            return ()
        place = token_place(self._lines, scalar, lookup.token, lookup.offset)
        hint = "values are not interpolated a second time: set it to the final text"
        return (Placeholder(f"the value of {name}", place, hint, "outside", is_name=False),)


def token_place(lines: Mapping[str, tuple[str, ...]], scalar: ScalarNode, token: str, offset: int) -> Place:
    """Return the place of a token in a scalar, or of the scalar if the token is not found.

    Args:
        lines: The lines of the files.
        scalar: The scalar.
        token: The token.
        offset: The position of the token in the scalar's text, or one before it.
    """
    if scalar.line == scalar.end_line:
        line = line_of(lines, scalar)
        # Quotes and escapes only move it to the right. The window bounds the cost of hostile lines.
        begin = scalar.column - 1 + offset
        column = line.find(token, begin, begin + len(token) + _NEARBY)
        if column >= 0:
            return Place(scalar.origin.file, scalar.line, column + 1, scalar.origin.via)
    return scalar.place


def _not_text(path: str, data: bytes) -> SourceError:
    """Return the error for a file that is not UTF-8. Certificates and keys are often binary."""
    stem, _, ending = path.rpartition(".")
    ending = ending.lower()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return SourceError(f"{path} is UTF-16, not UTF-8", "save it as UTF-8 text")
    if data[:1] == b"\x30" and data[1:2] in {b"\x80", b"\x81", b"\x82", b"\x83"}:
        # The beginning of an ASN.1 sequence that is longer than 127 bytes.
        if ending in {"p12", "pfx"}:
            hint = f"convert it: openssl pkcs12 -in {path} -nodes -clcerts, and extract the certificate and the key"
            return SourceError(f"{path} is a PKCS #12 bundle, not PEM text", hint)
        command = "pkey" if "key" in path.lower() else "x509"
        hint = f"convert it: openssl {command} -inform der -in {path} -out {stem or path}.pem"
        return SourceError(f"{path} is binary (DER), not PEM text", hint)
    return SourceError(f"{path} is not UTF-8 text", "save it as UTF-8 text")


def _unset(text: str | None) -> str:
    """Return why an environment variable counts as unset, as the end of a sentence."""
    if text is None:
        return "is not set"
    return "is empty, which counts as not set" if not text else "contains only whitespace, which counts as not set"


def without_only_line_break(text: str) -> str:
    """Return the text of a file as ``${file:PATH}`` has it: a single line loses its line break."""
    line = text.removesuffix("\n").removesuffix("\r")
    return text if "\n" in line or "\r" in line else line
