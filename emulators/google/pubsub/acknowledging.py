"""Acknowledge and ModifyAckDeadline, which tell which ids they did not know."""

from collections.abc import Sequence
from typing import Any

import grpc
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types
from google.rpc.error_details_pb2 import ErrorInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]

from emulators.google.pubsub.leases import check_ack_ids
from emulators.google.pubsub.subscription import Subscription
from emulators.google.pubsub.topics import Topics
from emulators.google.rpc import Refused, invalid

INVALID_ACK_ID = "PERMANENT_FAILURE_INVALID_ACK_ID"
LONGEST_DEADLINE_S = 600
MESSAGE = (
    "Some acknowledgement ids in the request were invalid. This could be because the "
    "acknowledgement ids have expired or the acknowledgement ids were malformed."
)


class Acknowledging:
    """The two methods over `topics`.

    An id that ran out is ignored, because its message comes again anyway. With exactly-once
    delivery the caller is told, in an ErrorInfo beside the status: ack id -> INVALID_ACK_ID.
    """

    def __init__(self, topics: Topics) -> None:
        self._topics = topics

    def handlers(self) -> dict[str, Any]:
        return {
            "Acknowledge": grpc.unary_unary_rpc_method_handler(
                self._acknowledge,
                request_deserializer=types.AcknowledgeRequest.pb().FromString,
                response_serializer=Empty.SerializeToString,
            ),
            "ModifyAckDeadline": grpc.unary_unary_rpc_method_handler(
                self._extend,
                request_deserializer=types.ModifyAckDeadlineRequest.pb().FromString,
                response_serializer=Empty.SerializeToString,
            ),
        }

    async def _acknowledge(self, request: Any, context: Any) -> Any:
        try:
            subscription = self._topics.subscription(request.subscription)
            check_ack_ids(request.ack_ids)
            unknown = subscription.leases.acknowledge(request.ack_ids)
            await self._topics.journal.saved()
        except Refused as refused:
            await context.abort(refused.code, refused.message)
        await _report(unknown, subscription, context)
        return Empty()

    async def _extend(self, request: Any, context: Any) -> Any:
        try:
            subscription = self._topics.subscription(request.subscription)
            unknown = extend(subscription, request.ack_ids, request.ack_deadline_seconds)
        except Refused as refused:
            await context.abort(refused.code, refused.message)
        await _report(unknown, subscription, context)
        return Empty()


def extend(subscription: Subscription, ack_ids: Sequence[str], deadline_s: int) -> list[str]:
    """Set leases to end in `deadline_s`; returns the ids of those that are none.

    Raises:
        Refused: INVALID_ARGUMENT, the deadline is not between 0 and 600 seconds, or an id is
            malformed.
    """
    check_ack_ids(ack_ids)
    if not 0 <= deadline_s <= LONGEST_DEADLINE_S:
        raise invalid("The acknowledgement deadline must be between 0 and 600 seconds.")
    return [each for each in ack_ids if not subscription.leases.extend(each, deadline_s)]


async def _report(unknown: Sequence[str], subscription: Subscription, context: Any) -> None:
    if not unknown or not subscription.delivery.settings.exactly_once:
        return
    info = ErrorInfo(
        reason="EXACTLY_ONCE_ACKID_FAILURE",
        domain="pubsub.googleapis.com",
        metadata=dict.fromkeys(unknown, INVALID_ACK_ID),
    )
    detail = Packed()
    detail.Pack(info)
    code = grpc.StatusCode.FAILED_PRECONDITION
    status = Status(code=code.value[0], message=MESSAGE, details=[detail])
    trailing = (("grpc-status-details-bin", status.SerializeToString()),)
    await context.abort(code, MESSAGE, trailing)
