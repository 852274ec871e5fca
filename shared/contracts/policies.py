"""What a shop says about its placements: a policy as a document."""

from typing import Annotated

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from shared.contracts.base import Document, Identifier

Cents = Annotated[int, Field(ge=0, le=1_000_000_000)]
ServiceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}(/[A-Za-z0-9._:-]{1,64})?$")]


class FallbackDocument(Document):
    """Who takes parcels of a zone over, in this order, while their carrier does not answer."""

    model_config = ConfigDict(extra="forbid")

    carrier: Identifier  # that does not answer
    zone: Identifier  # of its rate card, as the parcel was planned
    to: Annotated[tuple[Identifier, ...], Field(min_length=1)]  # carriers

    @field_validator("to")
    @classmethod
    def _names_others_once(cls, to: tuple[str, ...], seen: ValidationInfo) -> tuple[str, ...]:
        if seen.data.get("carrier") in to:
            raise ValueError("a carrier cannot take its own parcels over")
        if len(set(to)) < len(to):
            raise ValueError("a carrier is there twice")
        return to


class PolicyDocument(Document):
    """All that can be said; what is left out is as the default has it.

    Money is minor units of the order's currency. Unknown fields are refused: a misspelt wish would
    be no wish.
    """

    model_config = ConfigDict(extra="forbid")

    channel: Identifier | None = None  # None: every channel without a policy of its own
    ship_partial_from_cents: Cents | None = 5_000  # null: never in part
    late_day_cents: Cents = 10_000
    split_cents: Cents = 0
    refusal_cents: Cents = 500
    avoid_cents: dict[Identifier, Cents] = Field(default_factory=dict)  # by warehouse
    excluded_warehouses: frozenset[Identifier] = frozenset()
    excluded_services: frozenset[ServiceName] = frozenset()  # "carrier" or "carrier/service"
    # Where none is named for a parcel's carrier and zone, or none of them can take it, the cheapest
    # service that keeps the promise does.
    fallbacks: tuple[FallbackDocument, ...] = ()
    most_nodes: Annotated[int, Field(ge=100, le=1_000_000)] = 20_000

    @field_validator("fallbacks")
    @classmethod
    def _has_one_fallback_each(
        cls, fallbacks: tuple[FallbackDocument, ...]
    ) -> tuple[FallbackDocument, ...]:
        seen = set[tuple[str, str]]()
        for number, fallback in enumerate(fallbacks):
            of = fallback.carrier, fallback.zone
            if of in seen:
                raise ValueError(f"entry {number} is for {of[0]} and {of[1]}, as one before it is")
            seen.add(of)
        return fallbacks
