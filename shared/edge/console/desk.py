"""What the console needs of its process."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from shared.edge.services import Services
from shared.platform.iap import IapVerifier

if TYPE_CHECKING:
    from shared.platform.documents import Documents
    from shared.platform.http import Reach
    from shared.subscribers.signing import Keyring


class Webhooks(NamedTuple):
    """What secrets of subscribers are derived from, and where their addresses may lead."""

    keyring: "Keyring"
    reach: "Reach"


class Desk(NamedTuple):
    """The parts of one process, built once.

    Attributes:
        services: as for every edge.
        is_local: cookies may travel without TLS, and the console may be below a path.
        iap: whoever comes must be vouched for by the proxy; None: people have passwords.
        trusted_proxies: how many entries of X-Forwarded-For, from its end, are no stranger's.
        stream_path: where pages look on.
        stream_port: of the stream, where that is not the console's own.
        webhooks: for when somebody changes who gets them; None: nobody can here.
        documents: where what is printed lies, for when somebody prints; None: nobody can here.
    """

    services: Services
    is_local: bool
    iap: IapVerifier | None
    trusted_proxies: int
    stream_path: str = "/live"
    stream_port: int | None = None
    documents: "Callable[[], Documents] | None" = None
    webhooks: Callable[[], Webhooks] | None = None
