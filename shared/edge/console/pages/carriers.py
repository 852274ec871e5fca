"""Carriers: whether they answer, what others took over, what waits, and who sells their labels."""

from shared.carriers.types import CarrierAccount, LabelFormat, UnknownCarrier
from shared.contracts.http_ops_carriers import OpsCarrier, OpsCarriers, SellerWanted
from shared.edge.console.routes import Act, View, Visit, room
from shared.flows.set_carrier_account import SetCarrierAccount, set_carrier_account
from shared.flows.show_carrier import list_carriers, show_carrier
from shared.kit.errors import Malformed
from shared.people.permissions import Action

PATH = "/carriers/{carrier}"


def _list(visit: Visit, _query: None) -> OpsCarriers:
    return list_carriers(visit.tx)


def _show(visit: Visit, _query: None) -> OpsCarrier:
    return show_carrier(visit.tx, visit.parts["carrier"], visit.who)


def _set_seller(visit: Visit, said: SellerWanted) -> None:
    wanted = CarrierAccount(
        visit.parts["carrier"],
        said.vendor,
        said.name_at_vendor,
        said.account or None,
        LabelFormat(said.label_format),
        said.is_enabled,
    )
    wish = SetCarrierAccount(wanted, visit.person(said.reason), visit.seen, said.has_manifests)
    try:
        set_carrier_account(visit.tx, wish)
    except Malformed as error:
        if error.field == "carrier":  # which is in the path here
            raise UnknownCarrier(str(error), carrier=wanted.carrier) from error
        raise


CARRIER = View(
    name="showCarrier",
    path=PATH,
    purpose="Show a carrier, and the parcels of one's warehouses that wait for it.",
    action=Action.SEE_CARRIERS,
    show=_show,
    answer=OpsCarrier,
    template="carrier.html",
    refusals={UnknownCarrier: 404},
    rooms=room("carrier:{carrier}"),
)
ROUTES = (
    View(
        name="listCarriers",
        path="/carriers",
        purpose="List the carriers with how they stand, counted for all warehouses.",
        action=Action.SEE_CARRIERS,
        show=_list,
        answer=OpsCarriers,
        template="carriers.html",
        tab="Carriers",
        key="c",
        rows="carriers",
        rooms=room("carriers"),
    ),
    CARRIER,
    Act(
        name="setSeller",
        path=f"{PATH}/seller",
        purpose="Say who sells its labels from now on, and whether any are bought.",
        action=Action.SET_CARRIERS,
        act=_set_seller,
        body=SellerWanted,
        view=CARRIER,
        done="It counts for every label that is bought from now on.",
        form="seller",
        refusals={UnknownCarrier: 404},
    ),
)
