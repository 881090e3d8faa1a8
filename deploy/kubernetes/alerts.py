"""Alerts and who is told of them, as resources of the Prometheus operator."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from deploy.generated import REPOSITORY

_NAMESPACE = "aftersales"
_WEBHOOK: Mapping[str, str] = {"name": "alerts", "key": "webhook_url"}
_MATCHER = re.compile(r'(?P<name>\w+)(?P<matchType>=~|!~|!=|=)"(?P<value>.*)"')


def alerts() -> Iterator[Mapping[str, Any]]:
    """Yield the rules of ``deploy/prometheus``, and the receivers of compose's Alertmanager.

    Each rule names the namespace: the operator lets an AlertmanagerConfig see the alerts of its own
    one only.
    """
    rules = yaml.safe_load((REPOSITORY / "deploy/prometheus/alerts.yaml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            rule["labels"]["namespace"] = _NAMESPACE
    yield {**_resource("monitoring.coreos.com/v1", "PrometheusRule"), "spec": rules}
    compose = yaml.safe_load((REPOSITORY / "deploy/compose/compose.yaml").read_text())
    told = yaml.safe_load(compose["configs"]["alertmanager"]["content"])
    yield {
        **_resource("monitoring.coreos.com/v1alpha1", "AlertmanagerConfig"),
        "spec": {
            "route": _route(told["route"]),
            "inhibitRules": [_inhibition(each) for each in told["inhibit_rules"]],
            "receivers": [_receiver(each) for each in told["receivers"]],
        },
    }


def _resource(version: str, kind: str) -> dict[str, Any]:
    metadata = {"name": "aftersales", "labels": {"aftersales/stage": "foundation"}}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _route(route: Mapping[str, Any]) -> dict[str, Any]:
    named = {_camel(key): value for key, value in route.items()}
    if "matchers" in route:
        named["matchers"] = _matchers(route["matchers"])
    if "routes" in route:
        named["routes"] = [_route(each) for each in route["routes"]]
    return named


def _inhibition(rule: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "sourceMatch": _matchers(rule["source_matchers"]),
        "targetMatch": _matchers(rule["target_matchers"]),
        "equal": rule["equal"],
    }


def _receiver(receiver: Mapping[str, Any]) -> dict[str, Any]:
    webhooks = [
        {"urlSecret": dict(_WEBHOOK), "sendResolved": each["send_resolved"]}
        for each in receiver["webhook_configs"]
    ]
    return {"name": receiver["name"], "webhookConfigs": webhooks}


def _matchers(texts: Sequence[str]) -> list[dict[str, str]]:
    return [_matcher(each) for each in texts]


def _matcher(text: str) -> dict[str, str]:
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise ValueError(f"compose.yaml: {text} is no matcher of Alertmanager")
    named = found.groupdict()
    # A matcher without a type asks for equality; some readers of YAML do not take "=" for text.
    return {key: value for key, value in named.items() if value != "="}


def _camel(key: str) -> str:
    first, *others = key.split("_")
    return first + "".join(map(str.title, others))
