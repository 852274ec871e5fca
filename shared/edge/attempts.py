"""Why an attempt failed, kept for whoever gives up. None of it may change an answer."""

from shared.edge.services import Services
from shared.kit.errors import DispatchError, TooFast, Untried
from shared.platform import failed_attempts, log
from shared.platform.db import DatabaseUnavailable
from shared.platform.failed_attempts import failed


def note_failure(services: Services, source: str, message_id: str, error: Exception) -> int:
    """Keep why this attempt failed, and return how many have failed for a reason of their own.

    What fails because the database is away, was not tried at all or came too fast has only waited:
    after an outage everything still has all of its attempts.
    """
    if isinstance(error, DatabaseUnavailable):
        return 0  # there is nowhere to keep it, and finding out would hold the answer up
    if isinstance(error, Untried | TooFast):
        _forget(services, source, message_id)
        return 0
    try:
        return failed_attempts.note(services.database, source, message_id, failed(error))
    except DispatchError as lost:
        log.line("attempt.not_noted", "WARNING", code=lost.code)
        return 0


def forget_failures(services: Services, source: str, message_id: str, attempt: int) -> None:
    """The message is handled. A first attempt has nothing to forget."""
    if attempt > 1:
        _forget(services, source, message_id)


def _forget(services: Services, source: str, message_id: str) -> None:
    try:
        failed_attempts.forget(services.database, source, message_id)
    except DispatchError as lost:
        log.line("attempt.not_forgotten", "WARNING", code=lost.code)
