"""The page in German."""

from shared.edge.tracking_page.words import Counted, Words
from shared.ops.order_story import Arrival, Situation, Step

_S = Situation

GERMAN = Words(
    name="Deutsch",
    order="Bestellung",
    title="Ihre Bestellung",
    arrivals={
        Arrival.ON: "Kommt {on}",
        Arrival.BY: "Kommt bis {day}",
        Arrival.LATER: "Dauert länger als geplant",
    },
    headlines={
        _S.DELIVERY_FAILED: "Die Zustellung hat nicht geklappt",
        _S.READY_FOR_PICKUP: "Liegt zur Abholung bereit",
        _S.DELAYED: "Verspätet unterwegs",
        _S.ON_HOLD: "Unterwegs aufgehalten",
        _S.GOING_BACK: "Auf dem Weg zurück zu uns",
        _S.DELIVERED: "Zugestellt {on}",
        _S.OUT_OF_STOCK: "Wartet auf Nachschub",
        _S.PARTLY_DELIVERED: "Zum Teil zugestellt",
        _S.CANCELLED: "Ihre Bestellung ist storniert",
    },
    details={
        _S.DELIVERY_FAILED: "Der Paketdienst konnte das Paket nicht übergeben.",
        _S.READY_FOR_PICKUP: "Ihr Paket liegt in einer Abholstelle des Paketdienstes.",
        _S.OUT_FOR_DELIVERY: "Ihr Paket ist im Zustellfahrzeug.",
        _S.ON_ITS_WAY: "Ihr Paket ist unterwegs.",
        _S.DELAYED: "Der Paketdienst meldet, dass Ihr Paket später kommt als geplant.",
        _S.ON_HOLD: "Ihr Paket steht beim Paketdienst still. Wir behalten es im Auge.",
        _S.PACKED: "Ihr Paket ist gepackt und wartet auf den Paketdienst.",
        _S.BEING_PACKED: "Wir packen Ihr Paket.",
        _S.GOING_BACK: "Ihr Paket wird an uns zurückgeschickt.",
        _S.DELIVERED: "Ihr Paket ist angekommen. Viel Freude damit!",
        _S.RECEIVED: "Ihre Bestellung ist da, wir bereiten sie vor.",
        _S.OUT_OF_STOCK: "Wir schicken Ihre Bestellung los, sobald alles wieder auf Lager ist.",
        _S.PARTLY_DELIVERED: "Ein Teil Ihrer Bestellung ist angekommen, der Rest folgt.",
        _S.CANCELLED: "Es wird nichts verschickt.",
    },
    actions={
        _S.DELIVERY_FAILED: (
            "Bitte sehen Sie nach einer Nachricht des Paketdienstes an der Tür oder im Briefkasten."
            " Dort steht, wann er wiederkommt oder wo Sie das Paket abholen können."
        ),
        _S.READY_FOR_PICKUP: (
            "Holen Sie es bitte bald ab, nach einigen Tagen geht es zurück. Nehmen Sie einen"
            " Ausweis und die Nachricht des Paketdienstes mit; darin steht die Adresse."
        ),
        _S.GOING_BACK: (
            "Sie müssen dafür nichts tun. Wenn Sie die Ware noch möchten oder auf Ihr Geld warten,"
            " schreiben Sie bitte dem Shop, in dem Sie bestellt haben."
        ),
        _S.CANCELLED: (
            "Wenn Sie das nicht erwartet haben, schreiben Sie bitte dem Shop, in dem Sie bestellt"
            " haben."
        ),
    },
    reasons={
        "carrier_damaged_parcel": "Das Paket wurde unterwegs beschädigt.",
        "carrier_parcel_lost": (
            "Der Paketdienst findet das Paket nicht. Bitte schreiben Sie dem Shop, in dem Sie"
            " bestellt haben."
        ),
        "carrier_sorting_error": "Das Paket kam in ein falsches Depot und wird weitergeschickt.",
        "carrier_delay": "Der Paketdienst ist verspätet.",
        "carrier_policy": "Der Paketdienst darf etwas in dem Paket nicht befördern.",
        "retailer_cancelled": "Der Shop hat das Paket zurückgerufen.",
        "retailer_not_handed_over": "Der Paketdienst hat das Paket noch nicht erhalten.",
        "consignee_refused": "Das Paket wurde an der Tür nicht angenommen.",
        "consignee_not_available": "Niemand war da, um das Paket anzunehmen.",
        "consignee_business_closed": "Die Adresse war geschlossen.",
        "consignee_incorrect_address": (
            "Mit der Adresse stimmt etwas nicht. Bitte schreiben Sie dem Shop, in dem Sie bestellt"
            " haben."
        ),
        "consignee_access_restricted": "Der Fahrer kam nicht bis zur Tür.",
        "consignee_not_collected": "Das Paket wurde nicht rechtzeitig abgeholt.",
        "consignee_payment_due": "Vorher ist beim Paketdienst etwas zu bezahlen.",
        "consignee_rescheduled": "Mit dem Paketdienst ist ein anderer Tag vereinbart.",
        "customs_delay": "Das Paket ist beim Zoll.",
        "customs_documentation": (
            "Der Zoll braucht Papiere für das Paket. Bitte schreiben Sie dem Shop, in dem Sie"
            " bestellt haben."
        ),
        "weather_delay": "Das Wetter hält den Paketdienst auf.",
        "other": "Der Paketdienst nennt keinen genauen Grund.",
    },
    statuses={
        "ordered": "Bestellung eingegangen",
        "packed": "Gepackt",
        "cancelled": "Storniert",
        "pending": "Dem Paketdienst angekündigt",
        "picked_up": "Dem Paketdienst übergeben",
        "in_transit": "Unterwegs",
        "out_for_delivery": "In Zustellung",
        "ready_for_pickup": "Zur Abholung bereit",
        "delivery_failed": "Zustellversuch ohne Erfolg",
        "delivery_delayed": "Verspätet",
        "on_hold": "Aufgehalten",
        "return_to_sender": "Geht zurück an den Absender",
        "delivered": "Zugestellt",
    },
    steps={
        Step.ORDERED: "Bestellt",
        Step.PACKED: "Gepackt",
        Step.ON_ITS_WAY: "Unterwegs",
        Step.OUT_FOR_DELIVERY: "In Zustellung",
        Step.DELIVERED: "Zugestellt",
    },
    progress="Fortschritt",
    step_done="erledigt",
    step_now="jetzt",
    step_ahead="steht noch aus",
    ordered="Bestellt",
    promised="Zugesagt bis",
    late="Das ist später als zugesagt. Es tut uns leid.",
    parcel="Paket",
    parcels="Pakete",
    parcels_coming="Ihre Bestellung kommt in {all} Paketen.",
    parcels_arrived="Ihre Bestellung kam in {all} Paketen.",
    parcels_delivered=Counted(
        "Ihre Bestellung kommt in {all} Paketen. Eines davon ist angekommen.",
        "Ihre Bestellung kommt in {all} Paketen. {count} davon sind angekommen.",
    ),
    parcel_number="Paket {number} von {all}",
    items=Counted("{count} Artikel", "{count} Artikel"),
    by_carrier="mit {carrier}",
    code_end="Nummer endet auf {end}",
    history="Verlauf",
    last_seen="zuletzt gemeldet {time}",
    out_of_stock=Counted(
        "{count} Artikel folgt, sobald er wieder auf Lager ist.",
        "{count} Artikel folgen, sobald sie wieder auf Lager sind.",
    ),
    restocked="Wir rechnen damit {on}.",
    waiting=Counted(
        "{count} Artikel folgt in einem weiteren Paket.",
        "{count} Artikel folgen in einem weiteren Paket.",
    ),
    cancelled=Counted(
        "{count} Artikel ist storniert und wird nicht verschickt.",
        "{count} Artikel sind storniert und werden nicht verschickt.",
    ),
    wanted_back=(
        "Diese Bestellung wurde storniert, als sie schon gepackt war. Was noch kommt, können Sie an"
        " der Tür ablehnen; was schon da ist, schicken Sie bitte zurück."
    ),
    zone="Uhrzeiten in {zone}.",
    privacy="Wer die Adresse dieser Seite hat, kann sie sehen; sie zeigt nichts Persönliches.",
    languages="Sprache",
    nothing_title="Hier ist keine Bestellung",
    nothing=(
        "Vielleicht ist die Adresse unvollständig: Öffnen Sie den Link in Ihrer Nachricht noch"
        " einmal, oder kopieren Sie ihn als Ganzes. Hilft das nicht, schreiben Sie bitte dem Shop,"
        " in dem Sie bestellt haben."
    ),
    trouble_title="Wir können gerade nicht nachsehen",
    trouble="Ihre Bestellung betrifft das nicht. Öffnen Sie diese Seite in einer Minute neu.",
)
