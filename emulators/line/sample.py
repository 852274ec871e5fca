"""The sample shop: a small catalogue of ours, made up, and as many orders as one likes.

Everything follows from a seed, so two runs of the same size see the same orders.
"""

from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from emulators.line.shop import Shop, ShopOrder

CURRENCY = "BRL"
SECONDS_BETWEEN_ORDERS = 2.0

# place, state, postcode, latitude, longitude
_WAREHOUSES = (
    ("SAO", "Guarulhos", "SP", "07190100", -23.4356, -46.4731),
    ("RIO", "Duque de Caxias", "RJ", "25020000", -22.7856, -43.3117),
    ("CWB", "Curitiba", "PR", "81170000", -25.4950, -49.3600),
    ("REC", "Jaboatao", "PE", "54330000", -8.1130, -35.0150),
)
_CITIES = (
    ("Sao Paulo", "SP", "01310", -23.5614, -46.6559, 12),
    ("Campinas", "SP", "13010", -22.9056, -47.0608, 4),
    ("Rio de Janeiro", "RJ", "20040", -22.9068, -43.1729, 8),
    ("Niteroi", "RJ", "24020", -22.8940, -43.1240, 2),
    ("Curitiba", "PR", "80020", -25.4297, -49.2711, 4),
    ("Porto Alegre", "RS", "90010", -30.0277, -51.2287, 4),
    ("Belo Horizonte", "MG", "30130", -19.9191, -43.9386, 5),
    ("Salvador", "BA", "40020", -12.9730, -38.5100, 4),
    ("Recife", "PE", "50030", -8.0631, -34.8711, 4),
    ("Fortaleza", "CE", "60030", -3.7304, -38.5218, 3),
    ("Manaus", "AM", "69010", -3.1316, -60.0233, 1),
    ("Brasilia", "DF", "70040", -15.7934, -47.8823, 4),
)
# what, weight_g, price_cents, length, width and height in mm
_GOODS = (
    ("MUG", 420, 2990, (130, 100, 110)), ("PLATE", 610, 3490, (280, 280, 40)),
    ("TEAPOT", 980, 8990, (260, 180, 180)), ("KETTLE", 1450, 15990, (250, 200, 270)),
    ("PEN", 30, 990, (150, 20, 20)), ("NOTEBOOK", 340, 2490, (220, 150, 20)),
    ("LAMP", 1900, 18990, (420, 260, 260)), ("CHAIR", 6800, 42990, (900, 550, 200)),
    ("SHIRT", 220, 5990, (300, 250, 30)), ("SHOES", 850, 21990, (330, 210, 120)),
    ("BAG", 540, 12990, (400, 300, 80)), ("HAT", 150, 4990, (280, 280, 130)),
)  # fmt: skip
_COLOURS = ("RED", "BLUE", "GREEN")
_WEIGHTS_G = (500, 1_000, 2_000, 5_000, 10_000, 30_000)
_DISTANCES_M = (100_000, 400_000, 1_000_000, 2_000_000, None)


@dataclass(frozen=True, slots=True)
class _Service:
    """What a service costs and how long it takes, and how much more in each further band."""

    carrier: str
    name: str
    handling_cents: int
    base_cents: int
    per_band_cents: int
    first_days: int
    days_per_band: int


_SERVICES = (
    _Service("correios", "PAC", 90, 1590, 340, 2, 2),
    _Service("correios", "SEDEX", 90, 2590, 710, 1, 1),
    _Service("jadlog", "Package", 60, 1790, 310, 2, 2),
    _Service("jadlog", "Expresso", 60, 2450, 690, 1, 1),
)

# Both of those who sell labels have something to do.
_SOLD_BY = {"correios": "easypost", "jadlog": "shippo"}


