"""Cloud Scheduler -> work that no event starts, one job a path."""

import functions_framework
from flask import Request, Response

from shared.edge import jobs, schedule
from shared.wiring import hot_skus, longest_wait_s, services, updates_kept


@functions_framework.http
def housekeeping(request: Request) -> Response:
    """Run the job of this path."""
    return schedule.run_job(
        request, services(), jobs.all_of(longest_wait_s, hot_skus, updates_kept)
    )
