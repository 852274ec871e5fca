"""EasyPost: asked first by our own id, always."""

from shared.carriers.easypost import EasyPost
from shared.carriers.types import Carrier, Notes
from tests.carriers.lab.cases.case import Case
from tests.support.sellers import EASYPOST


def connect(*, api_key: str, api_base: str, notes: Notes, timeout_s: int) -> Carrier:
    return EasyPost(api_key=api_key, api_base=api_base, timeout_s=timeout_s)


CASE = Case(
    kind=EASYPOST,
    connect=connect,
    package="easypost",
    first_calls=("find", "create", "buy"),
    manifest_call="scan_form",
    manifests="scan_forms",
    wrong_postcode=("SHIPMENT.INVALID_PARAMS", "to_address.zip"),
    without_label="NOT_FOUND",
)
