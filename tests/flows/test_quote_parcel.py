"""Asking what a parcel would cost: nothing is bought, and nothing is kept."""

import pytest

from shared.carriers.types import CarrierPaused, Quote
from shared.flows.quote_parcel import quote_parcel
from shared.kit.errors import Malformed
from shared.platform.db import Database
from shared.shipments.types import NoSuchParcel
from tests.flows.doubles import RecordingCarrier, everywhere
from tests.flows.papers import runner
from tests.flows.rerouting import open_breaker, planned
from tests.support import given


def test_a_carrier_says_what_it_would_cost(database: Database) -> None:
    asked: list[object] = []
    carrier = RecordingCarrier(before_paper=asked.append)
    parcel_id = planned(database)
    given.rated(database, "jadlog", "standard")

    own = quote_parcel(runner(database), parcel_id, everywhere(carrier))
    other = quote_parcel(runner(database), parcel_id, everywhere(carrier), "jadlog")

    assert own == (Quote("correios", "cheapest", 490, "EUR", 2),)
    assert [quote.carrier for quote in other] == ["jadlog"]
    assert carrier.asked == []
    assert given.rows(database, "SELECT count(*) FROM labels") == [(0,)]
    assert given.told(database) == []


def test_what_is_asked_is_never_taken_for_the_parcels_label(database: Database) -> None:
    asked: list[object] = []
    carrier = RecordingCarrier(before_paper=asked.append)
    parcel_id = planned(database)
    for _ in range(2):
        quote_parcel(runner(database), parcel_id, everywhere(carrier))

    label_ids = {getattr(request, "label_id", "") for request in asked}
    assert len(label_ids) == 2
    assert all(label_id.startswith("quo_") for label_id in label_ids)


def test_a_parcel_that_is_not_there_and_a_carrier_that_is_left_alone(database: Database) -> None:
    parcel_id = planned(database)
    given.rated(database, "jadlog", "standard")
    open_breaker(database)

    with pytest.raises(Malformed, match="'jadlgo' has no rate card; correios, jadlog"):
        quote_parcel(runner(database), parcel_id, everywhere(RecordingCarrier()), "jadlgo")
    with pytest.raises(NoSuchParcel):
        quote_parcel(runner(database), "par_none", everywhere(RecordingCarrier()))
    with pytest.raises(CarrierPaused):
        quote_parcel(runner(database), parcel_id, everywhere(RecordingCarrier()))
    assert quote_parcel(runner(database), parcel_id, everywhere(RecordingCarrier()), "jadlog")
