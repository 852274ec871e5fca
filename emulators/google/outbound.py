"""The one HTTP client through which every delivery leaves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import aiohttp

CALLER_TIMED_OUT = 504  # what Cloud Tasks reports of an attempt that outlived its deadline
NO_ANSWER = 0  # nothing listened, or the connection broke


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint said. `retry_after_s` is 0 unless it asked for a pause."""

    status: int
    retry_after_s: float = 0.0


class Outbound:
    """Sends requests; never raises for what an endpoint does, and never follows a redirect."""

    def __init__(self) -> None:
        # gunicorn drops idle connections after 2 s; letting go first avoids writing into a
        # connection that the other side is just closing.
        connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=1.0)
        self._session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=("Accept-Encoding", "Content-Type", "User-Agent"),
        )

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float
    ) -> Answer:
        # Without the threshold aiohttp rounds time-outs above five seconds up to a whole second.
        timeout = aiohttp.ClientTimeout(total=timeout_s, ceil_threshold=float("inf"))
        try:
            async with self._session.request(
                method,
                url,
                headers=headers,
                data=body or None,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                await response.read()
                return Answer(response.status, _seconds(response.headers.get("Retry-After", "")))
        except TimeoutError:
            return Answer(CALLER_TIMED_OUT)
        except (aiohttp.ClientError, OSError, ValueError):
            return Answer(NO_ANSWER)

    async def close(self) -> None:
        await self._session.close()


def _seconds(retry_after: str) -> float:
    """The pause that a Retry-After asks for, given as seconds or as a date (RFC 9110, 10.2.3)."""
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0.0
    # A date with the zone -0000 is one in UTC that does not say where it was written.
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
