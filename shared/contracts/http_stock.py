"""Stock over HTTP: holds for carts, and what can be promised. Additive only, as events are."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from shared.contracts.base import Document, Identifier, Moment


class HoldFor(StrEnum):
    """What the units are held for."""

    CART = "cart"
    PAYMENT = "payment"  # an order that is not paid for


class HeldLine(Document):
    """Units of one SKU that are to be held; of a kit, its components are."""

    sku: Identifier
    quantity: Annotated[int, Field(ge=1, le=10_000)]


class Place(Document):
    """A position in WGS 84 degrees."""

    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]


class HoldRequest(Document):
    """Units that are to be held, all or none of them. The caller chooses the `hold_id`.

    An order that names the `hold_id` gets the units. Of places that serve as well as one another
    the preferred warehouse is taken first, then what is nearest to the destination.
    """

    hold_id: Identifier
    purpose: HoldFor = HoldFor.CART
    reference: Identifier | None = None  # the cart or the order; none: as hold_id
    channel: Identifier | None = None  # takes only what this channel may sell
    sale: Identifier | None = None  # whose allotments it may take from
    destination: Place | None = None
    warehouse: Identifier | None = None  # the preferred one
    lines: Annotated[tuple[HeldLine, ...], Field(min_length=1, max_length=200)]


class Nothing(Document):
    """An empty object: the path says it all."""


class HeldItem(Document):
    """Units of one SKU that are held in one warehouse."""

    sku: Identifier
    warehouse: Identifier
    quantity: int


class HoldView(Document):
    """A hold as it stands: open, consumed by its order, released or expired.

    Its owner has it until `expires_at`. An order that comes a little later still gets the units if
    nobody else was given them meanwhile.
    """

    hold_id: Identifier
    purpose: HoldFor
    reference: Identifier
    channel: Identifier | None
    sale: Identifier | None
    state: str
    created_at: Moment
    expires_at: Moment
    items: tuple[HeldItem, ...]


class AvailabilityQuery(Document):
    """What is asked about: SKUs, and where; without warehouses, in all of them."""

    sku: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=100)]
    warehouse: Annotated[tuple[Identifier, ...], Field(max_length=100)] = ()
    channel: Identifier | None = None  # only what this channel may sell
    sale: Identifier | None = None  # with what is set aside for this sale


class SkuAvailability(Document):
    """Units of one SKU that can be promised at this moment; of a kit, whole kits.

    A kit's components may come from several warehouses, so it can be more than its warehouses add
    up to. A warehouse that could promise none is not named.
    """

    sku: Identifier
    available: int
    warehouses: dict[Identifier, int]


class Availability(Document):
    """What can be promised, by SKU. It is a hint: whoever wants to be sure holds the units."""

    skus: tuple[SkuAvailability, ...]
