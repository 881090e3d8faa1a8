"""``python -m deploy.clients``: write the typed clients; with ``--check``, only compare them."""

import sys
from collections.abc import Sequence
from pathlib import Path

from deploy import generated
from deploy.clients.choices import with_named_choices
from deploy.clients.models import contract_models, models
from deploy.clients.openapi import ROUTERS, describe
from deploy.clients.operations import operations


def main(arguments: Sequence[str]) -> int:
    """Generate all clients; the exit status is 1 when a committed one is out of date."""
    files: dict[Path, str] = {}
    for service in ROUTERS:
        found = describe(service)
        description = with_named_choices(found, contract_models(found))
        files |= models(description) | operations(description)
    if "--check" not in arguments:
        generated.write(files)
        return 0
    stale = generated.stale(files)
    for path in stale:
        print(f"{path} is out of date: run python -m deploy.clients", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
