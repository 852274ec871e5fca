"""Shippo's official client, made fit for us. The only file that imports it.

The client makes the calls; what comes back is read as it was sent. It knows the words of its own
release only, and a new one in the answer to a purchase must not hide that a label was bought.
"""

import json
import threading
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus
from typing import Any

from shared.carriers.shippo.failures import sort_failure
from shared.carriers.types import BrokenAnswer, VendorUnavailable

API_VERSION = "2018-02-08"  # the one that the client's release was made from

# (the client, its classes for what is asked) -> what it makes of the answer, which is not used
Call = Callable[[Any, Any], object]


class Client:
    """Calls Shippo and sorts what goes wrong. Serves all threads."""

    def __init__(self, *, api_key: str, api_base: str, timeout_s: int) -> None:
        self._api_key = api_key
        self._api_base = api_base
        self._timeout_s = timeout_s
        # A connection and the hook below belong to one call at a time: each thread has its own.
        self._own = threading.local()

    def ask(self, call: Call) -> Any:
        """The answer to `call` as plain dicts and lists.

        Raises:
            RefusedByCarrier, CarrierUnavailable, CarrierAccountRefused, BrokenAnswer: see the port.
        """
        from shippo.models.errors import SDKError  # noqa: PLC0415, see _connect

        client, parts = self._client()
        self._own.answer = None
        try:
            call(client, parts)
        except OSError:
            pass  # of the connection: what did not come says enough
        except (SDKError, AttributeError, KeyError, TypeError, ValueError):
            # It tells of failures so, and trips over words that it does not know.
            if self._own.answer is None:
                raise  # a call that was never made is our own mistake
        if self._own.answer is None:
            raise VendorUnavailable("Shippo gave no answer")
        return _read(*self._own.answer)

    def _client(self) -> tuple[Any, Any]:
        if not hasattr(self._own, "client"):
            self._own.client = self._connect()
        return self._own.client  # type: ignore[no-any-return]

    def _connect(self) -> tuple[Any, Any]:
        # Takes half a second, and only who buys of Shippo should pay for it.
        from shippo import Shippo  # noqa: PLC0415
        from shippo.models import components, operations  # noqa: PLC0415

        client: Any = Shippo(
            api_key_header=f"ShippoToken {self._api_key}",
            shippo_api_version=API_VERSION,
            server_url=self._api_base,
        )
        session = client.sdk_configuration.client
        session.hooks["response"].append(self._note)
        # Out of the box it waits for ever. It repeats nothing by itself: the queue does.
        adapter = session.get_adapter(self._api_base)
        adapter.send = partial(adapter.send, timeout=self._timeout_s)
        return client, _Parts(components, operations)

    def _note(self, answer: Any, **_: object) -> None:
        # Reading it to the end here makes half an answer no answer.
        self._own.answer = (answer.status_code, answer.content, dict(answer.headers))


class _Parts:
    """The classes of the client for what is asked, whichever of its modules has them."""

    def __init__(self, *modules: Any) -> None:
        self._modules = modules

    def __getattr__(self, name: str) -> Any:
        module = next(module for module in self._modules if hasattr(module, name))
        return getattr(module, name)


def _read(status: int, content: bytes, headers: Mapping[str, str]) -> Any:
    try:
        body = json.loads(content)
    except ValueError:
        body = None
    if status >= HTTPStatus.MULTIPLE_CHOICES:
        after = {name.lower(): value for name, value in headers.items()}.get("retry-after", "")
        retry_after_s = int(after) if after.isascii() and after.isdigit() else None
        raise sort_failure(status, body, retry_after_s)
    if not isinstance(body, dict):
        raise BrokenAnswer("Shippo answered what is no object of theirs", status=status)
    return body
