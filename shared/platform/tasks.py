"""Giving out work through Cloud Tasks.

Where a task goes, who it is signed by and how often it is tried belong to its queue (http_target
and retry_config), so an enqueuer knows neither addresses nor accounts. The URL that the API wants
in every task is a placeholder that the queue overrides.
"""

import time
from collections.abc import Sequence

from google.api_core.exceptions import (
    Conflict,
    DeadlineExceeded,
    Forbidden,
    GoogleAPICallError,
    InvalidArgument,
    NotFound,
    ResourceExhausted,
    ServiceUnavailable,
    Unauthorized,
)
from google.auth.exceptions import GoogleAuthError
from google.cloud.tasks_v2 import CloudTasksClient
from google.cloud.tasks_v2.types import CreateTaskRequest, HttpMethod, HttpRequest, Task

from shared.platform.config import Config
from shared.platform.outbox import (
    LONGEST_CALL,
    NoAnswer,
    NoSuchQueue,
    NotAllowed,
    NotSent,
    Outgoing,
    Unfit,
)

TIMEOUT_S = LONGEST_CALL.total_seconds()  # the client repeats no creation
PLACEHOLDER_URL = "https://queue.invalid/"


class Queues:
    """The queues of one project and location: `Destinations` of work."""

    def __init__(self, config: Config) -> None:
        """Raises NotSent where there is no account to give out work with."""
        self._prefix = f"projects/{config.project}/locations/{config.location}/queues"
        self._client = _client(config.tasks_address)

    def send(
        self, name: str, ordering_key: str, messages: Sequence[Outgoing], within_s: float
    ) -> None:
        """Add tasks to a queue; the event id is a task's name, so that it is added once."""
        del ordering_key  # work has none
        begun_by_s = time.monotonic() + within_s - TIMEOUT_S
        queue = f"{self._prefix}/{name}"
        for taken, message in enumerate(messages):
            if taken and time.monotonic() > begun_by_s:
                raise NotSent("the queue is slow", taken=taken, queue=name)
            try:
                self._add(queue, message)
            except NotFound as error:
                raise NoSuchQueue("there is no such queue", taken=taken, queue=name) from error
            except InvalidArgument as error:
                raise Unfit("the queue never takes it", taken=taken, queue=name) from error
            except (Forbidden, Unauthorized) as error:
                raise NotAllowed("we may not give out work", taken=taken, queue=name) from error
            except (DeadlineExceeded, ResourceExhausted, ServiceUnavailable) as error:
                raise NoAnswer("the queue does not answer", taken=taken, queue=name) from error
            except (GoogleAPICallError, GoogleAuthError) as error:
                raise NotSent("the queue did not take it", taken=taken, queue=name) from error

    def _add(self, queue: str, message: Outgoing) -> None:
        request = HttpRequest(
            http_method=HttpMethod.POST,
            url=PLACEHOLDER_URL,
            headers={"Content-Type": "application/json", **message.attributes},
            body=message.body,
        )
        task = Task(name=f"{queue}/tasks/{message.event_id}", http_request=request)
        try:
            self._client.create_task(CreateTaskRequest(parent=queue, task=task), timeout=TIMEOUT_S)
        except Conflict:  # gRPC says AlreadyExists, REST its parent class
            return


def _client(address: str | None) -> CloudTasksClient:
    if address is None:
        try:
            return CloudTasksClient()
        except GoogleAuthError as error:  # the metadata server may be away for a moment
            raise NotSent("there is no account to give out work with") from error
    import grpc  # noqa: PLC0415  only to reach a stand-in
    from google.cloud.tasks_v2.services.cloud_tasks.transports import (  # noqa: PLC0415
        CloudTasksGrpcTransport,
    )

    return CloudTasksClient(
        transport=CloudTasksGrpcTransport(channel=grpc.insecure_channel(address))
    )
