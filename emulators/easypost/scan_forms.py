"""Scan forms: one document for all parcels that a carrier collects at one address.

Source: https://docs.easypost.com/docs/scan-form; the code of a refusal from the reports of
easypost-csharp's users. Forms are kept with their shipments, so they have no place of their own in
the ledger.
"""

from typing import Any, NoReturn

from emulators.easypost.errors import Refusal, not_found, parameter_required
from emulators.easypost.ledger import Ledger
from emulators.easypost.shipments import Document, Shipments, fresh_id, is_void, timestamp
from emulators.sellers import documents

A_ROW = 5  # tracking codes


class ScanForms:
    """All scan forms, by id."""

    def __init__(self, shipments: Shipments, ledger: Ledger) -> None:
        self._shipments = shipments
        self._ledger = ledger
        on_forms = (shipment.get("scan_form") for shipment in shipments)
        self._by_id: dict[str, Document] = {form["id"]: form for form in on_forms if form}

    def __len__(self) -> int:
        return len(self._by_id)

    def create(self, body: Any) -> Document:
        """A new form for the shipments that the body of POST /v2/scan_forms names.

        They stand in `scan_form` or, as older clients send them, beside nothing.
        """
        asked = body.get("scan_form", body) if isinstance(body, dict) else None
        named = asked.get("shipments") if isinstance(asked, dict) else None
        if not isinstance(named, list) or not named:
            parameter_required("shipments")
        keys = [one.get("id") if isinstance(one, dict) else one for one in named]
        chosen = [self._shipments.find(str(key)) for key in keys]
        _check(chosen)
        now = timestamp()
        form_id = fresh_id("sf")
        form = {
            "id": form_id,
            "object": "ScanForm",
            "created_at": now,
            "updated_at": now,
            "address": chosen[0]["from_address"],
            "tracking_codes": [shipment["tracking_code"] for shipment in chosen],
            "form_url": f"{self._shipments.public_url}/scan_forms/{form_id}.pdf",
            "form_file_type": "application/pdf",
            "mode": "test",
            "status": "created",
            "message": None,
            "batch_id": None,
            "confirmation": None,
        }
        self._by_id[form_id] = form
        for shipment in chosen:
            shipment["scan_form"] = form
            self._ledger.keep_shipment(shipment)
        return form

    def find(self, form_id: str) -> Document:
        """The form of that id."""
        return self._by_id.get(form_id) or not_found()

    def document(self, form_id: str) -> bytes:
        """What is handed to the carrier."""
        form = self.find(form_id)
        codes: list[str] = form["tracking_codes"]
        rows = ["  ".join(codes[at : at + A_ROW]) for at in range(0, len(codes), A_ROW)]
        return documents.sheet_pdf([form_id, f"{len(codes)} parcels", "", *rows])


def _check(chosen: list[Document]) -> None:
    first = chosen[0]
    for shipment in chosen:
        key = shipment["id"]
        if shipment["postage_label"] is None:
            _refuse(f"{key} has no postage")
        if is_void(shipment):
            _refuse(f"{key} was refunded")
        if shipment.get("scan_form"):
            _refuse(f"{key} is on {shipment['scan_form']['id']} already")
        if shipment["selected_rate"]["carrier"] != first["selected_rate"]["carrier"]:
            _refuse(f"{key} goes by another carrier")
        if _place(shipment) != _place(first):
            _refuse(f"{key} has another origin address")


def _place(shipment: Document) -> tuple[str, ...]:
    origin = shipment["from_address"]
    return tuple(str(origin.get(field)) for field in ("street1", "city", "zip", "country"))


def _refuse(why: str) -> NoReturn:
    raise Refusal(422, "SCAN_FORM.CREATE.FAILURE", f"Unable to create manifest. {why}.")
