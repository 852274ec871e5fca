"""What the revisions answered, from Cloud Monitoring.

Source: https://cloud.google.com/monitoring/api/ref_v3/rest/v1/projects.location.prometheus.api.v1/query
"""

import json
import math
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

from infra.release.gcloud import Gcloud
from infra.release.judge import Measured

TIMEOUT_S = 30
_RUN = 'monitored_resource="cloud_run_revision"'
_BY = "sum by (service_name, revision_name)"

Query = Callable[[str], list[dict[str, Any]]]
Revision = tuple[str, str]  # service, revision


def monitoring(run: Gcloud, project: str) -> Query:
    """Asks the metrics of a project in PromQL."""
    base = f"https://monitoring.googleapis.com/v1/projects/{project}/location/global/prometheus"

    def query(promql: str) -> list[dict[str, Any]]:
        # The token is asked for each time: it lives shorter than a canary may.
        token = run("auth", "print-access-token").strip()
        words = urllib.parse.urlencode({"query": promql})
        request = urllib.request.Request(
            f"{base}/api/v1/query?{words}", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
            found: list[dict[str, Any]] = json.load(answer)["data"]["result"]
        return found

    return query


def measured(query: Query, window_s: int) -> Mapping[Revision, Measured]:
    """What each revision answered in the last `window_s` seconds; who answered none is not there.

    Both sides of a canary are measured over the same time, since load and carriers change.
    """
    window = f"[{window_s}s]"
    count = f"run_googleapis_com:request_count{{{_RUN}"
    requests = _values(query(f"{_BY} (increase({count}}}{window}))"))
    errors = _values(query(f'{_BY} (increase({count},response_code_class="5xx"}}{window}))'))
    latencies = f"run_googleapis_com:request_latencies_bucket{{{_RUN}}}{window}"
    p95s_ms = _values(
        query(
            "histogram_quantile(0.95,"
            f" sum by (service_name, revision_name, le) (rate({latencies})))"
        )
    )
    found = {}
    for revision, value in requests.items():
        # PromQL extrapolates, so counts are not whole.
        total = round(value)
        bad = min(round(errors.get(revision, 0)), total)
        p95_ms = p95s_ms.get(revision)
        is_number = p95_ms is not None and not math.isnan(p95_ms)  # where nothing was counted
        found[revision] = Measured(total, bad, p95_ms if is_number else None)
    return found


def _values(result: list[dict[str, Any]]) -> dict[Revision, float]:
    return {
        (one["metric"]["service_name"], one["metric"]["revision_name"]): float(one["value"][1])
        for one in result
    }
