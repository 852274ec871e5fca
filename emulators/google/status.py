"""google.rpc.Code for the HTTP status of an attempt, as Cloud Tasks and Cloud Scheduler show it."""

# What is not listed is UNKNOWN.
_CODES = {
    400: 3,
    401: 16,
    403: 7,
    404: 5,
    409: 10,
    429: 8,
    499: 1,
    500: 13,
    501: 12,
    503: 14,
    504: 4,
}
_UNKNOWN = 2


def code_of(status: int) -> int:
    """0, which is OK, for every 2xx."""
    return 0 if 200 <= status < 300 else _CODES.get(status, _UNKNOWN)
