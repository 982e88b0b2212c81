"""Single writes: sends the form of a create, update, or delete, and compares the answer with it.

Takes a kind, a path, and values; returns the decoded answer. An update or delete whose answer was lost is looked up
before it counts as failed.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.api import wire
from reconciler.api.answers import is_not_found
from reconciler.api.client import Client
from reconciler.api.wire import Decoded
from reconciler.errors import ApiError
from reconciler.execution.answer_check import check_answer, matches
from reconciler.execution.fair_slots import slot_released
from reconciler.execution.step_errors import StepFailed
from reconciler.json_text import Json
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content


class Writes:
    """The writes of one apply.

    Args:
        client: sends them.
        trigger_webhooks: whether writes fire the account's webhooks where the API allows to choose.
    """

    def __init__(self, client: Client, *, trigger_webhooks: bool) -> None:
        self._client = client
        self._trigger_webhooks = trigger_webhooks

    async def create(self, kind: Kind, path: str, values: Mapping[str, Content], attempt: int) -> Decoded:
        """Send a create once; the caller handles lost answers.

        Args:
            kind: the kind of the new resource.
            path: the path of the collection.
            values: the values to send.
            attempt: the number of this attempt, from 1.
        """
        return wire.decode(kind, await self._post(kind, path, values, idempotent=False, attempt=attempt))

    async def update(
        self, kind: Kind, path: str, values: Mapping[str, Content], expects: Mapping[str, object] | None = None
    ) -> Decoded:
        """Send an update, and check that it took effect.

        If an answer was lost and the update failed in the end, the resource is read: the lost request may have taken
        effect. A repeated update can fail because of that alone, such as one of a conversation that the first one
        closed.

        Args:
            kind: the kind of the resource.
            path: its path.
            values: the values to send.
            expects: further values that it must have afterwards.

        Raises:
            StepFailed: the API kept its own value of a field.
            ApiError: the update failed.
        """
        expected = {**(expects or {}), **values}
        try:
            answer = wire.decode(kind, await self._post(kind, path, values, idempotent=True))
        except ApiError as error:
            live = await self._find_lost_update(kind, path, expected) if error.may_be_done else None
            if live is None:
                raise
            return live
        try:
            check_answer(kind, expected, answer)
        except StepFailed as error:
            error.answer = answer.values
            raise
        return answer

    async def _find_lost_update(self, kind: Kind, path: str, expected: Mapping[str, object]) -> Decoded | None:
        """Return the resource of an update whose answer was lost, if it certainly has every value that was sent."""
        try:
            async with slot_released():
                live = wire.decode(kind, await self._client.get(path))
        except ApiError:
            return None
        is_readable = expected.keys() <= live.values.keys()
        return live if is_readable and matches(kind, expected, live) else None

    async def delete(self, kind: Kind, path: str) -> bool:
        """Delete a resource; return False if it did not exist.

        If the answer was lost and the delete failed in the end, the resource is read: it may have been deleted
        nevertheless.
        """
        try:
            await self._client.delete(path, webhooks=self._trigger_webhooks and kind.webhook_header)
        except ApiError as error:
            if is_not_found(error):
                return False
            if not (error.may_be_done and await self._is_gone(path)):
                raise
        return True

    async def _is_gone(self, path: str) -> bool:
        """Return whether a resource certainly does not exist."""
        try:
            async with slot_released():
                await self._client.get(path)
        except ApiError as error:
            return is_not_found(error)
        return False

    async def _post(
        self, kind: Kind, path: str, values: Mapping[str, Content], *, idempotent: bool, attempt: int = 1
    ) -> Json:
        form = wire.encode(kind, values, lambda content: content)
        webhooks = self._trigger_webhooks and kind.webhook_header
        return await self._client.post(path, form, idempotent=idempotent, webhooks=webhooks, attempt=attempt)
