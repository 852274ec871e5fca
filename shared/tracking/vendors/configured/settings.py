"""A vendor as data: its signature, where its fields lie, and what its codes mean.

`DISPATCH_WEBHOOK_VENDORS` is a JSON object of these by name, as tests/tracking/lab/configured.json
shows one. A path is the names of a JSON object with dots between.
"""

from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from shared.contracts.base import Document
from shared.platform.config import Misconfigured
from shared.platform.signatures import Algorithm, Clockwork, Encoding, Hmac
from shared.tracking.statuses import Meaning, StatusTable
from shared.tracking.types import TrackingReason, TrackingStatus
from shared.tracking.vendors.configured.payloads import Fields, reader
from shared.tracking.vendors.vendor import Vendor

_Name = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]
_Header = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,100}$")]


class _Strict(Document):
    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True
    )


class _Signature(_Strict):
    header: _Header
    algorithm: Algorithm = "sha256"
    encoding: Encoding = "hex"
    prefix: str = ""
    timestamp_header: _Header | None = None  # then `{timestamp}.{body}` is what is signed
    timestamp_format: Clockwork = "unix"


class _Said(_Strict):
    status: TrackingStatus
    reason: TrackingReason | None = None


class _Configured(_Strict):
    signature: _Signature
    fields: Fields
    statuses: dict[str, _Said] = Field(min_length=1)
    details: dict[str, dict[str, _Said]] = Field(default_factory=dict)  # by status, then by detail
    plain_details: frozenset[str] = frozenset()


_VENDORS: TypeAdapter[dict[_Name, _Configured]] = TypeAdapter(dict[_Name, _Configured])


def configured(text: str, known: Mapping[str, Vendor]) -> dict[str, Vendor]:
    """All vendors: the `known` ones, and those that the JSON `text` describes.

    Raises:
        Misconfigured: names every field that is wrong, or a name that is taken.
    """
    try:
        described = _VENDORS.validate_json(text)
    except ValidationError as error:
        faults = (
            f"DISPATCH_WEBHOOK_VENDORS: {'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)
        )
        raise Misconfigured("; ".join(faults)) from None
    taken = sorted(described.keys() & known.keys())
    if taken:
        raise Misconfigured(f"DISPATCH_WEBHOOK_VENDORS: {taken[0]}: the name is taken")
    return {**known, **{name: _vendor(found) for name, found in described.items()}}


def _vendor(found: _Configured) -> Vendor:
    signature = found.signature
    statuses = StatusTable(
        {code: Meaning(said.status, said.reason) for code, said in found.statuses.items()},
        {
            (code, detail): Meaning(said.status, said.reason)
            for code, details in found.details.items()
            for detail, said in details.items()
        },
        found.plain_details,
    )
    scheme = Hmac(
        header=signature.header,
        algorithm=signature.algorithm,
        encoding=signature.encoding,
        prefix=signature.prefix,
        moment_header=signature.timestamp_header,
        moment_format=signature.timestamp_format,
    )
    return Vendor(scheme, statuses, reader(found.fields, statuses))
