"""EasyPost's official client, made fit for us. The only file that imports it."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from shared.carriers.easypost.failures import sort_failure
from shared.carriers.types import BrokenAnswer


class Client:
    """Calls EasyPost and sorts what goes wrong. Serves all threads."""

    def __init__(self, *, api_key: str, api_base: str, timeout_s: int) -> None:
        self._api_key = api_key
        self._api_base = api_base
        self._timeout_s = timeout_s
        # A connection and the hook below belong to one call at a time: each thread has its own.
        self._own = threading.local()

    def ask(self, call: Callable[[Any], Any]) -> Any:
        """The answer to `call(easypost_client)` as plain dicts and lists.

        Raises:
            RefusedByCarrier, CarrierUnavailable, CarrierAccountRefused, BrokenAnswer: see the port.
        """
        from easypost.errors.api.api_error import ApiError  # noqa: PLC0415, see _connect

        client = self._client()
        self._own.status, self._own.retry_after_s = None, None
        try:
            return call(client).to_dict()
        except ApiError as error:
            raise sort_failure(
                self._own.status, error.code, error.message, error.errors, self._own.retry_after_s
            ) from error
        except (AttributeError, KeyError, TypeError) as error:
            # The client turns any JSON into objects and trips over what is not one.
            raise BrokenAnswer("EasyPost answered JSON that is no object of theirs") from error

    def _client(self) -> Any:
        if not hasattr(self._own, "client"):
            self._own.client = self._connect()
        return self._own.client

    def _connect(self) -> Any:
        # Takes a quarter of a second, and only the label function should pay for it.
        from easypost.easypost_client import EasyPostClient  # noqa: PLC0415

        client: Any = EasyPostClient(self._api_key, self._api_base, self._timeout_s)
        client.subscribe_to_response_hook(self._note)
        # Out of the box the client repeats by itself, and on a 429 it sleeps as long as the vendor
        # says, in the middle of our work. The queue does the repeating.
        adapter = client._requests_session.get_adapter(self._api_base)  # noqa: SLF001
        adapter.max_retries = adapter.max_retries.new(total=0)
        return client

    def _note(self, http_status: int, headers: Mapping[str, str], **_: object) -> None:
        # The client's errors know neither the headers nor, without JSON, the status.
        self._own.status = http_status
        after = headers.get("Retry-After", "")
        self._own.retry_after_s = int(after) if after.isascii() and after.isdigit() else None
