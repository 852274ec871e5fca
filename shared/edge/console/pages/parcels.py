"""Parcels: a list that is searched, those that stand still, and a page for each."""

from collections.abc import Mapping
from functools import partial

from shared.contracts.http_ops_acts import Because
from shared.contracts.http_ops_parcels import (
    OpsParcel,
    OpsParcels,
    OpsParcelServices,
    OpsStanding,
    OpsThresholds,
    ParcelFilters,
    ServiceChosen,
    StandingFilters,
    ThresholdsWanted,
)
from shared.edge.console.routes import Act, View, Visit, act_on, place_or, room
from shared.flows.choose_service import ServiceNotOffered, choose_service
from shared.flows.poll_parcels import NothingToAsk, poll_parcel
from shared.flows.relabel_parcel import NoLabelYet, relabel_parcel
from shared.flows.rules import Rules
from shared.flows.set_thresholds import SetThresholds, set_thresholds
from shared.flows.show_parcel import order_of, show_parcel
from shared.flows.show_services import show_services
from shared.flows.show_standing import facts_of, show_standing, show_thresholds
from shared.flows.unchanged import locked_unchanged
from shared.flows.versions import refuse_changed
from shared.kit.errors import DispatchError
from shared.ops.parcel_list import parcel_list
from shared.orders.types import TooLateToChange
from shared.people.permissions import Action
from shared.shipments.types import LabelBeingBought, NoSuchParcel
from shared.tracking import standstill_rules
from shared.tracking.standstill_rules import Thresholds

PATH = "/parcels/{parcel_id}"
THRESHOLDS_PATH = "/parcels/thresholds"
_REFUSED: Mapping[type[DispatchError], int] = {
    NoSuchParcel: 404,
    TooLateToChange: 409,
    NoLabelYet: 409,
    NothingToAsk: 409,
    ServiceNotOffered: 422,
    LabelBeingBought: 503,
}


def _list(visit: Visit, filters: ParcelFilters) -> OpsParcels:
    return parcel_list(visit.tx, filters, visit.who.warehouses)


def _show(visit: Visit, _query: None) -> OpsParcel:
    return show_parcel(visit.tx, visit.parts["parcel_id"], visit.who)


def _standing(visit: Visit, filters: StandingFilters) -> OpsStanding:
    return show_standing(visit.tx, filters, visit.who)


def _thresholds(visit: Visit, _query: None) -> OpsThresholds:
    return show_thresholds(visit.tx, visit.who)


def _set(visit: Visit, said: ThresholdsWanted) -> None:
    wanted = Thresholds(**said.model_dump(exclude={"reason"}))
    standstill_rules.lock(visit.tx, wanted.carrier, wanted.service)
    refuse_changed(
        "how long they may stand",
        visit.seen,
        facts_of(*standstill_rules.all_of(visit.tx)),
        about=f"{wanted.carrier} {wanted.service} ",
    )
    set_thresholds(visit.tx, SetThresholds(wanted, visit.person(said.reason)))


def _relabel(visit: Visit, said: Because) -> None:
    parcel_id = visit.parts["parcel_id"]
    locked_unchanged(visit.tx, order_of(visit.tx, parcel_id, visit.who), visit.seen)
    relabel_parcel(visit.tx, parcel_id, visit.person(said.reason))


def _services(visit: Visit, _query: None) -> OpsParcelServices:
    return show_services(visit.tx, visit.parts["parcel_id"], visit.who, Rules())


def _choose(visit: Visit, said: ServiceChosen) -> None:
    parcel_id = visit.parts["parcel_id"]
    locked_unchanged(visit.tx, order_of(visit.tx, parcel_id, visit.who), visit.seen)
    person = visit.person(said.reason)
    choose_service(visit.tx, parcel_id, said.rate_card_id, person, Rules())


def _ask(visit: Visit, said: Because) -> None:
    parcel_id = visit.parts["parcel_id"]
    order_of(visit.tx, parcel_id, visit.who)
    poll_parcel(visit.tx, parcel_id, visit.person(said.reason))


PARCELS = View(
    name="listParcels",
    path="/parcels",
    purpose="List parcels, a page at a time.",
    action=Action.SEE_PARCELS,
    show=_list,
    answer=OpsParcels,
    template="parcels.html",
    query=ParcelFilters,
    tab="Parcels",
    key="p",
    rows="parcels",
    rooms=place_or("parcels"),
)
STANDING = View(
    name="listStandingParcels",
    path="/parcels/standing-still",
    purpose="List parcels that have stood for longer than they may, a page at a time.",
    action=Action.SEE_PARCELS,
    show=_standing,
    answer=OpsStanding,
    template="standing.html",
    query=StandingFilters,
    rows="parcels",
    rooms=room("parcels"),
)
THRESHOLDS = View(
    name="showThresholds",
    path=THRESHOLDS_PATH,
    purpose="Show how long parcels may stand, by carrier and service.",
    action=Action.SEE_PARCELS,
    show=_thresholds,
    answer=OpsThresholds,
    template="thresholds.html",
)
PARCEL = View(
    name="showParcel",
    path=PATH,
    purpose="Show a parcel with all that is known of it, and what may be done about it.",
    action=Action.SEE_PARCELS,
    show=_show,
    answer=OpsParcel,
    template="parcel.html",
    refusals={NoSuchParcel: 404},
    rooms=room("parcel:{parcel_id}"),
)

SERVICES = View(
    name="listParcelServices",
    path=f"{PATH}/services",
    purpose="List the services by which a parcel can go, at what cost, and why not by others.",
    action=Action.SEE_PARCELS,
    show=_services,
    answer=OpsParcelServices,
    template="services.html",
    refusals={NoSuchParcel: 404},
    rooms=room("parcel:{parcel_id}"),
)


_act = partial(act_on, PARCEL, refusals=_REFUSED)
ROUTES = (
    PARCELS,
    STANDING,
    THRESHOLDS,
    Act(
        name="setThresholds",
        path=f"{THRESHOLDS_PATH}/set",
        purpose="Say how long parcels of a carrier and service may stand from now on.",
        action=Action.SET_THRESHOLDS,
        act=_set,
        body=ThresholdsWanted,
        view=THRESHOLDS,
        done="They count from the next run of the watch on.",
        form="set",
    ),
    SERVICES,  # before the parcel, whose id might be taken to go on
    PARCEL,
    _act(
        "relabelParcel",
        "relabel",
        "Give its label back, and send its units in another parcel with a new one.",
        _relabel,
        action=Action.RELABEL_PARCELS,
        done="The label is given back. Another parcel of the order has its units now.",
    ),
    Act(
        name="chooseService",
        path=f"{PATH}/services/choose",
        purpose="Send its units by the service of these prices; a label that it has is given back.",
        action=Action.CHOOSE_SERVICES,
        act=_choose,
        body=ServiceChosen,
        view=SERVICES,
        done="It goes by the service that you chose. Its label is bought there now.",
        form="choose",
        refusals=_REFUSED,
    ),
    _act(
        "askCarrier",
        "ask",
        "Have its carrier asked about it now.",
        _ask,
        action=Action.ASK_CARRIERS,
        done="Its carrier is asked. What it answers is in the history in a moment.",
    ),
)
