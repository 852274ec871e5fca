"""Fetch what a carrier has made to be printed, and keep it: work of its own, after the purchase."""

from collections.abc import Mapping

from shared.carriers import carrier_breakers
from shared.carriers import store as labels
from shared.carriers.types import Carrier, Document, KnownLabel, LabelState
from shared.contracts.work import KeepLabelDocument
from shared.flows.steps import Run
from shared.platform import live_changes
from shared.platform.db import Transaction
from shared.platform.documents import Documents, key_of

KIND = "labels"


def keep_label_document(
    run: Run, work: KeepLabelDocument, vendors: Mapping[str, Carrier], documents: Documents
) -> None:
    """Keep the label's document once. Nothing happens when it is kept, or given back by now.

    Raises:
        CarrierUnavailable, CarrierPaused, DocumentsUnavailable: ask again later.
        RefusedByCarrier, CarrierAccountRefused, BrokenAnswer: somebody has to look.
    """
    label = run(lambda tx: _wanted(tx, work))
    if label is not None:
        fetch_and_keep(run, label, vendors, documents)


def fetch_and_keep(
    run: Run, label: KnownLabel, vendors: Mapping[str, Carrier], documents: Documents
) -> Document:
    """Fetch the document of a label from who sold it, keep it, and note where it lies.

    Raises:
        As `keep_label_document`.
    """
    document = vendors[label.vendor].reprint(label.label_id)
    key = key_of(KIND, label.label_id, document.media_type)
    documents.put(key, document.content, document.media_type)
    run(lambda tx: _note(tx, label, key))
    return document


def _note(tx: Transaction, label: KnownLabel, key: str) -> None:
    # Nobody announces a document, and whoever has the parcel before them waits to print it.
    heard = live_changes.note(tx, f"parcel:{label.parcel_id}")
    tx.write(labels.keep_document(label.label_id, key), heard)


def _wanted(tx: Transaction, work: KeepLabelDocument) -> KnownLabel | None:
    label = labels.find(tx, work.parcel_id)
    if label is None or label.label_id != work.label_id:
        return None
    if label.state is not LabelState.BOUGHT or label.document_key is not None:
        return None
    carrier_breakers.refuse_paused(tx, label.carrier)
    return label
