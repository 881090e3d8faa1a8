"""Manifests of Kubernetes, rendered for each size and checked without a cluster.

Core kinds and the resources of CloudNativePG, its backup plugin, KEDA and the Prometheus operator
are checked against their schemas, without unknown fields. Strimzi publishes its schemas in no
package: of its resources the tests check what they say about topics, users and rights.
"""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from deploy import generated
from deploy.access import CLUSTER, Rights, declared_rights
from deploy.cli import app
from deploy.docs.settings import OF_LIBRARIES
from deploy.embedded.secrets import PRINCIPALS, SERVICES
from deploy.embedded.settings import EmbeddedSettings
from deploy.embedded.topics import declared_topics
from deploy.kubernetes.__main__ import manifests as generated_manifests
from shared.settings import DESK, FORWARDER, PREFIX, SUBSCRIBERS, Settings, lacking
from tests.support.deployed_settings import GATEWAYS, settings_of, users_of
from tests.support.manifests import KUBECTL, ROOT, Manifests, Resource, containers

KUBERNETES = ROOT / "deploy" / "kubernetes"
SCHEMAS = ROOT / ".tools" / "schemas"
DIGEST = f"sha256:{'0' * 64}"
SIZES = ("one-store", "stores-200", "stores-7000")
KAFKA = {"strimzi.io/cluster": "aftersales"}
DATABASE = {"cnpg.io/cluster": "postgres"}
WORKER_CONNECTIONS = 4
"""Of each instance: three for its timers and records, one for its relay."""

_REFERENCES = {
    "accessKeyId",
    "secretAccessKey",
    "secretKeyRef",
    "superuserSecret",
    "urlSecret",
}
"""Fields that name a Secret."""

Made = dict[str, dict[str, str]]

PROCESSES = (*SERVICES, "forwarder", SUBSCRIBERS, "desk")


