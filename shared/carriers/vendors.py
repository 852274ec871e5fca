"""Who sells labels: a folder beside this file each, named as here."""

from collections.abc import Callable, Iterator, Mapping

from shared.carriers.types import Carrier, UnknownVendor

VENDORS = ("easypost", "shippo")


class Sellers(Mapping[str, Carrier]):
    """Vendors by name, each made when it is first needed: most processes need one of them."""

    def __init__(self, makers: Mapping[str, Callable[[], Carrier]]) -> None:
        """Args: makers: what makes a vendor; it may say that a setting is missing."""
        self._makers = makers
        self._made: dict[str, Carrier] = {}

    def __getitem__(self, vendor: str) -> Carrier:
        """The vendor.

        Raises:
            UnknownVendor: there is none of that name, or not any more.
        """
        if vendor not in self._makers:
            raise UnknownVendor(f"nobody sells labels as {vendor!r}", vendor=vendor)
        if vendor not in self._made:
            self._made[vendor] = self._makers[vendor]()
        return self._made[vendor]

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)
