"""What people are told about files of rate cards is right."""

import re
import textwrap
from datetime import UTC, datetime

from emulators.laptop.stack import ROOT
from shared.costing.drafts import drafts_of
from shared.costing.rows import COLUMNS, read_rows

TEXT = (ROOT / "shared/costing/README.md").read_text()


def test_its_example_is_a_rate_card() -> None:
    (example,) = re.findall(r"^(    row,carrier.*?)\n\n", TEXT, re.DOTALL | re.MULTILINE)
    found = read_rows(textwrap.dedent(example).encode(), is_json=False)

    drafts, wrong, odd = drafts_of(found, datetime(2027, 1, 1, tzinfo=UTC))

    assert (found.wrong, wrong, odd) == ([], [], [])
    assert [(draft.carrier, draft.service) for draft in drafts] == [("jadlog", "Expresso")]
    assert {zone.zone for zone in drafts[0].zones} == {"home", "islands"}


def test_every_column_is_told_and_no_other() -> None:
    rows = re.findall(r"^\| `(card|zone|price)` \| (.+) \|$", TEXT, re.MULTILINE)
    told = {kind: set(re.findall(r"`([a-z_]{4,})`", columns)) for kind, columns in rows}

    assert told == {kind: set(names) - {"carrier", "service"} for kind, names in COLUMNS.items()}
