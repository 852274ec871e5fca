"""What an environment needs before anybody can work in it: who lets others in, and a catalogue.

Both are for whoever may run the job, which is an owner of the project: nobody can sign in yet.
"""

from collections.abc import Callable
from pathlib import Path

from infra.release.first_password import NotKept
from shared.contracts.base import Cause
from shared.contracts.catalogue import Catalogue
from shared.flows.load_catalogue import load_catalogue
from shared.flows.manage_users import add_user
from shared.kit.errors import Rejected
from shared.kit.ids import new_id
from shared.people import proofs
from shared.people.types import Person, Role, User
from shared.platform.db import Database, Transaction

# What is told to whoever runs the job: to be set right by them.
REFUSALS = (Rejected, NotKept, OSError)

_PERSON = Person("job-begin", "by the job that begins an environment")


def let_in(
    database: Database, email: str, name: str, keep: Callable[[str], str] | None
) -> str | None:
    """Make an admin of all warehouses; returns where a password of theirs is kept.

    `keep` puts it there before anybody is let in by it, and is not asked for whom nobody lets in.
    It is good until they choose their own. Without `keep` there is none, and only the
    identity-aware proxy's word opens.

    Raises:
        UserExists, Malformed: as `add_user`.
        NotKept: as `keep`; nobody was let in.
    """
    password = proofs.new_password() if keep is not None else None

    def make(tx: Transaction) -> None:
        user = User(
            user_id="",
            email=email,
            name=name,
            role=Role.ADMIN,
            warehouses=None,
            language="en",
            has_second_factor=False,
            disabled_at=None,
            created_at=tx.now,
        )
        add_user(tx, _PERSON, user, password, is_temporary=password is not None)

    def rehearse(tx: Transaction) -> None:
        with tx.trial(tx.cause) as trial:
            make(trial)

    where = None
    if keep is not None and password is not None:
        database.run(rehearse, _cause())
        where = keep(password)
    database.run(make, _cause())
    return where


def load(database: Database, path: Path) -> None:
    """Load the catalogue that a file holds, all of it or nothing.

    Raises:
        Malformed: it is no catalogue; names the field.
        Rejected: as `load_catalogue`.
        OSError: the file cannot be read.
    """
    catalogue = Catalogue.decode(path.read_bytes())
    database.run(lambda tx: load_catalogue(tx, catalogue), _cause())


def _cause() -> Cause:
    event_id = new_id("release")
    return Cause(event_id, event_id)
