"""Answers like gcloud, and keeps what it was told to change."""

import json
from typing import Any

from infra.release.gcloud import Refused

NAMES = ("order-api", "order-intake")


class Google:
    """Answers like gcloud for three services, and keeps who gets how much traffic."""

    def __init__(self, *names: str) -> None:
        self.shares: dict[str, dict[str, int]] = {name: {f"{name}-1": 100} for name in names}
        self.tags: dict[str, dict[str, str]] = {name: {} for name in names}
        self.jobs: list[tuple[str, ...]] = []
        self.fails: set[str] = set()
        self.images: dict[str, str] = {}  # by revision
        self.image_tags: dict[str, list[str]] = {}  # by digest

    def __call__(self, *words: str) -> str:
        match words:
            case ("run", "services", "list", "--region=r", "--format=json"):
                return json.dumps([self._described(name) for name in self.shares])
            case ("run", "services", "update", name, "--region=r", image, "--no-traffic", tag):
                self._refuse(name)
                assert image.startswith("--image=")
                self.tags[name][tag.removeprefix("--tag=")] = f"{name}-2"
                return ""
            case ("run", "services", "update-traffic", name, "--region=r", to, *tags):
                self._refuse(name)
                shares = to.removeprefix("--to-revisions=").split(",")
                self.shares[name] = {r: int(p) for r, _, p in (s.partition("=") for s in shares)}
                for tag in tags:
                    label, _, revision = tag.removeprefix("--update-tags=").partition("=")
                    self.tags[name][label] = revision
                assert sum(self.shares[name].values()) == 100
                return ""
            case ("run", "revisions", "describe", revision, "--region=r", "--format=json"):
                return json.dumps({"spec": {"containers": [{"image": self.images[revision]}]}})
            case ("artifacts", "docker", "tags", "list", _name, wanted, "--format=json"):
                digest = wanted.removeprefix("--filter=version~").removesuffix("$")
                return json.dumps([{"tag": f"p/tags/{tag}"} for tag in self.image_tags[digest]])
            case ("run", "jobs", *rest):
                self.jobs.append(tuple(rest))
                return ""
        raise AssertionError(words)

    def _refuse(self, name: str) -> None:
        if name in self.fails:
            raise Refused(f"{name} is away")

    def _described(self, name: str) -> dict[str, Any]:
        shares = [{"revisionName": r, "percent": p} for r, p in self.shares[name].items()]
        tags = [{"revisionName": r, "tag": t} for t, r in self.tags[name].items()]
        return {"metadata": {"name": name}, "status": {"traffic": shares + tags}}
