"""The back-off that Cloud Tasks and Cloud Scheduler share."""


def delay_s(failures: int, minimum_s: float, maximum_s: float, max_doublings: int) -> float:
    """The pause after the given number of failures, at least 1.

    Doubles `max_doublings` times, then grows by 2^max_doublings times the minimum, up to the
    maximum: with 10 s, 300 s and 3 doublings 10, 20, 40, 80, 160, 240, 300, 300, …

    Source: RetryConfig.max_doublings in the reference of Cloud Tasks.
    """
    doublings = min(failures - 1, max_doublings)
    linear_steps = max(1, failures - max_doublings)
    return min(maximum_s, minimum_s * float(2**doublings) * linear_steps)
