"""The HTTP port: health, statistics, certificates, scheduler, telemetry and the switchboard."""

from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from emulators.google import control
from emulators.google.faults import Faults, function_at
from emulators.google.pubsub.topics import Topics
from emulators.google.rpc import PortTaken
from emulators.google.scheduler.routes import routes
from emulators.google.scheduler.runner import Runner
from emulators.google.tasks.queues import Queues
from emulators.google.telemetry import routes as telemetry
from emulators.google.telemetry.figures import Figures
from emulators.google.telemetry.spans import Shelf
from emulators.google.tokens import TokenIssuer

CERTIFICATES_FOR_S = 3_600
MOST_BYTES = 16_000_000  # of a request; a batch of spans has some hundred kilobytes
Handler = Callable[[web.Request], Awaitable[web.Response]]


def application(
    topics: Topics,
    queues: Queues,
    runner: Runner,
    tokens: TokenIssuer,
    *,
    faults: Faults,
    spans: Shelf,
) -> web.Application:
    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def stats(_request: web.Request) -> web.Response:
        return web.json_response(statistics(topics, queues, runner))

    async def certificates(_request: web.Request) -> web.Response:
        kept = {"Cache-Control": f"public, max-age={CERTIFICATES_FOR_S}"}
        return web.json_response(tokens.certificates(), headers=kept)

    async def id_token(request: web.Request) -> web.Response:
        """What IAM Credentials answers to generateIdToken."""
        wanted = await request.json()
        bearer = tokens.bearer(request.match_info["account"], wanted["audience"])
        return web.json_response({"token": bearer.removeprefix("Bearer ")})

    app = web.Application(client_max_size=MOST_BYTES)
    app.add_routes(
        [
            web.get("/healthz", healthz),
            web.get("/stats", stats),
            web.get("/oauth2/v1/certs", certificates),
            web.post("/v1/projects/-/serviceAccounts/{account}:generateIdToken", id_token),
            *routes(runner),
            *telemetry.routes(spans, Figures()),
            *control.routes(faults, lambda: targets(topics, queues, runner)),
        ]
    )
    return app


def statistics(
    topics: Topics, queues: Queues, runner: Runner
) -> dict[str, dict[str, dict[str, float]]]:
    """Counts by full resource name; ages in seconds. `backlog` includes what is in flight."""
    return {
        "subscriptions": {
            subscription.resource.name: {
                "backlog": len(subscription.delivery.backlog),
                "in_flight": subscription.delivery.backlog.out,
                "oldest_age_s": round(subscription.delivery.oldest_age_s(), 3),
                "delivered": subscription.delivery.delivered,
                "failed": subscription.delivery.failed,
                "dead_lettered": subscription.delivery.dead_lettered,
            }
            for subscription in topics.all_subscriptions()
        },
        "queues": {
            held.queue.name: {
                "depth": len(held.queue.tasks),
                "in_flight": held.queue.in_flight,
                "dispatched": held.queue.dispatched,
                "failed": held.queue.failed,
                "dropped": held.queue.dropped,
                "attempt_delay_s": round(held.queue.attempt_delay_s, 3),
            }
            for held in queues.all()
        },
        "topics": {
            topic.resource.name: {"published": topic.published} for topic in topics.all_topics()
        },
        "jobs": {name: {"under_way": runner.under_way(name)} for name in runner.entries},
    }


def targets(topics: Topics, queues: Queues, runner: Runner) -> dict[str, list[str]]:
    """The short names that a delivery may bear now, by kind."""
    subscriptions = [each.resource for each in topics.all_subscriptions()]
    held = [each.resource for each in queues.all()]
    addresses = [each.push_config.push_endpoint for each in subscriptions]
    addresses += [each.http_target.uri_override.path_override.path for each in held]
    addresses += [entry.job.uri for entry in runner.entries.values()]
    return {
        "service": list(control.SERVICES),
        "subscription": _short(each.name for each in subscriptions),
        "queue": _short(each.name for each in held),
        "job": _short(runner.entries),
        "function": sorted({function_at(address) for address in addresses} - {""}),
    }


def _short(names: Iterable[str]) -> list[str]:
    return sorted(name.rpartition("/")[2] for name in names)


async def serve(app: web.Application, host: str, port: int) -> tuple[web.AppRunner, int]:
    """Start `app` at `host`:`port`, 0 for any free port; returns its runner and its port.

    Raises:
        PortTaken: the address cannot be listened at.
    """
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, shutdown_timeout=0.1).start()
    except OSError:
        await runner.cleanup()
        raise PortTaken(f"Cannot listen at {host}:{port}: the port is taken.") from None
    return runner, int(runner.addresses[0][1])
