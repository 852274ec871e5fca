"""Check everything that must always be true, and say where it is not."""

from shared.ops.auditor import audit
from shared.platform import log
from shared.platform.db import Transaction


def audit_books(tx: Transaction) -> int:
    """Run the auditor and page somebody for each broken rule. Returns how many violations."""
    violations = audit(tx)
    for violation in violations:
        log.line(
            "invariant.broken",
            "CRITICAL",
            rule=violation.rule,
            subject=violation.subject,
            found=violation.found,
            expected=violation.expected,
        )
    return len(violations)