def sample_shop(orders: int, seed: int = 1, name: str = "sample") -> Shop:
    """The sample shop with `orders` orders to come, some of which wait for stock to arrive.

    `name` begins every order id, so that another run's orders are other orders.
    """
    random = Random(seed)  # noqa: S311  a script, not a secret
    skus = [
        {
            "sku": f"{name}-{colour}",
            "weight_g": weight_g,
            "price_cents": price_cents,
            "length_mm": sides_mm[0],
            "width_mm": sides_mm[1],
            "height_mm": sides_mm[2],
        }
        for name, weight_g, price_cents, sides_mm in _GOODS
        for colour in _COLOURS
    ]
    made = [_order(f"{name}-{number:06}", number, skus, random) for number in range(orders)]
    stock, later = _stock_for(made, random)
    return Shop(
        name=name,
        catalogue={
            "skus": [{key: sku[key] for key in sku if key != "price_cents"} for sku in skus],
            "warehouses": [_warehouse(row) for row in _WAREHOUSES],
            "rate_cards": [_rate_card(service) for service in _SERVICES],
            "carrier_accounts": [
                {"carrier": carrier, "vendor": vendor} for carrier, vendor in _SOLD_BY.items()
            ],
        },
        stock=stock,
        later=later,
        orders=made,
    )


def _order(order_id: str, number: int, skus: list[dict[str, Any]], random: Random) -> ShopOrder:
    city, state, postcode, lat, lon, _ = random.choices(
        _CITIES, weights=[city[5] for city in _CITIES]
    )[0]
    chosen = random.sample(skus, k=random.choices((1, 2, 3, 4), weights=(60, 25, 10, 5))[0])
    after = timedelta(seconds=number * SECONDS_BETWEEN_ORDERS)
    level = random.choices(("express", "standard", "economy"), weights=(15, 65, 20))[0]
    days = {"express": 2, "standard": 6, "economy": 12}[level]
    return ShopOrder(
        order_id=order_id,
        after=after,
        promised_after=after + timedelta(days=days),
        service_level=level,
        currency=CURRENCY,
        destination={
            "name": f"Customer {number}",
            "street": f"Rua da Amostra {number % 900 + 1}",
            "city": city,
            "state": state,
            "postcode": f"{postcode}{number % 1000:03}",
            "country": "BR",
            "lat": round(lat + random.uniform(-0.05, 0.05), 5),
            "lon": round(lon + random.uniform(-0.05, 0.05), 5),
        },
        lines=[
            {
                "line_no": line_no,
                "sku": sku["sku"],
                "quantity": random.choices((1, 2, 3), weights=(75, 18, 7))[0],
                "unit_price_cents": sku["price_cents"],
            }
            for line_no, sku in enumerate(chosen, start=1)
        ],
    )


def _stock_for(
    orders: list[ShopOrder], random: Random
) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, int]]]:
    """Spread what is wanted, and some more, over the warehouses; a part of it arrives later."""
    names = [row[0] for row in _WAREHOUSES]
    first: dict[str, dict[str, int]] = {name: {} for name in names}
    later: dict[str, dict[str, int]] = {name: {} for name in names}
    wanted: dict[str, int] = {}
    for order in orders:
        for line in order.lines:
            wanted[line["sku"]] = wanted.get(line["sku"], 0) + line["quantity"]
    for sku in sorted(wanted):
        short = random.random() < 0.2
        for name in names:
            share = max(1, round(wanted[sku] * random.uniform(0.15, 0.45)))
            first[name][sku] = share if not short else max(1, share // 2)
            if short:
                later[name][sku] = share
    return first, later


def _warehouse(row: tuple[str, str, str, str, float, float]) -> dict[str, Any]:
    name, city, state, postcode, lat, lon = row
    return {
        "warehouse": name,
        "address": {
            "name": f"Dispatch {name}",
            "street": "Rodovia da Amostra 1",
            "city": city,
            "state": state,
            "postcode": postcode,
            "country": "BR",
        },
        "lat": lat,
        "lon": lon,
        "time_zone": "America/Sao_Paulo",
        "cut_off": "18:00",
    }


def _rate_card(service: _Service) -> dict[str, Any]:
    return {
        "carrier": service.carrier,
        "service": service.name,
        "currency": CURRENCY,
        "handling_cents": service.handling_cents,
        "packaging_cents": 45,
        "zones": [
            {
                "zone": f"band-{band + 1}",
                "rules": [{"max_distance_m": distance_m}],
                "transit_days": service.first_days + band * service.days_per_band,
                "steps": [
                    {
                        "max_weight_g": weight_g,
                        "price_cents": service.base_cents
                        + band * service.per_band_cents
                        + step * (120 + band * service.per_band_cents // 2),
                    }
                    for step, weight_g in enumerate(_WEIGHTS_G)
                ],
            }
            for band, distance_m in enumerate(_DISTANCES_M)
        ],
    }
