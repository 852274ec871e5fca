"""Which revision of each function gets how much traffic.

A release deploys a revision of every function that nobody is sent to, under the tag `candidate`,
and tags what serves as `previous`. From there on it only moves percentages, so going back is as
quick as going on, and needs no build. Terraform leaves all of this alone.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.release.gcloud import Gcloud, as_json

CANDIDATE, PREVIOUS = "candidate", "previous"
AT_ONCE = 6  # changes of services side by side; Google allows some a second


class NothingToMove(Exception):
    """A function has no revision of this kind; the message names it."""


@dataclass(frozen=True, slots=True)
class Service:
    """One function as it is deployed: revisions by what they are for; None where there is none."""

    name: str
    serving: str  # the revision that gets most of the traffic
    candidate: str | None
    previous: str | None


def services_of(functions: Path) -> list[str]:
    """The service of each folder that holds a function.yaml."""
    found = functions.glob("*/function.yaml")
    return sorted(path.parent.name.replace("_", "-") for path in found)


class Traffic:
    """The services of one region."""

    def __init__(self, run: Gcloud, region: str, names: Sequence[str]) -> None:
        self._run = run
        self._where = f"--region={region}"
        self._names = names

    def services(self) -> list[Service]:
        """All services as they are now.

        Raises:
            NothingToMove: one of them is not there; Terraform makes it.
        """
        listed = as_json(self._run, "run", "services", "list", self._where)
        found = {one["metadata"]["name"]: one for one in listed}
        missing = sorted(set(self._names) - found.keys())
        if missing:
            raise NothingToMove(f"not deployed yet: {', '.join(missing)}")
        return [_service(found[name]) for name in self._names]

    def deploy(self, image: str) -> None:
        """A revision of this image for each function, which serves nobody."""

        def one(service: Service) -> None:
            self._change(
                "update", service.name, f"--image={image}", "--no-traffic", f"--tag={CANDIDATE}"
            )
            self._move(service.name, {service.serving: 100}, f"{PREVIOUS}={service.serving}")

        _for_all(one, self.services())

    def split(self, percent: int) -> list[Service]:
        """Send this share of the requests to the candidates, and the rest to what served before."""
        services = self.services()

        def one(service: Service) -> None:
            candidate = _needed(service, CANDIDATE, service.candidate)
            previous = _needed(service, PREVIOUS, service.previous)
            # Where nothing has changed, they are the same.
            self._move(service.name, {candidate: percent, previous: 100 - percent})

        _for_all(one, services)
        return services

    def promote(self) -> None:
        """Send everything to the candidates."""

        def one(service: Service) -> None:
            self._move(service.name, {_needed(service, CANDIDATE, service.candidate): 100})

        _for_all(one, self.services())

    def roll_back(self) -> None:
        """Send everything to what served before the last release."""

        def one(service: Service) -> None:
            self._move(service.name, {_needed(service, PREVIOUS, service.previous): 100})

        _for_all(one, self.services())

    def run_job(self, name: str, *words: str) -> None:
        """Run a job to its end.

        Raises:
            Refused: it failed.
        """
        self._run("run", "jobs", "execute", name, self._where, "--wait", *words)

    def give_jobs(self, image: str, names: Iterable[str]) -> None:
        """Let these jobs run from the image too."""
        for name in names:
            self._run("run", "jobs", "update", name, self._where, f"--image={image}")

    def _move(self, service: str, shares: dict[str, int], tag: str | None = None) -> None:
        if len(shares) == 1:
            shares = dict.fromkeys(shares, 100)
        to = ",".join(f"{revision}={share}" for revision, share in shares.items() if share)
        words = [f"--to-revisions={to}", *([f"--update-tags={tag}"] if tag else [])]
        self._change("update-traffic", service, *words)

    def _change(self, verb: str, service: str, *words: str) -> None:
        self._run("run", "services", verb, service, self._where, *words)


def _service(described: dict[str, Any]) -> Service:
    traffic = described["status"].get("traffic", [])
    tagged = {one["tag"]: one["revisionName"] for one in traffic if one.get("tag")}
    shares: dict[str, int] = {}
    for one in traffic:
        shares[one["revisionName"]] = shares.get(one["revisionName"], 0) + one.get("percent", 0)
    name = described["metadata"]["name"]
    if not shares:
        raise NothingToMove(f"{name} has no revision that serves")
    serving = max(shares, key=lambda revision: shares[revision])
    return Service(name, serving, tagged.get(CANDIDATE), tagged.get(PREVIOUS))


def _needed(service: Service, kind: str, revision: str | None) -> str:
    if revision is None:
        raise NothingToMove(f"{service.name} has no {kind} revision")
    return revision


def _for_all(change: Callable[[Service], None], services: Sequence[Service]) -> None:
    """Change every service, also when one fails; the first failure is raised at the end."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        changes = [pool.submit(change, service) for service in services]
    for one in changes:
        one.result()
