"""A customer follows an order by the address that they were given."""

import re

from shared.ops import order_by_token, order_story
from shared.ops.order_story import Story
from shared.platform.db import Transaction

_TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")
_NOBODYS = "-"  # of another length than any token


def follow_order(tx: Transaction, token: str) -> Story | None:
    """What is to be told of the order whose page the token opens; None where it opens none.

    What cannot be a token is looked for all the same, so that both take as long.
    """
    order = order_by_token.find(tx, token if _TOKEN.fullmatch(token) else _NOBODYS)
    return None if order is None else order_story.tell(order, tx.now)
