"""The cases of all vendors that sell labels."""

from collections.abc import Mapping

from tests.carriers.lab.cases import easypost, shippo
from tests.carriers.lab.cases.case import Case

CASES: Mapping[str, Case] = {"easypost": easypost.CASE, "shippo": shippo.CASE}
