"""The judge of one apply: from the traffic, the account before and after, the YAML, and the plan that was shown.

Each finding is a sentence. What is judged: that every delete has a license and hits nothing that is protected, that
nothing refers to what is gone, that everybody holds the role that the configuration gives, and that values which only
the account had outlive a replace.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.oracles.account import Row, State, labels_of, references
from tests.oracles.command import Run
from tests.oracles.reading import (
    BUILT_IN,
    Configuration,
    Resource,
    default_service,
    line,
    live_name,
)
from tests.oracles.recorder import Exchange

MOST_DELETES = 10
"""The limit of deletes where the configuration sets none."""

_DEFAULTS = {"user": "default_chat_service_role_sid", "participant": "default_conversation_role_sid"}
_OWN_VALUES = {
    "user": ("friendly_name", "attributes"),
    "address": ("friendly_name", "auto_creation"),
    "participant": ("attributes",),
    "conversation": ("friendly_name", "attributes"),
}
"""Fields of each kind that a create can carry over."""


@dataclass(frozen=True)
class Case:
    """One apply.

    Attributes:
        configuration: the YAML.
        plan: the plan that was shown before, as JSON.
        run: the apply.
        before: what the account held before it.
        after: what it holds after it.
        is_scoped: whether options or a lifecycle left a part of the configuration out.
    """

    configuration: Configuration
    plan: Mapping[str, Any]
    run: Run
    before: State
    after: State
    is_scoped: bool = False

    @property
    def replaced(self) -> dict[str, str]:
        """By SID, the address of what the plan shows as replaced."""
        changes = self.plan.get("changes", [])
        return {change["sid"]: change["address"] for change in changes if change["action"] == "replace"}

    @property
    def _kept(self) -> set[str]:
        """The SIDs that the plan shows as protected."""
        return {change["sid"] for change in self.plan.get("changes", []) if change["guard"] is not None}

    def findings(self) -> list[str]:
        """Everything that is wrong with an apply, whatever it ended with."""
        found = [f"DELETE {label}: {reason}" for exchange in self._deletes() for label, reason in self._wrong(exchange)]
        found += self._over_the_limit()
        found += self._dangling()
        found += self._too_early()
        if self.run.code in {3, 4} and self.run.writes:
            found.append(f"exit {self.run.code}, and something was sent")
        found += self._refused()
        if self.run.code == 0:
            found += [*self._roles(), *self._values()]
        return found

    def attacks(self) -> list[str]:
        """Deletes of what is protected, whatever licensed them."""
        return [
            f"{exchange.path}: {reason}"
            for exchange in self._deletes()
            if exchange.before is not None and (sid := exchange.path.rpartition("/")[2]) in exchange.before
            for reason in self._protected(sid, exchange.before)
        ]

    # --- Deletes ------------------------------------------------------------------------------------------------------

    def _deletes(self) -> Iterator[Exchange]:
        return (exchange for exchange in self.run.log if exchange.method == "DELETE")

    def _wrong(self, exchange: Exchange) -> Iterator[tuple[str, str]]:
        """Why a delete should not have been sent."""
        sid = exchange.path.rpartition("/")[2]
        state = exchange.before
        assert state is not None
        if sid not in state:
            return
        label = labels_of(state)[sid]
        license_ = self._license(sid)
        if not license_:
            yield label, "nothing licenses it"
        for reason in self._protected(sid, state):
            yield label, reason
        if state[sid]["kind"] in {"service", "conversation"} and not self._is_approved(sid, license_):
            yield label, f"no approval of its {license_ or 'delete'}"

    def _license(self, sid: str) -> str:
        """What lets a resource be deleted: ``delete``, ``replace``, or nothing."""
        if sid not in self.before:
            return ""  # made by this very apply
        configuration, before = self.configuration, self.before
        if any(resource.is_absent for resource in configuration.resources_of(sid, before)):
            return "delete"
        if sid in self.replaced and sid not in self._kept:
            meant = [*configuration.resources_of(sid, before), *configuration.resources_of(sid, before, former=True)]
            if any(not resource.is_absent for resource in meant):
                return "replace"
        return "delete" if configuration.is_pruned(sid, before) else ""

    def _protected(self, sid: str, state: State) -> Iterator[str]:
        row = state[sid]
        if row["kind"] == "role":
            yield from self._protected_role(sid, row, state)
        if row["kind"] == "service":
            if sid in {default_service(state), default_service(self.after)}:
                yield "it is the account's default service"
            if any(field == "auto_creation" and target == sid for _, field, target in references(state)):
                yield "an address uses the service"
        if self.configuration.keeps(sid, state):
            yield "a lifecycle prevents that it is destroyed"
        if not self.is_scoped and self.configuration.assigned_by_sid(sid):
            yield "the configuration assigns it by its SID"

    def _protected_role(self, sid: str, row: Row, state: State) -> Iterator[str]:
        if BUILT_IN.get(row["name"]) == row["type"]:
            yield "it is built in"
        service = state[row["parent"]]
        if sid in service["configuration"].values():
            yield "it is a default role"
        if any(other["kind"] == "user" and other["role_sid"] == sid for other in state.values()):
            yield "users hold it"

    def _is_approved(self, sid: str, action: str) -> bool:
        state = self.before
        resources = [
            *self.configuration.resources_of(sid, state),
            *self.configuration.resources_of(sid, state, former=True),
        ]
        names = {resource.address for resource in resources} | {f'services["{sid}"]'}
        if state[sid]["kind"] == "conversation":
            names |= {
                f'{service.address}.conversations["{sid}"]'
                for service in self.configuration.resources_of(state[sid]["parent"], state)
            }
        return any(
            item["address"] in names and item.get("action", "delete") == (action or "delete")
            for item in self.configuration.root.get("approvals", [])
        )

    def _over_the_limit(self) -> Iterator[str]:
        most = (self.configuration.root.get("limits") or {}).get("deletes", MOST_DELETES)
        sent = sum(1 for _ in self._deletes())
        if sent > most:
            yield f"{sent} deletes, and {most} are allowed"

    def _too_early(self) -> Iterator[str]:
        """A replace that deletes first, before everything that its create names was there."""
        writes = self.run.writes
        for number, exchange in enumerate(writes):
            sid = exchange.path.rpartition("/")[2]
            if exchange.method != "DELETE" or sid not in self.replaced:
                continue
            made = {later.sid for later in writes[number:] if later.sid}
            collection = exchange.path.rpartition("/")[0]
            creates = [later for later in writes[number:] if later.method == "POST" and later.path == collection]
            for create in creates[:1]:
                needed = {value for values in create.form.values() for value in values}
                if needed & made:
                    yield f"DELETE {exchange.path}: sent before what its replacement needs was there"
            if (
                not creates
                and self.run.code != 0
                and not any(w.method == "POST" and w.path == collection for w in writes)
            ):
                yield f"DELETE {exchange.path}: sent, and its replacement was never sent"

    def _refused(self) -> Iterator[str]:
        """Writes that the API refused although nothing that a plan cannot know stood in their way."""
        for exchange in self.run.writes:
            if exchange.status >= 400 and not self._is_excused(exchange):
                yield f"refused: {exchange}"

    def _is_excused(self, exchange: Exchange) -> bool:
        sid = exchange.path.rpartition("/")[2]
        if exchange.method == "DELETE" and exchange.status == 404:
            return True  # gone already, with the user whose seat it was
        if exchange.method == "DELETE":
            # Who holds a role in conversations is not looked up.
            rows = (exchange.before or {}).values()
            return any(row["kind"] == "participant" and row["role_sid"] == sid for row in rows)
        if exchange.path.endswith("/Participants"):
            # A pair is taken in the whole account, and not every conversation is read.
            address = exchange.form.get("MessagingBinding.Address", [""])[0]
            return any(
                row["kind"] == "participant" and (row["messaging_binding"] or {}).get("address") == address
                for key, row in self.before.items()
                if not self._license(key) and not self._is_in_deleted(key)
            )
        # Ignored permissions of a role that becomes one of another type may be none of that type.
        return exchange.path.endswith("/Roles") and any(
            resource.lifecycle.get("ignore_changes") for resource in self.configuration.resources
        )

    def _is_in_deleted(self, sid: str) -> bool:
        return any(self._license(above) for above in line(sid, self.before))

    # --- The account after --------------------------------------------------------------------------------------------

    def _dangling(self) -> Iterator[str]:
        gone = self.before.keys() - self.after.keys()
        labels = labels_of(self.after)
        for sid, field, target in references(self.after):
            if target in gone:
                yield f"{labels[sid]}: {field} refers to {labels_of(self.before)[target]}, which was deleted"

    def _roles(self) -> Iterator[str]:
        labels = labels_of(self.after)
        for sid, row in self.after.items():
            if row["kind"] not in _DEFAULTS or not row["role_sid"]:
                continue
            allowed = self._allowed_roles(sid, row)
            if row["role_sid"] not in allowed:
                names = " or ".join(sorted(labels.get(role, role) for role in allowed))
                yield f"{labels[sid]} holds {labels.get(row['role_sid'], 'a role that is gone')}, not {names}"

    def _allowed_roles(self, sid: str, row: Row) -> set[str]:
        """The SIDs of the roles that a user or participant may hold after an apply that succeeded."""
        service = row["parent"] if row["kind"] == "user" else row["chat_service_sid"]
        resources = [
            resource for resource in self.configuration.resources_of(sid, self.after) if not resource.is_absent
        ]
        declared = {
            role
            for resource in resources
            if "role" in resource.body
            for role in self._role_sids(resource, str(resource.body["role"]), service)
        }
        if declared and not self.is_scoped:
            return declared
        held = self.before[sid]["role_sid"] if sid in self.before else None
        for resource in resources:
            held = held or self._predecessor_role(resource)
        if held is None:
            return declared | {self.after[service]["configuration"][_DEFAULTS[row["kind"]]]}
        return declared | {held} | self._successors(held)

    def _role_sids(self, holder: Resource, name: str, service: str) -> set[str]:
        """What a reference to a role means: a SID, a handle in the same service, or a built-in role."""
        if re.fullmatch(r"RL[0-9a-f]{32}", name):
            return {name}
        for resource in self.configuration.resources:
            if resource.kind == "role" and resource.handle == name and resource.service is holder.service:
                return {sid for sid in self.after if self.configuration.names(resource, sid, self.after)}
        rows = self.after.items()
        return {sid for sid, row in rows if row["kind"] == "role" and (row["parent"], row["name"]) == (service, name)}

    def _predecessor_role(self, resource: Resource) -> str | None:
        """The role of what a new resource took the place of."""
        for sid in self.replaced:
            if sid in self.before and self.before[sid]["kind"] == resource.kind and self._is_successor(resource, sid):
                held: str | None = self.before[sid]["role_sid"]
                return held
        return None

    def _is_successor(self, resource: Resource, sid: str) -> bool:
        names = self.configuration.names
        return names(resource, sid, self.before) or names(resource, sid, self.before, former=True)

    def _successors(self, role: str) -> set[str]:
        """What a role that was replaced is now."""
        if role not in self.replaced or role not in self.before:
            return set()
        resources = [resource for resource in self.configuration.resources if self._is_successor(resource, role)]
        return {
            sid for resource in resources for sid in self.after if self.configuration.names(resource, sid, self.after)
        }

    def _values(self) -> Iterator[str]:
        """Values that only the account had, of what was replaced."""
        for sid in self.replaced:
            row = self.before.get(sid)
            if row is None or sid in self.after or row["kind"] not in _OWN_VALUES:
                continue
            names = self.configuration.names
            resources = [item for item in self.configuration.resources if item.kind == row["kind"]]
            renamed = [item for item in resources if names(item, sid, self.before, former=True)]
            # In a chain of renames, what has the name now is not what had it.
            for resource in renamed or [item for item in resources if self._is_successor(item, sid)]:
                now = [self.after[key] for key in self.after if self.configuration.names(resource, key, self.after)]
                yield from (f"{live_name(row)}: {lost}" for item in now for lost in _lost(resource, row, item))

    def unmanaged_changes(self) -> Iterator[str]:
        """What was changed although nothing declares it."""
        labels = labels_of(self.before)
        for sid, row in self.before.items():
            if sid not in self.after or row["kind"] in {"account", "service"}:
                continue
            if not self.configuration.resources_of(sid, self.before) and not self.configuration.resources_of(
                sid, self.before, former=True
            ):
                now = self.after[sid]
                changed = [key for key in row if row[key] != now.get(key) and not key.startswith("date_")]
                if changed and sid in _written(self.run.log):
                    yield f"{labels[sid]}: {', '.join(changed)} changed, and nothing declares it"


def _written(log: Sequence[Exchange]) -> set[str]:
    return {exchange.path.rpartition("/")[2] for exchange in log if exchange.method == "POST"}


def _lost(resource: Resource, row: Row, now: Row) -> Iterator[str]:
    ignored = resource.lifecycle.get("ignore_changes", [])
    for field in _OWN_VALUES[resource.kind]:
        had, has = row.get(field), now.get(field)
        if field in resource.body and field not in ignored and not isinstance(had, dict):
            continue
        if isinstance(had, dict) and isinstance(has, dict):
            declared = resource.body.get(field) or {}
            words = {"webhook_url": "webhook_url", "conversation_service_sid": "service", "enabled": "enabled"}
            for key, word in words.items():
                if had.get(key) != has.get(key) and word not in declared and "type" not in declared:
                    yield f"{field}.{key} was {had.get(key)!r} and is {has.get(key)!r}"
        elif field == "attributes" and json.loads(str(had)) == json.loads(str(has)):
            continue
        elif had != has:
            yield f"{field} was {had!r} and is {has!r}"
