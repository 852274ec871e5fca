"""OTLP over HTTP under /v1, and what was received: `/spans` as JSON, `/metrics` as text.

Source: https://opentelemetry.io/docs/specs/otlp/#otlphttp, binary Protobuf.
"""

import asyncio

from aiohttp import web
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsPartialSuccess,
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from emulators.google.telemetry.figures import Figures
from emulators.google.telemetry.spans import Shelf, decode

PROTOBUF = "application/x-protobuf"


def routes(shelf: Shelf, figures: Figures) -> list[web.RouteDef]:
    """The receiver and what shows it; spans are kept beside the loop that delivers messages."""

    async def traces(request: web.Request) -> web.Response:
        try:
            await asyncio.to_thread(_keep, shelf, await _body(request))
        except DecodeError:
            raise web.HTTPBadRequest(text="That is no ExportTraceServiceRequest.") from None
        return _answer(ExportTraceServiceResponse())

    async def metrics(request: web.Request) -> web.Response:
        try:
            refused = figures.take(await _body(request))
        except DecodeError:
            raise web.HTTPBadRequest(text="That is no ExportMetricsServiceRequest.") from None
        if not refused:
            return _answer(ExportMetricsServiceResponse())
        partial = ExportMetricsPartialSuccess(
            rejected_data_points=refused,
            error_message="Only gauges, and cumulative sums and histograms are kept here.",
        )
        return _answer(ExportMetricsServiceResponse(partial_success=partial))

    async def spans(request: web.Request) -> web.Response:
        asked = (request.query.get("correlation_id", ""), request.query.get("order_id", ""))
        found = await asyncio.to_thread(shelf.find, *asked)
        return web.json_response({"spans": [span.shown() for span in found]})

    async def text(_request: web.Request) -> web.Response:
        kind = "text/plain; version=0.0.4; charset=utf-8"
        return web.Response(body=figures.text().encode(), headers={"Content-Type": kind})

    return [
        web.post("/v1/traces", traces),
        web.post("/v1/metrics", metrics),
        web.get("/spans", spans),
        web.get("/metrics", text),
    ]


async def _body(request: web.Request) -> bytes:
    if request.content_type != PROTOBUF:
        raise web.HTTPUnsupportedMediaType(text=f"Only {PROTOBUF} is understood here.")
    return await request.read()


def _keep(shelf: Shelf, body: bytes) -> None:
    shelf.put(decode(body))


def _answer(message: Message) -> web.Response:
    return web.Response(body=message.SerializeToString(), content_type=PROTOBUF)
