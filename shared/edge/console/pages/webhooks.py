"""Webhooks: who gets them, whether they arrive, and what to do where they do not."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

from shared.contracts.http_ops_acts import Because, Told
from shared.contracts.http_ops_subscribers import (
    DeliveryFilters,
    OpsSubscriber,
    OpsSubscribers,
    OpsWebhook,
    SecretWanted,
    SubscriberChange,
    SubscriberWanted,
    WebhooksMeant,
)
from shared.edge.console.routes import MOST_AT_ONCE, Act, Bulk, View, Visit, act_on, room
from shared.flows.add_subscriber import add_subscriber
from shared.flows.change_subscriber import change_subscriber
from shared.flows.enable_subscriber import disable_subscriber, enable_subscriber
from shared.flows.redeliver_webhooks import RedeliverWebhook, redeliver_webhook
from shared.flows.rotate_secret import OVERLAP, RotateSecret, rotate_secret
from shared.flows.send_test_webhook import send_test_webhook
from shared.flows.show_subscribers import show_subscriber, show_subscribers, show_webhook
from shared.flows.subscribed import WantedSubscriber
from shared.kit.errors import DispatchError, Malformed
from shared.people.permissions import Action
from shared.subscribers import webhook_deliveries
from shared.subscribers.types import (
    NameTaken,
    NotGivenUp,
    SubscriberDisabled,
    TooManySecrets,
    UnknownDelivery,
    UnknownSubscriber,
)
from shared.subscribers.webhook_deliveries import KEPT

PATH = "/webhooks/{subscriber}"
_REFUSED: Mapping[type[DispatchError], int] = {
    UnknownSubscriber: 404,
    UnknownDelivery: 404,
    NameTaken: 409,
    SubscriberDisabled: 409,
    NotGivenUp: 409,
    TooManySecrets: 409,
}


def _list(visit: Visit, _query: None) -> OpsSubscribers:
    return show_subscribers(visit.tx, visit.who)


def _show(visit: Visit, asked: DeliveryFilters | None) -> OpsSubscriber:
    name = visit.parts["subscriber"]
    return show_subscriber(visit.tx, name, asked or DeliveryFilters(), visit.who)


def _show_webhook(visit: Visit, _query: None) -> OpsWebhook:
    parts = visit.parts
    return show_webhook(visit.tx, parts["subscriber"], parts["delivery_id"], visit.who)


def _wanted(visit: Visit, said: SubscriberChange, name: str) -> WantedSubscriber:
    return WantedSubscriber(
        name,
        said.url,
        visit.person(said.reason),
        said.event_types,
        said.channel.strip() or None,
        visit.seen,
    )


def _add(visit: Visit, said: SubscriberWanted) -> Told:
    ways = visit.webhooks()
    wish = _wanted(visit, said, said.name)
    _, secret = add_subscriber(visit.tx, wish, ways.keyring, ways.reach)
    return Told(kind="webhook_secret", whose=said.name, secret=secret)


def _change(visit: Visit, said: SubscriberChange) -> None:
    wish = _wanted(visit, said, visit.parts["subscriber"])
    change_subscriber(visit.tx, wish, visit.webhooks().reach)


def _rotate(visit: Visit, said: SecretWanted) -> Told:
    name = visit.parts["subscriber"]
    overlap = timedelta(0) if said.at_once else OVERLAP
    wish = RotateSecret(name, visit.person(said.reason), overlap, visit.seen)
    _, secret = rotate_secret(visit.tx, wish, visit.webhooks().keyring)
    return Told(kind="webhook_secret", whose=name, secret=secret)


def _disable(visit: Visit, said: Because) -> None:
    name = visit.parts["subscriber"]
    disable_subscriber(visit.tx, name, visit.person(said.reason), visit.seen)


def _enable(visit: Visit, said: Because) -> None:
    name = visit.parts["subscriber"]
    enable_subscriber(visit.tx, name, visit.person(said.reason), visit.seen)


def _try(visit: Visit, said: Because) -> None:
    send_test_webhook(visit.tx, visit.parts["subscriber"], visit.person(said.reason))


def _redeliver(visit: Visit, said: Because) -> None:
    _again(visit, visit.parts["delivery_id"], said.reason)


def _again(visit: Visit, delivery_id: str, reason: str, *, is_given_up: bool = False) -> None:
    wish = RedeliverWebhook(
        delivery_id, visit.person(reason), visit.parts["subscriber"], is_given_up
    )
    redeliver_webhook(visit.tx, wish)


def _choose(visit: Visit, said: WebhooksMeant) -> Sequence[str]:
    if said.everything:
        return webhook_deliveries.given_up(
            visit.tx,
            visit.parts["subscriber"],
            since=said.since or visit.tx.now - KEPT,
            until=said.until or visit.tx.now,
            limit=MOST_AT_ONCE + 1,
        )
    if not said.delivery_ids:
        raise Malformed(
            "delivery_ids: choose at least one webhook, or everything that was given up",
            field="delivery_ids",
        )
    return sorted(set(said.delivery_ids))


def _one_of_many(visit: Visit, delivery_id: str, said: WebhooksMeant) -> None:
    _again(visit, delivery_id, said.reason, is_given_up=said.everything)


SUBSCRIBERS = View(
    name="listSubscribers",
    path="/webhooks",
    purpose="List who gets webhooks, with how they stand and what waits for them.",
    action=Action.SEE_SUBSCRIBERS,
    show=_list,
    answer=OpsSubscribers,
    template="webhooks.html",
    tab="Webhooks",
    key="w",
    rows="subscribers",
    rooms=room("subscribers"),
)
SUBSCRIBER = View(
    name="showSubscriber",
    path=PATH,
    purpose="Show who gets webhooks, and what was sent to them, a page at a time.",
    action=Action.SEE_SUBSCRIBERS,
    show=_show,
    answer=OpsSubscriber,
    template="subscriber.html",
    query=DeliveryFilters,
    refusals={UnknownSubscriber: 404},
    rows="deliveries",
    rooms=room("subscriber:{subscriber}"),
)
WEBHOOK = View(
    name="showWebhook",
    path=f"{PATH}/{{delivery_id}}",
    purpose="Show a webhook with every attempt to deliver it.",
    action=Action.SEE_SUBSCRIBERS,
    show=_show_webhook,
    answer=OpsWebhook,
    template="webhook.html",
    refusals={UnknownSubscriber: 404, UnknownDelivery: 404},
    rooms=room("subscriber:{subscriber}"),
)


_act = partial(act_on, SUBSCRIBER, action=Action.SET_SUBSCRIBERS, refusals=_REFUSED)
# An identifier may have a slash in it, so that the longest path is asked first.
ROUTES = (
    SUBSCRIBERS,
    Act(
        name="redeliverWebhook",
        path=f"{WEBHOOK.path}/redeliver",
        purpose="Send a webhook again, under the same id, whatever has become of it.",
        action=Action.SET_SUBSCRIBERS,
        act=_redeliver,
        body=Because,
        view=WEBHOOK,
        done="It is being sent again.",
        form="redeliver",
        refusals=_REFUSED,
    ),
    Act(
        name="addSubscriber",
        path="/webhooks/add",
        purpose="Somebody gets webhooks from now on, with a secret that is told once.",
        action=Action.SET_SUBSCRIBERS,
        act=_add,
        body=SubscriberWanted,
        view=SUBSCRIBERS,
        done="They get webhooks from now on.",
        form="add",
        refusals=_REFUSED,
        tells=True,
    ),
    _act(
        "changeSubscriber",
        "change",
        "Say where webhooks go from now on, and which.",
        _change,
        done="It counts for all that is sent from now on.",
        body=SubscriberChange,
    ),
    _act(
        "rotateSecret",
        "rotate",
        "A new secret, told once; the one before signs for 24 hours more, or none before at once.",
        _rotate,
        done="They have a new secret.",
        body=SecretWanted,
        tells=True,
    ),
    _act(
        "disableSubscriber",
        "disable",
        "Call them no more, or leave them disabled; what happens meanwhile waits for them.",
        _disable,
        done="They are not called any more. What happens meanwhile waits for 30 days.",
    ),
    _act(
        "enableSubscriber",
        "enable",
        "Call them again, and send all that waits, the oldest first.",
        _enable,
        done="They are called again; what has waited is being sent, the oldest first.",
    ),
    _act(
        "trySubscriber",
        "try",
        "Send an event that only they hear of.",
        _try,
        done="A test is being sent; it stands first in the list.",
    ),
    Bulk(
        name="redeliverWebhooks",
        path=f"{PATH}/redeliver",
        purpose="Send many again: these, or all of a time that were given up; each by itself.",
        action=Action.SET_SUBSCRIBERS,
        choose=_choose,
        act=_one_of_many,
        body=WebhooksMeant,
        view=SUBSCRIBER,
        done="sent again",
        form="many",
        refusals=_REFUSED,
    ),
    WEBHOOK,
    SUBSCRIBER,
)
