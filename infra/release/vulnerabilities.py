"""What a scan of the image found, and whether it may go on."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

BLOCKING = ("CRITICAL", "HIGH")


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """One finding: what it is called, how bad, in which package, and what repairs it."""

    name: str
    severity: str
    package: str
    fixed_in: str  # empty: nobody has repaired it yet

    def __str__(self) -> str:
        return f"{self.severity} {self.name} in {self.package}, fixed in {self.fixed_in}"


def blocking(scan: str) -> list[Vulnerability]:
    """The bad ones that a newer version repairs; with the others a release would wait for ever.

    Args:
        scan: what `gcloud artifacts docker images list-vulnerabilities --format=json` printed.
    """
    return [
        found for found in _read(json.loads(scan)) if found.severity in BLOCKING and found.fixed_in
    ]


def _read(occurrences: list[dict[str, Any]]) -> Iterator[Vulnerability]:
    for occurrence in occurrences:
        found = occurrence.get("vulnerability", {})
        for issue in found.get("packageIssue", [{}]):
            version = issue.get("fixedVersion", {})
            yield Vulnerability(
                name=found.get("shortDescription") or occurrence.get("noteName", "unnamed"),
                severity=found.get("effectiveSeverity", "SEVERITY_UNSPECIFIED"),
                package=issue.get("affectedPackage", "an unnamed package"),
                fixed_in="" if version.get("kind") == "MAXIMUM" else version.get("fullName", ""),
            )
