"""Cloud Tasks `labels-…`, `documents`, `manifests` -> what carriers do -> `parcel-events`."""

import functions_framework
from flask import Request, Response

from shared.contracts.base import Cause
from shared.contracts.work import (
    BuyLabel,
    CloseManifest,
    KeepLabelDocument,
    VoidAbandonedLabel,
    VoidLabel,
)
from shared.edge import tasks
from shared.flows.buy_label import buy_label
from shared.flows.close_manifest import close_manifest
from shared.flows.keep_label_document import keep_label_document
from shared.flows.void_label import Void, void_label
from shared.wiring import carriers, documents, rules, services


@functions_framework.http
def label_purchase(request: Request) -> Response:
    """Buy or void a label, keep its document, or close a manifest, as the task says."""

    def buy(work: BuyLabel, cause: Cause) -> None:
        buy_label(services().runner(cause), work, carriers(), rules())

    def void(work: Void, cause: Cause) -> None:
        void_label(services().runner(cause), work, carriers())

    def keep(work: KeepLabelDocument, cause: Cause) -> None:
        keep_label_document(services().runner(cause), work, carriers(), documents())

    def close(work: CloseManifest, cause: Cause) -> None:
        close_manifest(services().runner(cause), work, carriers(), documents())

    return tasks.perform(
        request,
        services(),
        {
            BuyLabel: buy,
            VoidLabel: void,
            VoidAbandonedLabel: void,
            KeepLabelDocument: keep,
            CloseManifest: close,
        },
    )
