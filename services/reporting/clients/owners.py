"""Owners of corrective actions, read from the group folder."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from services.reporting.domain.corrective_action import Rule
from shared.contracts.reporting import CorrectiveActionSource
from shared.group import load_stores, read_yaml


@dataclass(frozen=True)
class Owners:
    """Rules, and the staff of each store by role."""

    rules: Sequence[Rule]
    staff: Mapping[tuple[str, str], Sequence[str]]


def load_owners(folder: Path) -> Owners:
    """Read rules and staff once, when the service starts.

    Raises:
        ValueError: a source has no rule, or a store has no staff of a role that a rule names.
    """
    rules = [
        Rule(entry["source"], entry.get("finding"), entry["role"], entry["days"])
        for entry in read_yaml(folder, "corrective_actions.yaml")["rules"]
    ]
    if unruled := set(get_args(CorrectiveActionSource)) - {rule.source for rule in rules}:
        raise ValueError(f"corrective_actions.yaml has no rule for {', '.join(sorted(unruled))}")
    everybody = read_yaml(folder, "staff.yaml")["staff"]
    staff = {
        (store_id, rule.role): [
            person["id"]
            for person in everybody
            if rule.role in person["roles"] and store_id in person["stores"]
        ]
        for store_id in load_stores(folder)
        for rule in rules
    }
    if missing := [f"{role} in {store_id}" for (store_id, role), ids in staff.items() if not ids]:
        raise ValueError(f"staff.yaml names no {', '.join(missing)}")
    return Owners(rules, staff)
