"""The console's orders over HTTP: what is done to many at once, notes, and other lines.

Additive only, as events are.
"""

from typing import Annotated

from pydantic import Field, field_validator

from shared.contracts.base import NO_NUL, Document, Identifier
from shared.contracts.http_ops_acts import Because
from shared.contracts.orders import Lines, line_numbers_are_unique

AsSeen = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9._:/-]+=[a-z_]+$")]


class OrdersMeant(Because):
    """Which orders. `as_seen` has `order=state` for those that are meant only while they are so."""

    order_ids: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=500)]
    as_seen: Annotated[tuple[AsSeen, ...], Field(max_length=500)] = ()


class LinesWanted(Because):
    """All lines of the order as they are to be from now on."""

    lines: Lines

    _unique_lines = field_validator("lines")(line_numbers_are_unique)


class NoteWanted(Document):
    """Something that whoever looks at the order next should know."""

    note: Annotated[str, Field(min_length=1, max_length=2_000, pattern=NO_NUL)]
