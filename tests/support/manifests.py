"""Manifests of Kubernetes as ``kubectl`` renders them, and what their network policies allow."""

import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
KUBECTL = ROOT / ".tools" / "kubectl"

Resource = Mapping[str, Any]
Labels = Mapping[str, str]


@dataclass(frozen=True)
class Manifests:
    """Resources of one deployment."""

    resources: Sequence[Resource]

    @classmethod
    def rendered(cls, folder: Path) -> "Manifests":
        text = subprocess.run(
            [KUBECTL, "kustomize", folder], check=True, capture_output=True, text=True
        ).stdout
        return cls(list(yaml.safe_load_all(text)))

    def of(self, *kinds: str) -> list[Resource]:
        return [each for each in self.resources if each["kind"] in kinds]

    def named(self, kind: str, name: str) -> Resource:
        [found] = [each for each in self.of(kind) if each["metadata"]["name"] == name]
        return found

    @cached_property
    def pods(self) -> dict[str, Resource]:
        """Templates of the pods, by the name of their Deployment or Job."""
        return {
            each["metadata"]["name"]: each["spec"]["template"]
            for each in self.of("Deployment", "Job")
        }

    def labels(self, pod: str) -> Labels:
        found: Labels = self.pods[pod]["metadata"]["labels"]
        return found

    def connects(self, source: Labels, target: Labels, port: int) -> bool:
        """Return whether policies let a pod reach another one of the same namespace."""
        return self._allows("Egress", source, target, port) and self._allows(
            "Ingress", target, source, port
        )

    def leads_out(self, pod: Labels, port: int) -> bool:
        """Return whether policies let a pod reach any address at a port."""
        rules = self._rules("Egress", pod)
        return rules is None or any(_names_port(each, port) and "to" not in each for each in rules)

    def is_open(self, pod: Labels, port: int) -> bool:
        """Return whether policies let any address reach a pod at a port."""
        rules = self._rules("Ingress", pod)
        return rules is None or any(
            _names_port(each, port) and "from" not in each for each in rules
        )

    def _allows(self, direction: str, pod: Labels, peer: Labels, port: int) -> bool:
        rules = self._rules(direction, pod)
        return rules is None or any(
            _names_port(rule, port) and _names_peer(rule, peer) for rule in rules
        )

    def _rules(self, direction: str, pod: Labels) -> list[Resource] | None:
        """Return the rules of the policies for a pod, or None where there are no policies."""
        policies = [
            policy["spec"]
            for policy in self.of("NetworkPolicy")
            if direction in policy["spec"]["policyTypes"]
            and _selects(policy["spec"]["podSelector"], pod)
        ]
        if not policies:
            return None
        return [rule for spec in policies for rule in spec.get(direction.lower(), ())]


def containers(pod: Resource) -> Iterator[Resource]:
    """Yield the containers of a pod's template, those before the start included."""
    yield from pod["spec"].get("initContainers", ())
    yield from pod["spec"]["containers"]


def _names_port(rule: Resource, port: int) -> bool:
    ports = [each["port"] for each in rule.get("ports", ()) if each.get("protocol") != "UDP"]
    return not ports or port in ports


def _names_peer(rule: Resource, peer: Labels) -> bool:
    peers = [*rule.get("from", ()), *rule.get("to", ())]
    # A rule without peers leads outside too; whether it leads inside, the port decides.
    return not peers or any(
        "namespaceSelector" not in each and _selects(each["podSelector"], peer) for each in peers
    )


def _selects(selector: Resource, labels: Labels) -> bool:
    return all(
        labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()
    ) and all(_holds(each, labels) for each in selector.get("matchExpressions", ()))


def _holds(expression: Resource, labels: Labels) -> bool:
    if expression["operator"] == "Exists":
        return expression["key"] in labels
    assert expression["operator"] in ("In", "NotIn")
    is_out = labels.get(expression["key"]) not in expression["values"]
    return is_out is (expression["operator"] == "NotIn")
