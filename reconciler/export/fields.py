"""The fields of a live resource that an export writes, and the reasons why it omits the others. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.export.exclusions import Exclusions, FieldKey
from reconciler.export.existing import ExistingFiles
from reconciler.export.merging import merged
from reconciler.export.yaml_writer import Data, can_be_written, comment, fits_yaml
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.kinds.markers import Choice
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.diff import holds_secret
from reconciler.redaction import url_parts
from reconciler.state import Live


@dataclass(frozen=True)
class FieldFilter:
    """Decides which fields are written.

    Attributes:
        existing: The existing files.
        exclusions: The exclusions of earlier attempts.
    """

    existing: ExistingFiles
    exclusions: Exclusions

    def is_excluded(self, live: Live, path: str) -> bool:
        """Return whether an earlier attempt excluded a field."""
        return FieldKey(live.sid, path) in self.exclusions.left_out

    def written(self, live: Live, implicit_name: str = "") -> Iterator[tuple[str, Content]]:
        """Yield the fields that are written, with their live values.

        Args:
            live: The resource.
            implicit_name: The handle, if the natural key defaults to it; empty if the resource is pinned.
        """
        kind = live.kind
        contents: dict[str, Content] = {}
        for item in kind.fields:
            content = live.values.get(item.path)
            if self.is_kept(live, item) and not self.is_excluded(live, item.path):
                contents[item.path] = content
                yield item.path, content
                continue
            if item.write_only or content is None:
                continue
            if self.is_excluded(live, item.path) or self.why_unwritable(live, item):
                continue
            if item.natural_key and implicit_name and content == implicit_name:
                contents[item.path] = content
                continue
            is_switched_off = item.shape is Shape.BOOL and not kind.singleton and has_effect(live, item)
            if item.is_empty(content) and not is_switched_off:
                continue
            is_initial = not kind.singleton and kind.initial.get(item.path) == content
            if kind.derive(contents).get(item.path) == content or is_initial:
                continue
            contents[item.path] = content
            yield item.path, content

    def is_kept(self, live: Live, item: Field) -> bool:
        """Return whether a field keeps the interpolations of the existing files."""
        value = self.existing.kept.get(FieldKey(live.sid, item.path))
        if value is None:
            return False
        if item.shape not in {Shape.JSON, Shape.SET}:
            return True
        content = live.values.get(item.path)
        together = merged(item, value, content, "")
        # The account may contain the same secret a second time, where the files do not look it up.
        if self.existing.secret_in(item, together.value if isinstance(together, Data) else together):
            return False
        return can_be_written(content) and (not isinstance(together, Data) or fits_yaml(together.value))

    def why_unwritable(self, live: Live, item: Field) -> str:
        """Return why a value is not written although YAML could express it; empty if it is written."""
        content = live.values.get(item.path)
        key = FieldKey(live.sid, item.path)
        if key in self.existing.unclear:
            return f"the existing files take it {comment(self.existing.unclear[key])}"
        parts = url_parts(content) if item.shape is Shape.URL and isinstance(content, str) else ()
        public = "\n".join(part.text for part in parts if not part.secret) if parts else content
        if name := self.existing.secret_in(item, public):
            return f"it contains the value of the secret {name}; write it with ${{secret:{name}}}"
        if key in self.existing.kept:
            return "the existing files interpolate it in a way that an export cannot keep"
        if holds_secret(item, content) and not parts:
            return "it contains a password or a token; write it with ${secret:NAME}"
        if item.shape is Shape.JSON and not can_be_written(content):
            return "it contains a number that JSON cannot express"
        beside = [live.kind.by_path[path] for path in live.kind.resend_with.get(item.path, ())]
        if beside and not any(other.secret for other in beside):
            return f"it cannot be sent without {beside[0].path}, which Twilio does not return; write both"
        return ""


def has_effect(live: Live, item: Field) -> bool:
    """Return whether a field has an effect for the type of this resource."""
    discriminator = live.kind.discriminator
    contents = {discriminator: live.values.get(discriminator)} if discriminator else {}
    content: Content = True if item.shape is Shape.BOOL else "?"
    return not any(fault.path == item.path for fault in live.kind.check({**contents, item.path: content}))


def changes_by_itself(kind: Kind, item: Field, content: Content) -> bool:
    """Return whether Twilio derives a value by itself, so that a different one does not count as a difference."""
    choice = item.marker(Choice)
    words = choice.words if choice is not None else ()
    return any(word != content and kind.tolerates(item.path, word, content) for word in words)


def unreturned(kind: Kind) -> dict[str, str]:
    """Return the settings that Twilio does not return and that are not secrets: by key, the first of their fields.

    A field that must be repeated when another one changes is left out here; the comment on that one mentions it.
    """
    repeated = {path for paths in kind.resend_with.values() for path in paths}
    settings: dict[str, str] = {}
    for item in kind.fields:
        if item.write_only and not item.secret and item.path not in repeated:
            settings.setdefault(item.path.split(".")[0], item.path)
    return settings
