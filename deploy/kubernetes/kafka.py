"""Topics and users of Kafka, as resources of the operator Strimzi."""

from collections.abc import Iterator, Mapping
from typing import Any

from deploy.access import declared_rights
from deploy.embedded.secrets import PRINCIPALS
from deploy.embedded.settings import EmbeddedSettings
from deploy.embedded.topics import declared_topics

CLUSTER = "aftersales"
ADMINISTRATOR = "admin"
PASSWORDS = "kafka-passwords"

_REPLICATION = 3
_MIN_IN_SYNC = 2
_OPERATIONS = {
    ("topic", "writes"): ["Write", "Describe"],
    ("topic", "reads"): ["Read", "Describe"],
    ("topic", "makes"): ["Create", "Delete", "Describe"],
    ("group", "joins"): ["Read"],
    ("group", "watches"): ["Describe"],
    ("group", "ends"): ["Delete"],
    ("cluster", "governs"): ["Alter", "Describe"],
}


def topics() -> Iterator[Mapping[str, Any]]:
    """Yield a KafkaTopic for each topic that ``deploy/topics.yaml`` declares."""
    for topic in declared_topics(EmbeddedSettings().topics_file, _REPLICATION):
        config = {**topic.topic_configs, "min.insync.replicas": _MIN_IN_SYNC}
        yield {
            **_resource("KafkaTopic", topic.name),
            "spec": {
                "partitions": topic.num_partitions,
                "replicas": topic.replication_factor,
                "config": config,
            },
        }


def users() -> Iterator[Mapping[str, Any]]:
    """Yield a KafkaUser for each principal, with the rights that ``deploy/acls.yaml`` declares."""
    declared = EmbeddedSettings()
    names = [topic.name for topic in declared_topics(declared.topics_file, _REPLICATION)]
    for rights in declared_rights(declared.acls_file, names, PRINCIPALS):
        acls = [
            {"resource": _pattern(kind, name), "operations": operations}
            for (kind, right), operations in _OPERATIONS.items()
            for name in getattr(rights, right)
        ]
        yield _user(rights.principal, {"authorization": {"type": "simple", "acls": acls}})
    yield _user(ADMINISTRATOR, {})


def _user(name: str, rights: Mapping[str, Any]) -> Mapping[str, Any]:
    password = {"valueFrom": {"secretKeyRef": {"name": PASSWORDS, "key": name}}}
    return {
        **_resource("KafkaUser", name),
        "spec": {"authentication": {"type": "scram-sha-512", "password": password}, **rights},
    }


def _pattern(kind: str, name: str) -> Mapping[str, str]:
    if kind == "cluster":
        return {"type": kind}
    pattern = "prefix" if name.endswith("*") else "literal"
    return {"type": kind, "name": name.removesuffix("*"), "patternType": pattern}


def _resource(kind: str, name: str) -> dict[str, Any]:
    return {
        "apiVersion": "kafka.strimzi.io/v1",
        "kind": kind,
        "metadata": {
            "name": name,
            "labels": {"strimzi.io/cluster": CLUSTER, "aftersales/stage": "foundation"},
        },
    }
