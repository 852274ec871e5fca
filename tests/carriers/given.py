"""Labels to ask for."""

from shared.carriers.types import Address, Dimensions, LabelRequest
from shared.kit.ids import new_id

WAREHOUSE = Address(
    name="Armazém Um",
    street1="Rua do Armazém 1",
    city="Ibitinga",
    state="SP",
    postcode="14940-000",
    country="BR",
)
CUSTOMER = Address(
    name="Ana Exemplo",
    street1="Avenida das Flores 22",
    city="Curitiba",
    state="PR",
    postcode="80010-000",
    country="BR",
)


def request(
    *,
    label_id: str | None = None,
    carrier: str = "correios",
    service: str | None = None,
    to_address: Address = CUSTOMER,
    weight_g: int = 1_200,
) -> LabelRequest:
    """A label for a parcel to Curitiba, with a fresh id unless one is given."""
    return LabelRequest(
        label_id=label_id or new_id("lab"),
        carrier=carrier,
        service=service,
        from_address=WAREHOUSE,
        to_address=to_address,
        weight_g=weight_g,
        reference="Pedido 4711",
        dimensions_mm=Dimensions(300, 200, 100),
    )
