"""What a parcel costs. Pure."""

from shared.costing.types import Charge, ChargeKind, NotCarried, RateCard, Sent, Zone
from shared.kit.money import Money


def charges_for(card: RateCard, parcel: Sent) -> tuple[Charge, ...]:
    """Everything that one parcel costs, item by item.

    Handling and freight are always named, the rest where there is something to pay. Fuel is charged
    on the freight after its minimum; no surcharge on another.

    Raises:
        NotCarried: the card ends below this weight, short of this place, or above this length.
    """
    zone = _zone(card, parcel)
    freight_cents = _freight_cents(card, zone, parcel)
    minimum_top_up_cents = max(0, card.minimum_freight_cents - freight_cents)
    is_oversize = card.oversize_mm is not None and parcel.longest_mm > card.oversize_mm
    amounts = {
        ChargeKind.HANDLING: card.handling_cents,
        ChargeKind.PACKAGING: card.packaging_cents,
        ChargeKind.FREIGHT: freight_cents,
        ChargeKind.MINIMUM_TOP_UP: minimum_top_up_cents,
        ChargeKind.FUEL: card.fuel_cents(freight_cents + minimum_top_up_cents),
        ChargeKind.REMOTE_AREA: zone.remote_area_cents,
        ChargeKind.RESIDENTIAL: card.residential_cents if parcel.is_residential else 0,
        ChargeKind.OVERSIZE: card.oversize_cents if is_oversize else 0,
    }
    return tuple(
        Charge(kind, Money(amount_cents, card.currency), card.rate_card_id)
        for kind, amount_cents in amounts.items()
        if amount_cents or kind in {ChargeKind.HANDLING, ChargeKind.FREIGHT}
    )


def chargeable_weight_g(weight_g: int, volume_mm3: int, volume_divisor: int) -> int:
    """What a carrier takes for the weight: the greater of weight and volume, a started gram up."""
    if not volume_divisor:
        return weight_g
    return max(weight_g, -(-volume_mm3 // volume_divisor))


def _zone(card: RateCard, parcel: Sent) -> Zone:
    if parcel.zone is None:
        zone = card.zone_of(None, None, parcel.distance_m)
    else:
        zone = card.named(parcel.zone)
    if zone is None:
        raise _not_carried("the rate card does not go there", card, parcel)
    return zone


def _freight_cents(card: RateCard, zone: Zone, parcel: Sent) -> int:
    if card.max_length_mm is not None and parcel.longest_mm > card.max_length_mm:
        raise _not_carried("the rate card does not go that long", card, parcel)
    weight_g = chargeable_weight_g(parcel.weight_g, parcel.volume_mm3, card.volume_divisor)
    for step in zone.all_steps():
        if weight_g <= step.max_weight_g:
            return step.price_cents
    raise _not_carried("the rate card does not go that heavy", card, parcel)


def _not_carried(why: str, card: RateCard, parcel: Sent) -> NotCarried:
    return NotCarried(
        why,
        rate_card_id=card.rate_card_id,
        zone=parcel.zone,
        weight_g=parcel.weight_g,
        distance_m=parcel.distance_m,
    )
