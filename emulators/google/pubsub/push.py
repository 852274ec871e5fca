"""Push: requests to a subscription's endpoint, as many at once as its window allows."""

import asyncio
import base64
import json
import re
from typing import Any

from emulators.google.outbound import Outbound
from emulators.google.pubsub.backlog import Entry
from emulators.google.pubsub.delivery import Delivery
from emulators.google.pubsub.messages import Message, rfc3339
from emulators.google.pubsub.settings import Push
from emulators.google.pubsub.window import Window
from emulators.google.timing import Alarm, Throttle
from emulators.google.tokens import TokenIssuer

# 102 acknowledges in production, too; as an interim answer it never reaches us through aiohttp,
# which waits for the final one.
ACKNOWLEDGING = frozenset({200, 201, 202, 204})

# Production slows the pushes of a whole subscription that keeps failing, between 100 ms and
# 60 s, unless a retry policy spaces out each message by itself. How many failures it tolerates
# is not documented.
PUSH_BACKOFF_FIRST_S = 0.1
PUSH_BACKOFF_LIMIT_S = 60.0
FAILURES_TOLERATED = 10

METADATA_PREFIX = "x-goog-pubsub-"
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")


class Pusher:
    """Pushes what `delivery` owes, while it wants to be pushed."""

    def __init__(
        self, delivery: Delivery, outbound: Outbound, tokens: TokenIssuer, window: Window
    ) -> None:
        self._delivery = delivery
        self._outbound = outbound
        self._tokens = tokens
        self._window = window
        self._pushes: set[asyncio.Task[None]] = set()
        self._alarm = Alarm(self.advance)
        self._closed = False
        self.forgive()

    def forgive(self) -> None:
        """Forget past failures: the endpoint may be another one now."""
        self._throttle = Throttle(PUSH_BACKOFF_FIRST_S, PUSH_BACKOFF_LIMIT_S)
        self._failures_in_a_row = 0

    def advance(self) -> None:
        push = self._delivery.settings.push
        if push is None or self._closed:
            return
        loop = asyncio.get_running_loop()
        wait_s = self._throttle.wait_s(loop.time())
        if wait_s > 0:
            self._alarm.within(wait_s)
            return
        while len(self._pushes) < self._window.size:
            entry = self._delivery.take()
            if entry is None:
                return
            task = loop.create_task(self._push(entry, push))
            self._pushes.add(task)
            task.add_done_callback(self._pushed)

    def close(self) -> None:
        self._closed = True
        self._alarm.cancel()
        for push in self._pushes:
            push.cancel()

    def _pushed(self, task: asyncio.Task[None]) -> None:
        self._pushes.discard(task)
        self.advance()

    async def _push(self, entry: Entry, push: Push) -> None:
        settings = self._delivery.settings
        attempt = entry.attempts if settings.dead_letter else None
        if push.unwrapped is None:
            headers = {"Content-Type": "application/json"}
            body = push_body(entry.message, settings.name, attempt)
        else:
            headers = {"Content-Type": "application/octet-stream"}
            body = entry.message.data
            if push.unwrapped.with_metadata:
                headers |= metadata(entry.message, settings.name)
        headers["User-Agent"] = "CloudPubSub-Google"
        if push.account:
            headers["Authorization"] = self._tokens.bearer(push.account, push.audience)
        answer = await self._outbound.send(
            "POST", push.endpoint, headers, body, timeout_s=settings.ack_deadline_s
        )
        if answer.status in ACKNOWLEDGING:
            self._succeeded(entry)
        else:
            self._failed(entry)

    def _succeeded(self, entry: Entry) -> None:
        self._failures_in_a_row = 0
        self._throttle.clear()
        self._window.grow()
        self._delivery.succeed(entry)

    def _failed(self, entry: Entry) -> None:
        self._failures_in_a_row += 1
        self._window.shrink()
        retry = self._delivery.settings.retry
        if retry is None and self._failures_in_a_row > FAILURES_TOLERATED:
            self._throttle.trip(asyncio.get_running_loop().time())
        self._delivery.fail(entry)


def push_body(message: Message, subscription: str, delivery_attempt: int | None) -> bytes:
    """The wrapped push request, as JSON.

    {"message": {"data" base64, "attributes", "messageId", "message_id", "publishTime",
    "publish_time", "orderingKey"}, "subscription", "deliveryAttempt"}. As in all JSON of
    protobuf, what is empty is absent: data, attributes, orderingKey.
    """
    published = rfc3339(message.published_at)
    inner: dict[str, object] = {
        "messageId": message.message_id,
        "message_id": message.message_id,
        "publishTime": published,
        "publish_time": published,
    }
    if message.data:
        inner["data"] = base64.b64encode(message.data).decode()
    if message.attributes:
        inner["attributes"] = message.attributes
    if message.ordering_key:
        inner["orderingKey"] = message.ordering_key
    body: dict[str, Any] = {"message": inner, "subscription": subscription}
    if delivery_attempt is not None:
        body["deliveryAttempt"] = delivery_attempt
    return json.dumps(body, separators=(",", ":")).encode()


def metadata(message: Message, subscription: str) -> dict[str, str]:
    """The headers of an unwrapped push that asked for metadata: Google's own and the attributes.

    What cannot be a header, such as a value with a line break, is left out.
    """
    headers = {
        f"{METADATA_PREFIX}subscription-name": subscription,
        f"{METADATA_PREFIX}message-id": message.message_id,
        f"{METADATA_PREFIX}publish-time": rfc3339(message.published_at),
    }
    if message.ordering_key:
        headers[f"{METADATA_PREFIX}ordering-key"] = message.ordering_key
    attributes = message.attributes.items()
    return {
        key: value
        for key, value in (*attributes, *headers.items())
        if _HEADER_NAME.fullmatch(key) and _HEADER_VALUE.fullmatch(value)
    }
