"""The page in English."""

from shared.edge.tracking_page.words import Counted, Words
from shared.ops.order_story import Arrival, Situation, Step

_S = Situation

ENGLISH = Words(
    name="English",
    order="Order",
    title="Your order",
    arrivals={
        Arrival.ON: "Arriving {on}",
        Arrival.BY: "Arriving by {day}",
        Arrival.LATER: "Taking longer than planned",
    },
    headlines={
        _S.DELIVERY_FAILED: "We could not hand it over",
        _S.READY_FOR_PICKUP: "Ready for you to collect",
        _S.DELAYED: "Delayed on its way",
        _S.ON_HOLD: "Held up on its way",
        _S.GOING_BACK: "On its way back to us",
        _S.DELIVERED: "Delivered {on}",
        _S.OUT_OF_STOCK: "Waiting for stock",
        _S.PARTLY_DELIVERED: "Delivered in part",
        _S.CANCELLED: "Your order is cancelled",
    },
    details={
        _S.DELIVERY_FAILED: "The carrier tried to deliver and could not.",
        _S.READY_FOR_PICKUP: "Your parcel waits at the carrier's pick-up point.",
        _S.OUT_FOR_DELIVERY: "Your parcel is with the driver.",
        _S.ON_ITS_WAY: "Your parcel is on its way.",
        _S.DELAYED: "The carrier has told us that your parcel will be later than planned.",
        _S.ON_HOLD: "Your parcel is standing still at the carrier. We are keeping an eye on it.",
        _S.PACKED: "Your parcel is packed and waits for the carrier.",
        _S.BEING_PACKED: "We are packing your parcel.",
        _S.GOING_BACK: "Your parcel is being returned to us.",
        _S.DELIVERED: "Your parcel has arrived. Enjoy!",
        _S.RECEIVED: "We have your order and are getting it ready.",
        _S.OUT_OF_STOCK: "We send your order as soon as everything is in stock again.",
        _S.PARTLY_DELIVERED: "Part of your order has arrived, and the rest follows.",
        _S.CANCELLED: "Nothing will be sent.",
    },
    actions={
        _S.DELIVERY_FAILED: (
            "Look for a note from the carrier at your door or in your letterbox. It says when the"
            " next attempt is, or where you can collect the parcel."
        ),
        _S.READY_FOR_PICKUP: (
            "Collect it soon, since it goes back after a few days. Take an identity document and"
            " the carrier's note or message with you; it has the address."
        ),
        _S.GOING_BACK: (
            "You need to do nothing for it to reach us. If you still want it, or wait for your"
            " money, write to the shop where you ordered."
        ),
        _S.CANCELLED: "If you did not expect this, write to the shop where you ordered.",
    },
    reasons={
        "carrier_damaged_parcel": "The parcel was damaged on its way.",
        "carrier_parcel_lost": (
            "The carrier cannot find the parcel. Write to the shop where you ordered."
        ),
        "carrier_sorting_error": "The parcel went to a wrong depot and is being sent on.",
        "carrier_delay": "The carrier is running late.",
        "carrier_policy": "The carrier may not carry something in the parcel.",
        "retailer_cancelled": "The shop called the parcel back.",
        "retailer_not_handed_over": "The carrier has not been given the parcel yet.",
        "consignee_refused": "The parcel was not accepted at the door.",
        "consignee_not_available": "Nobody was there to take the parcel.",
        "consignee_business_closed": "The address was closed.",
        "consignee_incorrect_address": (
            "Something is wrong with the address. Write to the shop where you ordered."
        ),
        "consignee_access_restricted": "The driver could not get to the door.",
        "consignee_not_collected": "The parcel was not collected in time.",
        "consignee_payment_due": "Something has to be paid to the carrier first.",
        "consignee_rescheduled": "Another day was agreed with the carrier.",
        "customs_delay": "The parcel is at customs.",
        "customs_documentation": (
            "Customs needs papers for the parcel. Write to the shop where you ordered."
        ),
        "weather_delay": "The weather holds up the carrier.",
        "other": "The carrier gives no exact reason.",
    },
    statuses={
        "ordered": "Order received",
        "packed": "Packed",
        "cancelled": "Cancelled",
        "pending": "Announced to the carrier",
        "picked_up": "Handed to the carrier",
        "in_transit": "On its way",
        "out_for_delivery": "Out for delivery",
        "ready_for_pickup": "Ready to collect",
        "delivery_failed": "Delivery attempt failed",
        "delivery_delayed": "Delayed",
        "on_hold": "Held up",
        "return_to_sender": "Going back to the sender",
        "delivered": "Delivered",
    },
    steps={
        Step.ORDERED: "Ordered",
        Step.PACKED: "Packed",
        Step.ON_ITS_WAY: "On its way",
        Step.OUT_FOR_DELIVERY: "Out for delivery",
        Step.DELIVERED: "Delivered",
    },
    progress="Progress",
    step_done="done",
    step_now="now",
    step_ahead="still to come",
    ordered="Ordered",
    promised="Promised by",
    late="This is later than you were told. We are sorry.",
    parcel="Parcel",
    parcels="Parcels",
    parcels_coming="Your order comes in {all} parcels.",
    parcels_arrived="Your order came in {all} parcels.",
    parcels_delivered=Counted(
        "Your order comes in {all} parcels. One of them has arrived.",
        "Your order comes in {all} parcels. {count} of them have arrived.",
    ),
    parcel_number="Parcel {number} of {all}",
    items=Counted("{count} item", "{count} items"),
    by_carrier="with {carrier}",
    code_end="number ending in {end}",
    history="History",
    last_seen="last reported {time}",
    out_of_stock=Counted(
        "{count} item follows when it is back in stock.",
        "{count} items follow when they are back in stock.",
    ),
    restocked="We expect that {on}.",
    waiting=Counted(
        "{count} item follows in another parcel.", "{count} items follow in another parcel."
    ),
    cancelled=Counted(
        "{count} item was cancelled and will not be sent.",
        "{count} items were cancelled and will not be sent.",
    ),
    wanted_back=(
        "This order was cancelled when it was packed already. What still arrives may be refused at"
        " the door; what has arrived is to be sent back."
    ),
    zone="Times are in {zone}.",
    privacy="Whoever has the address of this page can see it, so it shows no personal details.",
    languages="Language",
    nothing_title="There is no order here",
    nothing=(
        "The address may be incomplete: open the link in your message once more, or copy it as a"
        " whole. If that does not help, write to the shop where you ordered."
    ),
    trouble_title="We cannot look it up just now",
    trouble="Your order is not affected. Please open this page again in a minute.",
)
