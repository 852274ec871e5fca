"""What Terraform plans, as `terraform show -json` tells it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Resource:
    """A planned resource. What is only known after the change is not among its `values`."""

    address: str
    kind: str
    values: Mapping[str, Any]
    unknown: Mapping[str, Any]


class Plan:
    """What would be there after the change."""

    def __init__(self, plan: Mapping[str, Any]) -> None:
        self.resources = [
            Resource(
                change["address"],
                change["type"],
                change["change"]["after"],
                change["change"]["after_unknown"],
            )
            for change in plan["resource_changes"]
            if change["mode"] == "managed"
        ]
        self.outputs = {
            name: change.get("after") for name, change in plan["output_changes"].items()
        }

    def of(self, kind: str) -> list[Resource]:
        """All resources of a kind, such as `google_pubsub_topic`."""
        return [one for one in self.resources if one.kind == kind]

    def by_name(self, kind: str) -> dict[str, Mapping[str, Any]]:
        """The values of all resources of a kind by their name."""
        return {one.values["name"]: one.values for one in self.of(kind)}
