"""What the alert rules and dashboards of a deployment look at."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

_DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = _DEPLOY / "prometheus" / "alerts.yaml"
DASHBOARDS = sorted((_DEPLOY / "grafana" / "dashboards").glob("*.json"))

_SELECTOR = re.compile(r"\b((?:aftersales|process)_\w+)(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)=~?"([^"]*)"')


@dataclass(frozen=True)
class Watched:
    """Selector in an expression: the name of its series, and the values that labels must have."""

    place: str
    metric: str
    labels: dict[str, str]


def watched() -> list[Watched]:
    """Return every selector of the services' metrics in rules and dashboards."""
    return [
        Watched(place, metric, dict(_MATCHER.findall(matchers)))
        for place, expression in (*_of_rules(), *of_dashboards())
        for metric, matchers in _SELECTOR.findall(expression)
    ]


def of_dashboards() -> Iterator[tuple[str, str]]:
    """Yield the expressions of all panels, each with its place."""
    for file in DASHBOARDS:
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{file.stem}: {panel['title']}", target["expr"]


def _of_rules() -> Iterator[tuple[str, str]]:
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            yield rule["alert"], rule["expr"]
