"""What is sold in the simulation, where it lies, and what carriers take."""

from datetime import datetime

from shared.contracts.catalogue import (
    Catalogue,
    CatalogueAddress,
    CatalogueCell,
    CatalogueRateCard,
    CatalogueSku,
    CatalogueWarehouse,
)

CURRENCY = "BRL"
CARRIERS = ("correios", "jadlog")
PLACES = {"SAO": (-23.4356, -46.4731), "RIO": (-22.7856, -43.3117), "REC": (-8.113, -35.015)}
DAILY_PARCELS = {"RIO": 25}  # the others can send any number
TOO_HEAVY = "SAFE"  # no carrier takes it, so an order for it needs a person
WEIGHTS_G = {f"SKU-{number:02}": 200 + 450 * (number % 7) for number in range(20)}
SKUS = tuple(WEIGHTS_G)
MAX_WEIGHTS_G = (500, 1_000, 2_000, 5_000, 10_000, 30_000)
MAX_DISTANCES_M = (100_000, 600_000, 2_000_000, None)


def catalogue(valid_from: datetime) -> Catalogue:
    """Everything that is known at the beginning."""
    return Catalogue(
        skus=(
            *(CatalogueSku(sku=sku, weight_g=weight_g) for sku, weight_g in WEIGHTS_G.items()),
            CatalogueSku(sku=TOO_HEAVY, weight_g=2 * MAX_WEIGHTS_G[-1]),
        ),
        warehouses=tuple(
            CatalogueWarehouse(
                warehouse=place,
                address=CatalogueAddress(
                    name="Dispatch",
                    street="Rodovia 1",
                    city=place,
                    postcode="07190100",
                    country="BR",
                ),
                lat=lat,
                lon=lon,
                safety={SKUS[0]: 1},
                time_zone="America/Sao_Paulo",
                cut_off="18:00",
                daily_parcels=DAILY_PARCELS.get(place),
            )
            for place, (lat, lon) in PLACES.items()
        ),
        rate_cards=tuple(rate_card(carrier, 0, valid_from) for carrier in CARRIERS),
    )


def rate_card(carrier: str, rise_cents: int, valid_from: datetime) -> CatalogueRateCard:
    """A carrier's next version, dearer by `rise_cents` than its first."""
    number = CARRIERS.index(carrier)
    base_cents, band_cents = 690 + 400 * number + rise_cents, 240 - 110 * number
    return CatalogueRateCard(
        carrier=carrier,
        currency=CURRENCY,
        handling_cents=90 - 30 * number,
        valid_from=valid_from,
        cells=tuple(
            CatalogueCell(
                max_distance_m=max_distance_m,
                max_weight_g=max_weight_g,
                price_cents=base_cents + band_cents * (far + heavy),
            )
            for far, max_distance_m in enumerate(MAX_DISTANCES_M)
            for heavy, max_weight_g in enumerate(MAX_WEIGHTS_G)
        ),
    )
