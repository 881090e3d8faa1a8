"""``python -m deploy.docs``: write the generated documents; with ``--check``, only compare them."""

import sys
from collections.abc import Sequence
from pathlib import Path

from deploy import generated
from deploy.docs.asyncapi import asyncapi
from deploy.docs.catalog import catalog
from deploy.docs.compatibility import Contracts, breaking_changes, last_tag, tagged_contracts
from deploy.docs.descriptions import IncompleteContractError
from deploy.docs.events import events_page
from deploy.docs.golden import golden_records
from deploy.docs.requirements import find_requirements, requirements_page
from deploy.docs.schemas import schema, schemas
from deploy.docs.settings import settings_page
from deploy.docs.streams import streams
from deploy.generated import REPOSITORY
from shared.contracts import CONTRACTS


def main(arguments: Sequence[str]) -> int:
    """Generate all documents, and return the exit status.

    It is 1 when a document is out of date, a change breaks readers, a name does not exist, or a
    contract is incomplete.
    """
    try:
        return _generate(check="--check" in arguments)
    except IncompleteContractError as error:
        print(error, file=sys.stderr)
        return 1


def _generate(*, check: bool) -> int:
    found = find_requirements(REPOSITORY)
    declared = streams(REPOSITORY / "deploy/topics.yaml")
    documents = {
        **schemas(),
        **asyncapi(declared),
        **catalog(declared),
        **events_page(declared),
        **requirements_page(found),
        **settings_page(),
    }
    faults = [*broken_since_last_tag(REPOSITORY), *found.dead]
    if check:
        faults += [
            f"{path} is out of date: run python -m deploy.docs"
            for path in generated.stale(documents)
        ]
    elif not faults:
        generated.write(documents)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def broken_since_last_tag(repository: Path) -> list[str]:
    """Return the changes that break readers of the last tag's contracts.

    Contracts freeze with the first tag: without one nothing is compared, which is said.
    """
    tag = last_tag(repository)
    if tag is None:
        print("There is no tag yet: the contracts are compared with nothing.", file=sys.stderr)
        return []
    now = Contracts({kind: schema(kind) for kind in CONTRACTS}, golden_records())
    return list(breaking_changes(tagged_contracts(repository, tag), now))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
