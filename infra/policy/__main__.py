"""`python3 -m infra.policy PLAN`: hold a plan that Terraform has made against the rules.

It runs in the folder of the plan, and needs Terraform and nothing else beside Python.
"""

import json
import subprocess
import sys
from collections.abc import Sequence

from infra.policy.plan import Plan
from infra.policy.rules import broken


def main(words: Sequence[str]) -> int:
    """Print every rule that is broken; exit code 0 where none is."""
    if len(words) != 1:
        sys.stderr.write("Name one plan, as `terraform plan -out` has written it.\n")
        return 2
    shown = subprocess.run(
        ["terraform", "show", "-json", words[0]], capture_output=True, text=True, check=False
    )
    if shown.returncode != 0:
        sys.stderr.write(shown.stderr)
        return 2
    complaints = broken(Plan(json.loads(shown.stdout)))
    sys.stdout.writelines(f"{complaint}\n" for complaint in complaints)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
