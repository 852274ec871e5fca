"""The HTTP port: health, statistics, certificates and the scheduler."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from emulators.google.pubsub.topics import Topics
from emulators.google.rpc import PortTaken
from emulators.google.scheduler.routes import routes
from emulators.google.scheduler.runner import Runner
from emulators.google.tasks.queues import Queues
from emulators.google.tokens import TokenIssuer

CERTIFICATES_FOR_S = 3_600
Handler = Callable[[web.Request], Awaitable[web.Response]]


def application(
    topics: Topics, queues: Queues, runner: Runner, tokens: TokenIssuer
) -> web.Application:
    async def healthz(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    async def stats(_request: web.Request) -> web.Response:
        return web.json_response(statistics(topics, queues))

    async def certificates(_request: web.Request) -> web.Response:
        kept = {"Cache-Control": f"public, max-age={CERTIFICATES_FOR_S}"}
        return web.json_response(tokens.certificates(), headers=kept)

    app = web.Application()
    app.add_routes(
        [
            web.get("/healthz", healthz),
            web.get("/stats", stats),
            web.get("/oauth2/v1/certs", certificates),
            *routes(runner),
        ]
    )
    return app


def statistics(topics: Topics, queues: Queues) -> dict[str, dict[str, dict[str, float]]]:
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
            }
            for held in queues.all()
        },
        "topics": {
            topic.resource.name: {"published": topic.published} for topic in topics.all_topics()
        },
    }


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
