"""Giving out work through Cloud Tasks.

Where a task goes, who it is signed by and how often it is tried belong to its queue (http_target
and retry_config), so an enqueuer knows neither addresses nor accounts. The URL that the API wants
in every task is a placeholder that the queue overrides.
"""

from collections.abc import Sequence

from google.api_core.exceptions import Conflict
from google.cloud.tasks_v2 import CloudTasksClient
from google.cloud.tasks_v2.types import CreateTaskRequest, HttpMethod, HttpRequest, Task

from shared.platform.config import Config
from shared.platform.outbox import Outgoing

TIMEOUT_S = 10.0
PLACEHOLDER_URL = "https://queue.invalid/"


class Queues:
    """The queues of one project and location: `Destinations` of work."""

    def __init__(self, config: Config) -> None:
        self._prefix = f"projects/{config.project}/locations/{config.location}/queues"
        self._client = _client(config.tasks_address)

    def send(self, name: str, ordering_key: str, messages: Sequence[Outgoing]) -> None:
        """Add tasks to a queue; the event id is a task's name, so that it is added once."""
        del ordering_key  # work has none
        for message in messages:
            self._add(f"{self._prefix}/{name}", message)

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
        return CloudTasksClient()
    import grpc  # noqa: PLC0415  only to reach a stand-in
    from google.cloud.tasks_v2.services.cloud_tasks.transports import (  # noqa: PLC0415
        CloudTasksGrpcTransport,
    )

    return CloudTasksClient(
        transport=CloudTasksGrpcTransport(channel=grpc.insecure_channel(address))
    )
