"""The catalogue: what is sold, where it lies and what carriers take. Loaded as one document."""

from datetime import date
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from shared.contracts.base import Currency, Document, Identifier, Moment


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError):
        raise ValueError("no such time zone; America/Sao_Paulo would be one") from None
    return name


class CatalogueSku(Document):
    """One stock keeping unit; the figures are those of one unit, packaging included."""

    sku: Identifier
    weight_g: Annotated[int, Field(ge=1, le=1_000_000)]
    length_mm: Annotated[int, Field(ge=1)] | None = None
    width_mm: Annotated[int, Field(ge=1)] | None = None
    height_mm: Annotated[int, Field(ge=1)] | None = None
    released_at: Moment | None = None  # before it, orders wait as pre-orders
    backorder_cap: Annotated[int, Field(ge=0)] | None = None  # units that may wait; None: any
    # Of a kit: SKU -> units of it in one; None leaves it as it is, {} makes it no kit.
    components: dict[Identifier, Annotated[int, Field(ge=1, le=1_000)]] | None = None
    # Capabilities that a warehouse and a carrier must have to send it, such as hazmat or cold.
    needs: frozenset[Identifier] = frozenset()


class CatalogueAddress(Document):
    """Where a warehouse sends from, as it stands on labels."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    street: Annotated[str, Field(min_length=1, max_length=200)]
    city: Annotated[str, Field(min_length=1, max_length=120)]
    state: Annotated[str, Field(max_length=60)] = ""
    postcode: Annotated[str, Field(min_length=2, max_length=12)]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class CatalogueWarehouse(Document):
    """A place that sends parcels. `safety` keeps units of an SKU from being promised there."""

    warehouse: Identifier
    address: CatalogueAddress
    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    safety: Annotated[dict[Identifier, Annotated[int, Field(ge=0)]], Field(default_factory=dict)]
    time_zone: Annotated[str, AfterValidator(_known_zone)] = "UTC"  # IANA name
    cut_off: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")] = "24:00"
    working_days: Annotated[frozenset[Annotated[int, Field(ge=1, le=7)]], Field()] = frozenset(
        range(1, 8)
    )  # ISO weekdays, Monday is 1
    closed_on: frozenset[date] = frozenset()  # further days on which nothing leaves
    closed_for: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    daily_parcels: Annotated[int, Field(ge=0)] | None = None  # None: any number
    capabilities: frozenset[Identifier] = frozenset()

    @property
    def cut_off_minute(self) -> int:
        """Minutes after midnight: what is decided before leaves on the same day."""
        hours, minutes = self.cut_off.split(":")
        return 60 * int(hours) + int(minutes)


class CatalogueChannel(Document):
    """What a channel may sell: a share of what lies in each warehouse; none: all of everything."""

    channel: Identifier
    share_percent: dict[Identifier, Annotated[int, Field(ge=1, le=100)]]  # by warehouse


class CatalogueCell(Document):
    """A parcel up to both bounds costs `price_cents`; no distance bound means any distance."""

    max_distance_m: Annotated[int, Field(ge=1)] | None
    max_weight_g: Annotated[int, Field(ge=1)]
    price_cents: Annotated[int, Field(ge=0)]


class CatalogueStep(Document):
    """A parcel up to `max_weight_g` costs `price_cents` of freight."""

    max_weight_g: Annotated[int, Field(ge=1, le=1_000_000_000)]
    price_cents: Annotated[int, Field(ge=0, le=1_000_000_000)]


class CatalogueZoneRule(Document):
    """Parcels of a zone; empty: from or to anywhere. The postcodes are prefixes."""

    from_country: Annotated[str, Field(pattern=r"^([A-Z]{2})?$")] = ""
    from_postcode: Annotated[str, Field(max_length=12)] = ""
    to_country: Annotated[str, Field(pattern=r"^([A-Z]{2})?$")] = ""
    to_postcode: Annotated[str, Field(max_length=12)] = ""
    max_distance_m: Annotated[int, Field(ge=1, le=2_147_483_647)] | None = None


class CatalogueZone(Document):
    """What a service costs to some places; beyond the last step by the started kilogram."""

    zone: Identifier
    rules: Annotated[tuple[CatalogueZoneRule, ...], Field(min_length=1)]
    steps: tuple[CatalogueStep, ...] = ()
    per_kg_cents: Annotated[int, Field(ge=0, le=1_000_000_000)] | None = None
    max_weight_g: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    transit_days: Annotated[int, Field(ge=0, le=1_000)] | None = None
    remote_area_cents: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0


class CatalogueRateCard(Document):
    """The next rate card version of a carrier's service: by distance in `cells`, or by `zones`."""

    carrier: Identifier
    service: Identifier = "standard"
    currency: Currency
    handling_cents: Annotated[int, Field(ge=0)]
    packaging_cents: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    volume_divisor: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0  # mm³ a gram; 0: none
    fuel_basis_points: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    minimum_freight_cents: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    oversize_mm: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    oversize_cents: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    residential_cents: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    max_length_mm: Annotated[int, Field(ge=1, le=1_000_000_000)] | None = None
    carries: tuple[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,31}$")], ...] = ()
    valid_from: Moment
    cells: tuple[CatalogueCell, ...] = ()
    zones: tuple[CatalogueZone, ...] = ()

    @model_validator(mode="after")
    def _has_prices_of_one_form(self) -> Self:
        if bool(self.cells) == bool(self.zones):
            raise ValueError("either cells or zones are wanted")
        return self


class CatalogueAgeing(Document):
    """Orders of one queue ask another too after a `share` of the longest wait in it."""

    priority: Literal["express", "standard", "bulk"]
    share: Annotated[float, Field(gt=0, le=1)]
    asks: Literal["express", "standard", "bulk"]


class CatalogueCarrierAccount(Document):
    """Who sells a carrier's labels; a carrier without one is sold by EasyPost, under its name."""

    carrier: Identifier  # one that has a rate card
    vendor: Identifier
    vendor_carrier: Annotated[str, Field(max_length=120)] = ""  # its name there; empty: the same
    vendor_account: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    label_format: Literal["pdf", "png", "zpl"] = "pdf"
    is_enabled: bool = True
    has_manifests: bool | None = None  # whether the vendor makes any of it; None: as it is known


class Catalogue(Document):
    """Everything; what is already there is replaced, and nothing is taken away."""

    ageing: tuple[CatalogueAgeing, ...] = ()

    skus: tuple[CatalogueSku, ...]
    warehouses: tuple[CatalogueWarehouse, ...]
    rate_cards: tuple[CatalogueRateCard, ...]
    channels: tuple[CatalogueChannel, ...] = ()
    carrier_accounts: tuple[CatalogueCarrierAccount, ...] = ()
