"""What a parcel costs. Pure."""

from shared.costing.types import Charge, ChargeKind, NotCarried, RateCard
from shared.kit.money import Money


def charges_for(card: RateCard, weight_g: int, distance_m: int) -> tuple[Charge, ...]:
    """Handling and freight of one parcel.

    Raises:
        NotCarried: the card ends below this weight or short of this distance.
    """
    for max_weight_g, price_cents in card.steps(distance_m):
        if weight_g <= max_weight_g:
            amounts = (
                (ChargeKind.HANDLING, card.handling_cents),
                (ChargeKind.FREIGHT, price_cents),
            )
            return tuple(
                Charge(kind, Money(amount_cents, card.currency), card.rate_card_id)
                for kind, amount_cents in amounts
            )
    raise NotCarried(
        "the rate card does not go that far or that heavy",
        rate_card_id=card.rate_card_id,
        weight_g=weight_g,
        distance_m=distance_m,
    )
