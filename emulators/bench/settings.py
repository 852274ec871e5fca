"""Settings for processes that are measured: production's, on a private database."""

from shared.platform.config import Config

LONGEST_STATEMENT_MS = 60_000


def settings(url: str, statement_timeout_ms: int | None = None) -> Config:
    """Settings for a process that talks to the database at `url`."""
    longer = {} if statement_timeout_ms is None else {"statement_timeout_ms": statement_timeout_ms}
    return Config.model_validate(
        {
            "env": "local",
            "project": "dispatch-bench",
            "location": "europe-west1",
            "database_url": url,
            "pool_size": 2,  # opened when needed: a migration holds two, a worker one
            "oidc_audience": "https://bench.invalid",
            "oidc_caller": "bench@dispatch-bench.iam.gserviceaccount.com",
            **longer,
        }
    )
