"""What a shop says about its placements: a policy as a document."""

from typing import Annotated

from pydantic import ConfigDict, Field

from shared.contracts.base import Document, Identifier

Cents = Annotated[int, Field(ge=0, le=1_000_000_000)]
ServiceName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,64}(/[A-Za-z0-9._:-]{1,64})?$")]


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
    most_nodes: Annotated[int, Field(ge=100, le=1_000_000)] = 20_000
