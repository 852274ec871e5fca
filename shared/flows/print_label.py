"""The document of a parcel's label, to be printed: what is kept, or anew from the carrier."""

from collections.abc import Mapping

from shared.carriers import store as labels
from shared.carriers.types import Carrier, Document, KnownLabel, LabelState
from shared.contracts.work import KeepLabelDocument
from shared.flows.audited import PARCEL
from shared.flows.keep_label_document import fetch_and_keep
from shared.flows.steps import Run
from shared.kit.errors import Rejected
from shared.people import audit_log
from shared.people.audit_log import Subject
from shared.people.types import Person
from shared.platform import outbox
from shared.platform.db import Transaction
from shared.platform.documents import Documents


class NoLabel(Rejected):
    """The parcel has no label that could be printed."""

    code = "no_label"


class LabelGivenBack(Rejected):
    """The label is given back, so nothing may be sent with it."""

    code = "label_given_back"


class NotFetchedYet(Rejected):
    """The label was bought, and its document is not here."""

    code = "label_not_fetched_yet"


def print_label(
    run: Run,
    parcel_id: str,
    vendors: Mapping[str, Carrier],
    documents: Documents,
    *,
    anew: bool = False,
) -> Document:
    """What is to be printed. Where nothing is kept, or `anew`, its vendor is asked and it is kept.

    Raises:
        NoLabel: none was bought for the parcel.
        LabelGivenBack: it was voided, or is being voided.
        CarrierUnavailable, DocumentsUnavailable: ask again later.
        RefusedByCarrier, CarrierAccountRefused, BrokenAnswer: somebody has to look.
    """
    label = run(lambda tx: printable(tx, parcel_id))
    if label.document_key is not None and not anew:
        kept = documents.get(label.document_key)
        if kept is not None:
            return Document(kept.content, kept.media_type)
    return fetch_and_keep(run, label, vendors, documents)


def kept_label(tx: Transaction, parcel_id: str) -> str:
    """Under which key the document of the parcel's label lies.

    Raises:
        NoLabel, LabelGivenBack: as `print_label`.
        NotFetchedYet: nobody has fetched it from its vendor.
    """
    key = printable(tx, parcel_id).document_key
    if key is None:
        raise NotFetchedYet(
            "the document of the label is not here yet; it is fetched when the label is bought, or"
            " when somebody asks for it",
            parcel_id=parcel_id,
        )
    return key


def fetch_label_anew(tx: Transaction, parcel_id: str, person: Person) -> None:
    """Have the document fetched from its vendor, whether one is kept or not.

    Raises:
        NoLabel, LabelGivenBack: as `print_label`.
    """
    label = printable(tx, parcel_id)
    work = KeepLabelDocument(label_id=label.label_id, parcel_id=parcel_id, carrier=label.carrier)
    tx.write(
        labels.forget_document(label.label_id),
        outbox.put(tx, work),
        audit_log.record(
            tx, person, "fetch_label", Subject(PARCEL, parcel_id), before={}, after={}
        ),
    )


def printable(tx: Transaction, parcel_id: str) -> KnownLabel:
    """The label of the parcel, with which it may be sent.

    Raises:
        NoLabel: none was bought for the parcel.
        LabelGivenBack: it was voided, or is being voided.
    """
    label = labels.find(tx, parcel_id)
    if label is None or label.state is LabelState.REQUESTED:
        raise NoLabel("no label was bought for this parcel", parcel_id=parcel_id)
    if label.state is not LabelState.BOUGHT:
        raise LabelGivenBack(
            f"the label is given back ({label.state}), and is not printed", parcel_id=parcel_id
        )
    return label
