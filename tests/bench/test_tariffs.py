"""`bench tariffs`: published tariffs become rows, and what the importer refuses is told."""

import gzip
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from emulators.bench import tariffs
from emulators.bench.tariffs import TARIFFS, by_band, by_path, told, written
from emulators.laptop.cli import UserMistake
from shared.costing.drafts import drafts_of
from shared.costing.rows import read_rows
from shared.kit.clock import utc_now

PATHS = """\
carrier,service,path,value
postnl,Pakket,pakket-2kg/length,1000
postnl,Pakket,pakket-2kg/weight,2000
postnl,Pakket,pakket-2kg/price/ZONE_NL,695
postnl,Pakket,pakket-2kg/price/ZONE_EU1,false
postnl,Pakket,pakket-10kg/length,1500
postnl,Pakket,pakket-10kg/weight,10000
postnl,Pakket,pakket-10kg/price/ZONE_NL,{dearer}
"""
BANDS = """\
service,channel,price_version,zone_or_format,max_weight_g,price_pence,block
FirstClass,online,2024,LETTER,100,165,bands
FirstClass,online,2024,MEDIUM_PARCEL,2000,569,bands
International,online,2024,PACKET/100,5,820,bands
International,online,2024,PACKET/250,5,985,bands
International,online,2024,PACKET/100,6,900,bands
"""


def data(folder: Path, dearer: int = 795) -> Path:
    for name, text in zip(TARIFFS, (PATHS.format(dearer=dearer), BANDS), strict=True):
        (folder / name).write_bytes(gzip.compress(text.encode()))
    return folder


def measured(folder: Path) -> dict[str, Any]:
    arguments = Namespace(data=folder, rounds=1)
    return tariffs.measure(arguments, lambda _text: None).as_json()


def lines(text: str) -> list[dict[str, str]]:
    header, *rows = text.splitlines()
    return [dict(zip(header.split(","), row.split(","), strict=True)) for row in rows]


def test_packs_are_prices_by_weight_and_the_longest_is_the_services_length() -> None:
    (service,) = by_path(lines(PATHS.format(dearer=795)))

    assert service.prices == {"ZONE_NL": {2_000: 695, 10_000: 795}}
    assert (service.carrier, service.name, service.max_length_mm) == ("postnl", "Pakket", 1_500)


def test_bands_are_prices_of_a_format_here_and_of_a_format_and_a_zone_abroad() -> None:
    home, abroad = by_band(lines(BANDS))

    assert home.prices == {"LETTER": {100: 165}, "MEDIUM_PARCEL": {2_000: 569}}
    assert abroad.prices == {"PACKET.5": {100: 820, 250: 985}, "PACKET.6": {100: 900}}


def test_what_can_be_read_is_counted_and_nothing_is_told_of_it(tmp_path: Path) -> None:
    found = measured(data(tmp_path))

    assert found["faults"] == []
    assert [figure["what"] for figure in found["figures"]] == [
        "postnl_colissimo_flat read",
        "royal_mail_bands read",
    ]
    assert found["machine"]["postnl_colissimo_flat_rows"] == 4
    assert found["machine"]["royal_mail_bands_services"] == 2


def test_a_row_that_is_refused_is_told(tmp_path: Path) -> None:
    refused, missing = measured(data(tmp_path, dearer=3_000_000_000))["faults"]

    assert "price_cents: '3000000000' is not a whole number" in refused
    assert missing == "postnl_colissimo_flat: Pakket ZONE_NL has other prices than the tariff"


def test_a_row_in_which_heavier_is_cheaper_is_counted_and_read_as_it_is(tmp_path: Path) -> None:
    found = measured(data(tmp_path, dearer=600))

    assert found["faults"] == []
    assert found["machine"]["postnl_colissimo_flat_rows_where_heavier_is_cheaper"] == 1
    assert found["machine"]["royal_mail_bands_rows_where_heavier_is_cheaper"] == 0


def test_a_price_that_was_read_as_another_is_told() -> None:
    services = by_band(lines(BANDS))
    body, _ = written(services)
    drafts = drafts_of(read_rows(body, is_json=False), utc_now())
    services[0].prices["LETTER"][100] = 166

    assert list(told("royal", body, drafts, services)) == [
        "royal: FirstClass.online.2024 LETTER has other prices than the tariff"
    ]


def test_a_folder_without_tariffs_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserMistake, match="cannot be read"):
        measured(tmp_path)
