"""Terraform, where it is installed; without it these tests are skipped, and say so."""

import shutil
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from pathlib import Path

import pytest

from infra.policy.plan import Plan
from tests.infra import terraform
from tests.infra.terraform import Workspace

NEEDED = "Terraform 1.11 is not installed: infra/ is NOT checked here (the pipeline does)"

# Of each kind of function, and those that they cannot do without: enough to plan quickly.
FEW = (
    *(
        "carrier_polling",
        "dead_letter",
        "label_purchase",
        "order_api",
        "order_costing",
        "order_intake",
    ),
    *("ops", "ops_stream", "outbox_relay", "placement_worker", "stock_api", "tracking_webhook"),
    "webhook_delivery",
)

CHANNEL = "serviceAccount:channel@shop-prod.iam.gserviceaccount.com"
SHOP = "shop@shop-prod.iam.gserviceaccount.com"
REPOSITORY = "projects/p/locations/europe-west1/connections/c/repositories/dispatch"


Copy = Callable[[], Workspace]


@pytest.fixture(scope="session")
def provider() -> Iterator[str]:
    """How Terraform reaches the offline provider."""
    if terraform.TERRAFORM is None:
        pytest.skip(NEEDED)
    with terraform.provider() as found:
        yield found


@pytest.fixture(scope="session")
def workspace(provider: str, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """infra/ as it is; nobody may change it."""
    return terraform.copy(tmp_path_factory.mktemp("whole"), provider)


@pytest.fixture(scope="session")
def small(provider: str, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """infra/ with a few of the functions; nobody may change it, but each may copy it."""
    read = [f"functions/{name}/function.yaml" for name in FEW]
    return terraform.copy(
        tmp_path_factory.mktemp("few"), provider, (*read, "shared/contracts/pubsub/*.proto")
    )


@pytest.fixture
def fresh(small: Workspace, provider: str, tmp_path: Path) -> Copy:
    """Makes copies that may be spoilt."""
    numbers = count()

    def make() -> Workspace:
        folder = tmp_path / str(next(numbers))
        shutil.copytree(small.folder, folder, symlinks=True)
        return Workspace(folder, provider)

    return make


@pytest.fixture(scope="session")
def asked(small: Workspace) -> Plan:
    """What there would be with all that an environment may ask for beside the usual."""
    return small.planned(
        "dev",
        secrets={"DISPATCH_EASYPOST_API_KEY": 3},
        publishers={"orders": [CHANNEL]},
        api_callers=[SHOP],
        pipeline={"repository": REPOSITORY},
        telemetry="google",
    )


@pytest.fixture(scope="session")
def plans(workspace: Workspace) -> "Plans":
    """What each environment would have."""
    return Plans(workspace)


class Plans:
    """Plans by environment, each made once."""

    def __init__(self, workspace: Workspace) -> None:
        self.of = cache(workspace.planned)

    def __getitem__(self, settings: str) -> Plan:
        return self.of(settings)
