"""Who may do what: one table, and the rule of warehouses. Pure.

A person sees what lies in their warehouses and acts on it; what has none yet is everybody's.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from shared.people.types import ActorKind, NotAllowed, Role, Warehouses


class Action(StrEnum):
    """What can be asked for. A machine's key names the actions that it is for."""

    SEE_OVERVIEW = "see_overview"
    SEE_ORDERS = "see_orders"
    PLACE_ORDERS = "place_orders"  # anew, from certain warehouses, in a certain split
    HOLD_ORDERS = "hold_orders"  # and release them
    CANCEL_ORDERS = "cancel_orders"
    SEE_STOCK = "see_stock"
    CORRECT_STOCK = "correct_stock"  # adjust, count, reconcile
    SET_ASIDE_STOCK = "set_aside_stock"  # safety, partitions, allotments; give back holds
    TRANSFER_STOCK = "transfer_stock"
    CHANGE_ORDERS = "change_orders"  # what is in them
    NOTE_ORDERS = "note_orders"
    SEE_PARCELS = "see_parcels"
    RELABEL_PARCELS = "relabel_parcels"
    PRINT_LABELS = "print_labels"  # and manifests: persons and where they live stand on them
    CLOSE_DAYS = "close_days"  # ask carriers for manifests, before their time or once more
    CHOOSE_SERVICES = "choose_services"  # by which parcels go
    ASK_CARRIERS = "ask_carriers"  # about parcels
    SET_THRESHOLDS = "set_thresholds"  # how long parcels may stand
    SEE_LETTERS = "see_letters"
    SETTLE_LETTERS = "settle_letters"  # send them again, or discard them
    SEE_AUDIT = "see_audit"
    SEE_PEOPLE = "see_people"  # and the keys of machines
    MANAGE_PEOPLE = "manage_people"
    KEEP_PROFILE = "keep_profile"  # one's own
    SEE_MESSAGES = "see_messages"  # as they were sent, with the data of persons in them
    SEE_CARRIERS = "see_carriers"
    SET_CARRIERS = "set_carriers"  # who sells their labels, and whether any are bought
    SEE_SUBSCRIBERS = "see_subscribers"  # who gets webhooks, and whether they arrive
    SET_SUBSCRIBERS = "set_subscribers"  # and their secrets; send webhooks again
    SEE_RATES = "see_rates"
    PUBLISH_RATES = "publish_rates"
    SEE_POLICIES = "see_policies"
    PUBLISH_POLICIES = "publish_policies"
    SEE_REPORTS = "see_reports"


_ALL = frozenset(Role)
_ACTING = frozenset({Role.OPERATOR, Role.ADMIN})
_RULING = frozenset({Role.ADMIN})

ALLOWED: Mapping[Action, frozenset[Role]] = MappingProxyType(
    {
        Action.SEE_OVERVIEW: _ALL,
        Action.SEE_ORDERS: _ALL,
        Action.PLACE_ORDERS: _ACTING,
        Action.HOLD_ORDERS: _ACTING,
        Action.CANCEL_ORDERS: _ACTING,
        Action.SEE_STOCK: _ALL,
        Action.CORRECT_STOCK: _ACTING,
        Action.SET_ASIDE_STOCK: _ACTING,
        Action.TRANSFER_STOCK: _ACTING,
        Action.CHANGE_ORDERS: _ACTING,
        Action.NOTE_ORDERS: _ACTING,
        Action.SEE_PARCELS: _ALL,
        Action.RELABEL_PARCELS: _ACTING,
        Action.PRINT_LABELS: _ACTING,
        Action.CLOSE_DAYS: _ACTING,
        Action.CHOOSE_SERVICES: _ACTING,
        Action.ASK_CARRIERS: _ACTING,
        Action.SET_THRESHOLDS: _RULING,
        Action.SEE_LETTERS: _ALL,
        Action.SETTLE_LETTERS: _ACTING,
        Action.SEE_MESSAGES: _ACTING,
        Action.SEE_AUDIT: _ACTING,
        Action.SEE_PEOPLE: _RULING,
        Action.MANAGE_PEOPLE: _RULING,
        Action.KEEP_PROFILE: _ALL,
        Action.SEE_CARRIERS: _ALL,
        Action.SET_CARRIERS: _RULING,
        Action.SEE_SUBSCRIBERS: _ALL,
        Action.SET_SUBSCRIBERS: _RULING,
        Action.SEE_RATES: _ALL,
        Action.PUBLISH_RATES: _RULING,
        Action.SEE_POLICIES: _ALL,
        Action.PUBLISH_POLICIES: _RULING,
        Action.SEE_REPORTS: _ALL,
    }
)


def actions_of(role: Role) -> frozenset[Action]:
    """All that a role may do."""
    return frozenset(action for action, roles in ALLOWED.items() if role in roles)


# What holds for all warehouses is nothing for those who are there for some.
EVERYWHERE = frozenset(
    {
        Action.SET_THRESHOLDS,
        Action.SET_CARRIERS,
        Action.SET_SUBSCRIBERS,
        Action.PUBLISH_RATES,
        Action.PUBLISH_POLICIES,
        Action.SEE_PEOPLE,
        Action.MANAGE_PEOPLE,
    }
)


@dataclass(frozen=True, slots=True)
class Who:
    """Whoever asks, with all that they may.

    Attributes:
        kind: a user or a key.
        name: the user's e-mail, or the key's name; the audit trail has it.
        called: how to address them.
        actions: what they may do.
        warehouses: where; None: everywhere.
        role: a user's; None: a machine has none.
        key_id: a machine's; of two with one name each has its own.
        session: by which a user has come, as it is kept; it opens nothing. None: by none.
    """

    kind: ActorKind
    name: str
    called: str
    actions: frozenset[Action]
    warehouses: Warehouses
    role: Role | None = None
    key_id: str | None = None
    session: bytes | None = field(default=None, repr=False)

    @property
    def is_new(self) -> bool:
        """Whether they have to choose a password before they may do anything else."""
        return self.kind is ActorKind.USER and self.actions == {Action.KEEP_PROFILE}

    @property
    def caller(self) -> str:
        """Under which idempotency keys and drafts are theirs."""
        return f"{self.kind}:{self.key_id or self.name}"

    def may(self, action: Action) -> bool:
        """Whether they may do this somewhere."""
        is_far_enough = self.warehouses is None or action not in EVERYWHERE
        return action in self.actions and is_far_enough

    def may_at(self, warehouses: Collection[str]) -> bool:
        """Whether all of these are theirs."""
        return self.warehouses is None or self.warehouses.issuperset(warehouses)

    def require(self, action: Action) -> None:
        """Go on if they may do this.

        Raises:
            NotAllowed: they may not.
        """
        if action not in self.actions:
            role = f"the role {self.role}" if self.role else "this key"
            raise NotAllowed(f"{role} may not {action.replace('_', ' ')}", action=action)
        if not self.may(action):
            raise NotAllowed(
                "this holds for every warehouse, and only some are yours to decide for"
            )

    def require_at(self, warehouses: Collection[str]) -> None:
        """Go on if all of these warehouses are theirs.

        Raises:
            NotAllowed: names the first that is not.
        """
        if not self.may_at(warehouses):
            strange = min(set(warehouses) - (self.warehouses or frozenset()))
            raise NotAllowed(f"warehouse: {strange} is not yours to decide about")