@pytest.fixture(scope="module")
def group(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the manifests with a group's own folder for each size, images pinned.

    In all of them other companies' systems reach Kafka, and a further port is open to the outside.
    """
    documented = (ROOT / "docs/deployment.md").read_text()
    remove_marks = re.findall(
        r"^sed -i '(s/#\w+ //)' |`sed -i '(s/#\w+ //)' ", documented, re.MULTILINE
    )
    expressions = [f"--expression={first or second}" for first, second in remove_marks]
    assert len(expressions) == 2
    copy = tmp_path_factory.mktemp("group") / "kubernetes"
    shutil.copytree(KUBERNETES, copy)
    for size in SIZES:
        shutil.copytree(copy / "example", copy / size)
        file = copy / size / "kustomization.yaml"
        comments = [line for line in file.read_text().splitlines() if line[0] == "#"]
        subprocess.run(["sed", "-i", *expressions, file], check=True)
        opened = file.read_text()
        assert [line for line in opened.splitlines() if line[0] == "#"] == comments
        sized = opened.replace("../sizes/stores-200", f"../sizes/{size}")
        file.write_text(sized.replace("sha256:…", DIGEST))
    return copy


@pytest.fixture(scope="module")
def made(group: Path) -> Made:
    """Return the contents by key of the Secrets that a group makes, by their names."""
    folder = group / "secrets"
    host = ["--database-host", "postgres-rw"]
    result = CliRunner().invoke(app, ["new-secrets", str(folder), *host])
    assert result.exit_code == 0, result.output
    printed = subprocess.run(
        [group / "create-secrets", folder],
        env={"PATH": f"{KUBECTL.parent}:/usr/bin:/bin"},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    documents = [each for each in yaml.safe_load_all(printed) if each]
    return {
        each["metadata"]["name"]: {
            key: base64.b64decode(content).decode() for key, content in each["data"].items()
        }
        for each in documents
    }


@pytest.fixture(scope="module", params=SIZES)
def rendered(group: Path, request: pytest.FixtureRequest) -> Manifests:
    return Manifests.rendered(group / request.param)


def test_generated_manifests_are_committed() -> None:
    assert generated.stale(generated_manifests()) == []


def test_resources_follow_their_schemas(group: Path) -> None:
    own = dict(map(_schema, SCHEMAS.glob("*.yaml")))
    different = {
        json.dumps(resource): resource
        for size in SIZES
        for resource in Manifests.rendered(group / size).resources
    }
    for resource in different.values():
        kind = (resource["apiVersion"], resource["kind"])
        if kind in own:
            Draft202012Validator(own[kind]).validate(resource)
        elif not resource["apiVersion"].startswith("kafka.strimzi.io/"):
            kubernetes_validate.validate(resource, "1.37", strict=True)
    assert own.keys() <= {(each["apiVersion"], each["kind"]) for each in different.values()}


def test_pods_are_restricted(rendered: Manifests) -> None:
    for name, pod in rendered.pods.items():
        spec = pod["spec"]
        assert spec["automountServiceAccountToken"] is False, name
        assert spec["enableServiceLinks"] is False, "variables of Services look like settings"
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] == 10001, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert {kind for volume in spec["volumes"] for kind in volume} == {
            "name",
            "emptyDir",
            "projected",
        }, name
        for container in containers(pod):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert container["image"] == f"registry.example.com/aftersales@{DIGEST}", name
            assert container["resources"]["limits"]["memory"], name
            assert "cpu" not in container["resources"]["limits"], name


def test_every_process_is_probed_scaled_and_drained(rendered: Manifests) -> None:
    for name in PROCESSES:
        [container] = rendered.named("Deployment", name)["spec"]["template"]["spec"]["containers"]
        assert container["args"] == ["run", name]
        assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"
        assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
        budget = rendered.named("PodDisruptionBudget", name)["spec"]
        assert budget["selector"]["matchLabels"].items() <= rendered.labels(name).items()
        if name == SUBSCRIBERS:
            strategy = rendered.named("Deployment", name)["spec"]["strategy"]
            assert strategy == {"type": "Recreate"}, "two would change subscribers at once"
            continue
        scaling = rendered.named("ScaledObject", name)["spec"]
        assert scaling["scaleTargetRef"]["name"] == name
        if name in SERVICES:
            assert scaling["maxReplicaCount"] <= 12, "more instances than partitions idle"
            query = scaling["triggers"][0]["metadata"]["query"]
            assert query == f'sum(aftersales_backlog{{service="{name}",what="lag"}})'


def test_connections_of_all_instances_fit_database(rendered: Manifests) -> None:
    each_process = Settings().database_pool_size + WORKER_CONNECTIONS
    instances = sum(  # one more while a version replaces another
        rendered.named("ScaledObject", name)["spec"]["maxReplicaCount"] + 1 for name in SERVICES
    )
    allowed = sum(
        int(each["spec"]["postgresql"]["parameters"]["max_connections"])
        for each in rendered.of("Cluster")
    )
    assert instances * each_process < allowed


def test_settings_are_complete_and_known(rendered: Manifests) -> None:
    for name in PROCESSES:
        given = _given(rendered, "Deployment", name)
        settings = settings_of(given)
        assert {each for each in given if not each.startswith(PREFIX)} <= OF_LIBRARIES.keys()
        if name in (*SERVICES, DESK, SUBSCRIBERS):
            assert lacking(settings, name) == []
            assert "public_url" in settings.model_fields_set, "it stands in what others are told"
    settings = settings_of(_given(rendered, "Job", "administration"))
    assert (settings.client_id, settings.management_url) == (
        "administration",
        "http://management:8080",
    )
    assert settings.token_url
    settings = settings_of(_given(rendered, "Job", "inspection"))
    assert lacking(settings, FORWARDER) == []
    assert all(getattr(settings, f"{service}_admin_database_url") for service in SERVICES)


def test_secrets_that_pods_mount_exist(rendered: Manifests, made: Made) -> None:
    by_operators = {"aftersales-cluster-ca-cert"} | {
        f"{each['metadata']['name']}-ca" for each in rendered.of("Cluster")
    }
    for name, pod in rendered.pods.items():
        for volume in pod["spec"]["volumes"]:
            for source in volume.get("projected", {}).get("sources", ()):
                assert source["secret"]["name"] in made.keys() | by_operators, name
        for container in containers(pod):
            [own] = [each["name"] for each in container["volumeMounts"] if each["name"] != "tmp"]
            files = _files(pod, own, made)
            named = [
                value
                for value in (*container["args"], *(each["value"] for each in container["env"]))
                if value.startswith("/run/secrets/")
            ]
            authorities = {
                each
                for content in _contents(pod, own, made).values()
                for each in re.findall(r"sslrootcert=/run/secrets/([\w.-]+)", content)
            }
            assert {Path(each).name for each in named} | authorities <= files, name
    passwords = made["kafka-passwords"]
    for user in rendered.of("KafkaUser"):
        reference = user["spec"]["authentication"]["password"]["valueFrom"]["secretKeyRef"]
        assert reference == {"name": "kafka-passwords", "key": user["metadata"]["name"]}
        assert reference["key"] in passwords


def test_secrets_of_others_are_documented(rendered: Manifests, made: Made) -> None:
    named = {
        name
        for kind in ("ObjectStore", "Ingress", "AlertmanagerConfig", "Cluster", "KafkaUser")
        for resource in rendered.of(kind)
        for name in _secrets_named_by(resource["spec"])
    }
    own = {f"{name}-environment" for name in ("reception", "desk", "crm")}
    documented = (ROOT / "docs/deployment.md").read_text()
    assert len(named - made.keys()) == 3
    for name in own | (named - made.keys()):
        assert re.search(rf"`(generic|tls) {name} --", documented), name


def test_topics_and_rights_are_the_declared_ones(rendered: Manifests) -> None:
    declared = EmbeddedSettings()
    topics = declared_topics(declared.topics_file, 3)
    found = {each["metadata"]["name"]: each["spec"] for each in rendered.of("KafkaTopic")}
    assert {name: spec["partitions"] for name, spec in found.items()} == {
        topic.name: topic.num_partitions for topic in topics
    }
    for spec in found.values():
        assert spec["replicas"] in {1, 3}
        assert spec["config"]["min.insync.replicas"] == max(1, spec["replicas"] - 1)
    rights = declared_rights(declared.acls_file, list(found), PRINCIPALS)
    granted = {each["metadata"]["name"]: each["spec"] for each in rendered.of("KafkaUser")}
    assert granted.keys() == {*PRINCIPALS, "admin"}
    for each in rights:
        assert _granted(granted[each.principal]) == _wanted(each), each.principal
    assert rendered.named("Kafka", "aftersales")["spec"]["kafka"]["authorization"] == {
        "type": "simple",
        "superUsers": ["admin"],
    }


def test_network_is_closed_but_for_what_is_needed(rendered: Manifests) -> None:
    pods = {name: rendered.labels(name) for name in rendered.pods}
    jobs = [f"migrate-{service}" for service in SERVICES]
    reach_kafka = {name for name in pods if rendered.connects(pods[name], KAFKA, 9093)}
    assert reach_kafka == {*SERVICES, "forwarder", SUBSCRIBERS, "inspection"}
    reach_management = {
        name for name in pods if rendered.connects(pods[name], pods["management"], 8080)
    }
    assert reach_management == {*PROCESSES, "administration"}
    assert rendered.connects(pods["administration"], pods["crm"], 8080)
    assert {name for name in pods if rendered.connects(pods[name], pods[SUBSCRIBERS], 8080)} == {
        "desk"
    }
    assert not any(
        rendered.connects(pods["administration"], pods[name], 8080)
        for name in set(PROCESSES) - {"management", "crm"}
    )
    reach_database = {name for name in pods if rendered.connects(pods[name], DATABASE, 5432)}
    assert reach_database == {*SERVICES, *jobs, "inspection"}
    for job in jobs:
        assert not any(rendered.connects(pods[job], pods[name], 8080) for name in PROCESSES)
    for service in SERVICES:
        assert rendered.connects(pods["desk"], pods[service], 8080)
    stranger = {"app.kubernetes.io/name": "stranger"}
    targets = [(pods[name], 8080) for name in PROCESSES] + [(KAFKA, 9093), (DATABASE, 5432)]
    assert not any(rendered.connects(stranger, target, port) for target, port in targets)


def test_processes_with_gateways_have_way_out(rendered: Manifests) -> None:
    ports = (Settings().smtp_port, 465)
    for name in PROCESSES:
        sends_mail = name in users_of({"smtp_host"})
        assert {rendered.leads_out(rendered.labels(name), port) for port in ports} == {sends_mail}
        assert rendered.leads_out(rendered.labels(name), 443) or name not in users_of(GATEWAYS)
    assert not rendered.leads_out(rendered.labels("inspection"), 443)


def test_marked_port_is_open_where_https_is(rendered: Manifests) -> None:
    open_to_https = {
        name for name in rendered.pods if rendered.leads_out(rendered.labels(name), 443)
    }
    assert open_to_https == {*PROCESSES, "administration"} - {FORWARDER}
    for name in rendered.pods:
        assert rendered.leads_out(rendered.labels(name), 8443) is (name in open_to_https)


def test_ports_are_closed_where_example_is_unchanged(group: Path) -> None:
    unchanged = Manifests.rendered(group / "example")
    assert not any(unchanged.leads_out(unchanged.labels(name), 8443) for name in unchanged.pods)
    [listener] = unchanged.named("Kafka", "aftersales")["spec"]["kafka"]["listeners"]
    assert listener["type"] == "internal"
    assert not unchanged.is_open(KAFKA, 9094)


def test_others_reach_brokers_by_their_own_listener(rendered: Manifests) -> None:
    listeners = rendered.named("Kafka", "aftersales")["spec"]["kafka"]["listeners"]
    inner, outer = listeners
    assert {each["authentication"]["type"] for each in listeners} == {"scram-sha-512"}
    assert {each["tls"] for each in listeners} == {True}
    assert inner["networkPolicyPeers"] == [
        peer
        for rule in rendered.named("NetworkPolicy", "kafka")["spec"]["ingress"]
        if rule.get("ports") == [{"port": inner["port"]}]
        for peer in rule["from"]
    ]
    assert rendered.is_open(KAFKA, outer["port"])
    assert not rendered.is_open(KAFKA, inner["port"])
    own = _given(rendered, "Deployment", SUBSCRIBERS)
    [name] = outer["configuration"]["bootstrap"]["alternativeNames"]
    assert own["AFTERSALES_SUBSCRIBER_KAFKA_BOOTSTRAP"] == f"{name}:{outer['port']}"
    assert own["AFTERSALES_SUBSCRIBER_KAFKA_CA_FILE"].startswith("/run/secrets/")


def test_desk_keeps_browser_at_one_instance(rendered: Manifests) -> None:
    annotations = rendered.named("Ingress", "desk")["metadata"]["annotations"]
    assert annotations["nginx.ingress.kubernetes.io/affinity"] == "cookie"
    annotations = rendered.named("Service", "desk")["metadata"]["annotations"]
    assert annotations["traefik.ingress.kubernetes.io/service.sticky.cookie"] == "true"


def test_operators_are_told_of_alerts(group: Path) -> None:
    east = group.parent / "elsewhere" / "east"
    shutil.copytree(group / "stores-200", east)
    written = (east / "kustomization.yaml").read_text().replace("../", f"../../{group.name}/")
    settings = yaml.safe_load(written)
    (east / "kustomization.yaml").write_text(yaml.safe_dump(settings | {"namespace": "east"}))
    rendered = Manifests.rendered(east)
    told = rendered.named("AlertmanagerConfig", "aftersales")
    labels = [
        rule["labels"]
        for each in rendered.of("PrometheusRule")
        for rules in each["spec"]["groups"]
        for rule in rules["rules"]
    ]
    assert {each["namespace"] for each in labels} == {told["metadata"]["namespace"]} == {"east"}
    route = told["spec"]["route"]
    [receiver] = told["spec"]["receivers"]
    assert {route["receiver"], *(each["receiver"] for each in route["routes"])} == {
        receiver["name"]
    }
    assert route["routes"][0]["matchers"] == [{"name": "severity", "value": "critical"}]
    [webhook] = receiver["webhookConfigs"]
    assert webhook["urlSecret"] == {"name": "alerts", "key": "webhook_url"}
    documented = (ROOT / "docs/deployment.md").read_text()
    assert f"generic alerts --from-literal={webhook['urlSecret']['key']}=" in documented


def test_upgrade_migrates_before_services(group: Path, tmp_path: Path) -> None:
    upgraded = _upgrade(group / "stores-200", tmp_path)
    assert upgraded.returncode == 0, upgraded.stderr
    called = [line for line in upgraded.stdout.splitlines() if "kustomize" not in line]
    steps = [
        line.removeprefix("--namespace aftersales ").split(" --filename")[0] for line in called
    ]
    assert [each for each in steps if each.startswith("apply")] == [
        f"apply --selector aftersales/stage={stage}"
        for stage in ("foundation", "migration", "service")
    ]
    migrated = (
        "wait jobs --selector aftersales/stage=migration --for=condition=Complete --timeout=1h"
    )
    assert steps.index(migrated) < steps.index("apply --selector aftersales/stage=service")


def test_upgrade_refuses_image_without_digest(group: Path, tmp_path: Path) -> None:
    refused = _upgrade(group / "example", tmp_path)
    assert refused.returncode == 1
    image = "image: registry.example.com/aftersales@sha256:…"
    assert refused.stderr.startswith(f"upgrade: an image without its digest: {image}. Write name, ")
    assert refused.stderr.endswith(f"under images: in {group / 'example'}/kustomization.yaml\n")
    assert refused.stdout == ""


@pytest.mark.parametrize(
    ("command", "status", "sentence"),
    [
        (["upgrade"], 2, "usage: upgrade FOLDER"),
        (["create-secrets"], 2, "usage: create-secrets FOLDER"),
        (["create-secrets", "nowhere"], 1, "create-secrets: there is no folder nowhere"),
        (["create-secrets", "half"], 1, "error: error reading half/kafka_reception"),
    ],
)
def test_script_without_its_folder_does_nothing(
    command: list[str], status: int, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "half").mkdir()
    refused = subprocess.run(
        [KUBERNETES / command[0], *command[1:]],
        cwd=tmp_path,
        env={"PATH": f"{KUBECTL.parent}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (refused.returncode, refused.stdout) == (status, "")
    assert refused.stderr.startswith(sentence)


def _schema(file: Path) -> tuple[tuple[str, str], dict[str, Any]]:
    """Return the schema of a custom resource, closed to fields that it does not name."""
    quoted = re.sub("- =$", '- "="', file.read_text(), flags=re.MULTILINE)  # bare, it is no text
    definition = yaml.safe_load(quoted)["spec"]
    version = next(each for each in definition["versions"] if each["storage"])
    schema = _closed(version["schema"]["openAPIV3Schema"])
    schema["properties"]["metadata"] = {"type": "object"}
    api = f"{definition['group']}/{version['name']}"
    return (api, definition["names"]["kind"]), schema


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    is_open = "additionalProperties" in schema or schema.get("x-kubernetes-preserve-unknown-fields")
    if (
        isinstance(schema.get("properties"), dict)
        and schema.get("type") == "object"
        and not is_open
    ):
        closed["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        closed.pop("type", None)
    return closed


def _secrets_named_by(part: Any) -> Iterator[str]:
    """Yield the names of Secrets that a part of a resource refers to."""
    if isinstance(part, list):
        for each in part:
            yield from _secrets_named_by(each)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key == "secretName":
                yield value
            elif key in _REFERENCES:
                yield value["name"]
            else:
                yield from _secrets_named_by(value)


def _files(pod: Resource, volume: str, made: Made) -> set[str]:
    [found] = [each["projected"] for each in pod["spec"]["volumes"] if each["name"] == volume]
    return {
        file
        for source in found["sources"]
        for file in (
            [item["path"] for item in source["secret"]["items"]]
            if "items" in source["secret"]
            else made[source["secret"]["name"]]
        )
    }


def _given(rendered: Manifests, kind: str, name: str) -> dict[str, str]:
    """Return the variables of a process, from its manifest and the ConfigMaps that it names."""
    [container] = rendered.named(kind, name)["spec"]["template"]["spec"]["containers"]
    maps = {each["metadata"]["name"]: each["data"] for each in rendered.of("ConfigMap")}
    given = {each["name"]: each["value"] for each in container["env"]}
    for source in container["envFrom"]:
        given |= maps.get(source.get("configMapRef", {}).get("name"), {})
    return given


def _contents(pod: Resource, volume: str, made: Made) -> dict[str, str]:
    [found] = [each["projected"] for each in pod["spec"]["volumes"] if each["name"] == volume]
    return made[found["sources"][0]["secret"]["name"]]


def _granted(user: Resource) -> set[tuple[str, str, str, str]]:
    return {
        (
            each["resource"]["type"],
            each["resource"].get("patternType", "literal"),
            each["resource"].get("name", CLUSTER),
            what,
        )
        for each in user["authorization"]["acls"]
        for what in each["operations"]
        if what != "Describe" or each["resource"]["type"] != "topic"
    }


def _wanted(rights: Rights) -> set[tuple[str, str, str, str]]:
    """Return what Kafka would store; who reads or writes may describe in any case."""
    bindings: set[Any] = rights.bindings()
    return {
        (
            each.restype.name.lower().replace("broker", "cluster"),
            "prefix" if each.resource_pattern_type.name == "PREFIXED" else "literal",
            each.name,
            each.operation.name.title(),
        )
        for each in bindings
    }


def _upgrade(folder: Path, scratch: Path) -> subprocess.CompletedProcess[str]:
    """Run ``upgrade`` with a kubectl that renders and otherwise prints what it is asked."""
    client = scratch / "kubectl"
    client.write_text(
        f'#!/bin/sh\n[ "$1" = kustomize ] && exec {KUBECTL} "$@"\necho "$@"\ncat >/dev/null\n'
    )
    client.chmod(0o755)
    return subprocess.run(
        [folder.parent / "upgrade", folder],
        env={"PATH": f"{scratch}:/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
