"""How vendors are asked: words that all of them share."""

from shared.carriers.types import Address


def address_fields(address: Address) -> dict[str, str]:
    """The address in the fields that EasyPost's and Shippo's APIs both have for it."""
    return {
        "name": address.name,
        "street1": address.street1,
        "street2": address.street2,
        "city": address.city,
        "state": address.state,
        "zip": address.postcode,
        "country": address.country,
        "phone": address.phone,
        "email": address.email,
    }
