"""All vendors that can be, and their cases."""

from collections.abc import Mapping
from pathlib import Path

from shared.tracking.vendors.configured import configured
from shared.tracking.vendors.table import VENDORS
from shared.tracking.vendors.vendor import Vendor
from tests.tracking.lab.cases import (
    aftership,
    described,
    easypost,
    seventeen_track,
    shipengine,
    shippo,
)
from tests.tracking.lab.cases.case import Case

SETTING = (Path(__file__).parents[1] / "configured.json").read_text()
ALL_VENDORS: Mapping[str, Vendor] = configured(SETTING, VENDORS)

CASES: Mapping[str, Case] = {
    "easypost": easypost.CASE,
    "shippo": shippo.CASE,
    "aftership": aftership.CASE,
    "17track": seventeen_track.CASE,
    "shipengine": shipengine.CASE,
    "loggi": described.CASE,
}
