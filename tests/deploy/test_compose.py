"""The deployment by compose, checked without a container engine."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from deploy.cli import app
from deploy.docs.settings import OF_LIBRARIES
from deploy.embedded import postgres
from deploy.embedded.certificates import hosts_of
from deploy.embedded.errors import EmbeddedError
from deploy.embedded.secrets import PRINCIPALS, SERVICES
from deploy.embedded.settings import free_ports
from shared.security import ALGORITHM
from shared.settings import DESK, PREFIX, SUBSCRIBERS, Settings, lacking
from tests.support.deployed_settings import GATEWAYS, settings_of, users_of
from tests.support.realm import REALM, realm_claims

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy" / "compose"
FILE = COMPOSE / "compose.yaml"
OURS = "${AFTERSALES_IMAGE:?}"
OWN_VARIABLES = {
    "ALERT_WEBHOOK_URL",
    "AFTERSALES_IMAGE",
    "DESK_URL",
    "ISSUER_HOST",
    "ISSUER_ORIGIN",
    "ISSUER_URL",
    "KAFKA_ADDRESS",
    "KAFKA_CLUSTER_ID",
    "KAFKA_HOST",
}
PUBLIC = "kafka.example.com"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return read


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose["services"]
    return found


def test_file_follows_specification() -> None:
    checked = subprocess.run(
        [ROOT / ".venv/bin/check-jsonschema", "--builtin-schema", "vendor.compose-spec", FILE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


def test_variables_of_file_are_images_and_decisions() -> None:
    named = set(re.findall(r"\$\{(\w+):\?\}", FILE.read_text()))
    images = set(
        re.findall(r"^(\w+)=", (ROOT / "deploy/images/images.env").read_text(), re.MULTILINE)
    )
    assert named <= images | OWN_VARIABLES
    assert images - named == {"BASE_IMAGE", "UV_IMAGE"}, "an image that nothing uses"
    documented = (ROOT / "docs/deployment.md").read_text()
    assert all(f"`{name}`" in documented for name in OWN_VARIABLES)
    example = (COMPOSE / "example.env").read_text()
    assert set(re.findall(r"^(\w+)=", example, re.MULTILINE)) == OWN_VARIABLES


def test_references_of_services_exist(
    compose: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    for name, service in services.items():
        assert set(service.get("depends_on", ())) <= services.keys(), name
        assert set(service.get("networks", ())) <= compose["networks"].keys(), name
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (COMPOSE / source).exists(), f"{name}: {source}"
            else:
                assert source in compose["volumes"], f"{name}: {source}"
    used = {
        volume.split(":")[0] for each in services.values() for volume in each.get("volumes", ())
    }
    assert compose["volumes"].keys() <= used


def test_conditions_of_services_can_hold(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        needed = service.get("depends_on", {})
        for other, condition in needed.items() if isinstance(needed, dict) else ():
            if condition["condition"] == "service_healthy":
                has_check = "healthcheck" in services[other] or services[other]["image"] == OURS
                assert has_check, f"{name} waits for {other}, which has no health check"
            else:
                assert "restart" not in services[other], f"{name}: {other} never completes"


def test_new_secrets_are_the_mounted_ones(
    compose: dict[str, Any], services: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    folder = tmp_path / "secrets"
    _new_secrets(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    mounted = {
        each["source"] for service in services.values() for each in service.get("secrets", ())
    }
    assert mounted == compose["secrets"].keys()
    for name, secret in compose["secrets"].items():
        assert (folder / Path(secret["file"]).name).read_text(), name
    for name, service in services.items():
        targets = {f"/run/secrets/{each['target']}" for each in service.get("secrets", ())}
        contents = [(folder / each["source"]).read_text() for each in service.get("secrets", ())]
        assert set(re.findall(r"sslrootcert=([\w./-]+)", " ".join(contents))) <= targets, name
    left = {file.name for file in folder.iterdir()} - mounted
    assert left == {"ca_key", "kafka_admin"}
    assert json.loads((folder / "kafka_passwords").read_text()).keys() == set(PRINCIPALS)


def test_folder_of_secrets_gets_only_what_is_missing(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    first = _new_secrets(folder)
    assert _new_secrets(folder) == first, "something that was there changed"
    for name in ("administration_client_secret", "kafka_2_certificate", "kafka_subscribers"):
        (folder / name).unlink()
    older = json.loads(first["kafka_passwords"])
    del older["subscribers"]
    (folder / "kafka_passwords").unlink()
    (folder / "kafka_passwords").write_text(json.dumps(older))
    completed = _new_secrets(folder)
    assert completed.keys() == first.keys()
    assert {name for name in first if completed[name] != first[name]} == {
        "administration_client_secret",
        "kafka_2_certificate",
        "kafka_subscribers",
        "kafka_passwords",
    }
    passwords = json.loads(completed["kafka_passwords"])
    assert passwords == older | {"subscribers": completed["kafka_subscribers"]}


@pytest.mark.parametrize(
    ("removed", "sentence"),
    [
        ({"ca_key", "kafka_1_certificate"}, "ca_key is missing, which signs kafka_1_certificate"),
        ({"ca"}, "ca is missing, from which certificates that are there come"),
        ({"postgres_key"}, "postgres_certificate is there without postgres_key"),
        (
            {"database_passwords"},
            "database_passwords is missing, from which crm_admin_database_url",
        ),
        ({"postgres_password"}, "postgres_password is missing, from which crm_admin_database_url"),
    ],
    ids=["authority's key", "authority", "half of a pair", "passwords", "administrator's"],
)
def test_secret_that_cannot_be_made_is_named(
    removed: set[str], sentence: str, tmp_path: Path
) -> None:
    folder = tmp_path / "secrets"
    _new_secrets(folder)
    for name in removed:
        (folder / name).unlink()
    refused = CliRunner().invoke(app, ["new-secrets", str(folder)])
    assert str(refused.exception).startswith(sentence)


def test_brokers_get_certificates_for_new_name(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    first = _new_secrets(folder)
    _new_secrets(folder, "--kafka-host", PUBLIC)
    named = _new_secrets(folder, "--kafka-host", "10.1.2.3")
    changed = {name for name in first if named[name] != first[name]}
    assert changed == {f"kafka_{number}_certificate" for number in (1, 2, 3)}
    for number in (1, 2, 3):
        hosts = hosts_of(named[f"kafka_{number}_certificate"])
        assert hosts == {f"kafka-{number}", "localhost", PUBLIC, "10.1.2.3"}
    assert _new_secrets(folder) == named == _new_secrets(folder, "--kafka-host", PUBLIC)
    said = CliRunner().invoke(app, ["new-secrets", str(folder), "--kafka-host", "k"]).output
    assert said.startswith(f"changed in {folder}: kafka_1_certificate, kafka_2_certificate, ")
    assert "restart the brokers one after another" in said


def test_database_host_changes_addresses_alone(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    first = _new_secrets(folder, "--database-host", "pg-{service}")
    pooled = first["crm_database_url"].replace("@pg-crm/", "@pooler:6432/")
    (folder / "crm_database_url").unlink()
    (folder / "crm_database_url").write_text(pooled)
    (folder / "crm_worker_database_url").unlink()
    assert _new_secrets(folder) == first | {"crm_database_url": pooled}, "what is there is kept"
    moved = _new_secrets(folder, "--database-host", "db-{service}.example.com:5433")
    for name, content in first.items():
        service = name.split("_")[0]
        assert moved[name] == content.replace(f"@pg-{service}/", f"@db-{service}.example.com:5433/")
    assert moved["reception_admin_database_url"] != first["reception_admin_database_url"]
    (folder / "crm_owner_database_url").unlink()
    refused = CliRunner().invoke(app, ["new-secrets", str(folder)])
    assert str(refused.exception).startswith("--database-host is missing: addresses of crm")


def test_open_folder_of_secrets_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir()
    for before in ("", "; its secrets were open to them"):
        folder.chmod(0o755)
        made = CliRunner().invoke(app, ["new-secrets", str(folder)])
        assert made.output.startswith(f"{folder} is closed to other users now{before}\n")
        assert folder.stat().st_mode & 0o777 == 0o700


def test_open_folder_for_other_files_is_left(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "notes").write_text("ours")
    refused = CliRunner().invoke(app, ["new-secrets", str(tmp_path)])
    assert str(refused.exception).endswith("holds other files: name a folder for secrets")
    assert [each.name for each in tmp_path.iterdir()] == ["notes"]
    assert tmp_path.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("folder", "sentence"), [("file", "is no folder"), ("/proc/x", "cannot be made or read")]
)
def test_place_without_room_for_secrets_is_named(
    folder: str, sentence: str, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    place = tmp_path / folder
    refused = CliRunner().invoke(app, ["new-secrets", str(place)])
    assert isinstance(refused.exception, EmbeddedError)
    assert str(refused.exception).startswith(f"{place} {sentence}")


@pytest.mark.parametrize("odd", ["", "postgres-{svc}-rw", "db host:5432/x", "db:port", "u@db", "{"])
def test_odd_database_host_is_refused(odd: str, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    refused = CliRunner().invoke(app, ["new-secrets", str(folder), "--database-host", odd])
    assert str(refused.exception).startswith(f"--database-host {odd}: it is no host name")
    assert not folder.exists()


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("kafka_passwords", "kafka_passwords holds no passwords by name"),
        ("database_passwords", "database_passwords holds no passwords by name"),
        ("crm_owner_database_url", "crm_owner_database_url holds no address"),
        ("ca_key", "ca and ca_key cannot be read"),
    ],
)
def test_empty_file_of_secrets_is_named(file: str, sentence: str, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    _new_secrets(folder)
    for name in (file, "kafka_1_certificate"):
        (folder / name).unlink()
    (folder / file).touch()
    refused = CliRunner().invoke(app, ["new-secrets", str(folder)])
    assert str(refused.exception).startswith(sentence)


@pytest.mark.parametrize("odd", ["https://kafka.example.com", "kafka:9092", "", "-kafka", "卡夫卡"])
def test_odd_name_of_brokers_is_refused(odd: str, tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    refused = CliRunner().invoke(app, ["new-secrets", str(folder), "--kafka-host", odd])
    assert str(refused.exception).startswith(f"--kafka-host {odd}: it is no host name")
    assert not folder.exists()


def _new_secrets(folder: Path, *options: str) -> dict[str, str]:
    """Make what is missing, and return the contents of the folder."""
    made = CliRunner().invoke(app, ["new-secrets", str(folder), *options])
    assert made.exit_code == 0, made.output
    return {file.name: file.read_text() for file in folder.iterdir()}


def test_each_process_has_its_own_secrets_only(services: dict[str, dict[str, Any]]) -> None:
    for name in SERVICES:
        sources = {each["source"] for each in services[name]["secrets"]}
        foreign = [
            source
            for source in sources
            for other in (*SERVICES, "admin", "owner", "postgres", "forwarder", "subscribers")
            if other != name and other in source
        ]
        assert foreign == [], name


def test_files_that_settings_name_are_mounted(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        targets = {f"/run/secrets/{each['target']}" for each in service.get("secrets", ())}
        text = json.dumps([service.get(key) for key in ("environment", "command", "entrypoint")])
        assert set(re.findall(r"/run/secrets/[\w.-]+", text)) <= targets, name


def test_settings_of_processes_are_complete_and_known(
    services: dict[str, dict[str, Any]],
) -> None:
    ours = {name: each for name, each in services.items() if each["image"] == OURS}
    for service in ours.values():
        settings_of(_environment(service))
        others = {name for name in _environment(service) if not name.startswith(PREFIX)}
        assert others <= OF_LIBRARIES.keys()
    for name in (*SERVICES, SUBSCRIBERS, DESK):
        settings = settings_of(_environment(services[name]))
        assert lacking(settings, name) == []
        assert "public_url" in settings.model_fields_set, "it stands in what others are told"
        assert settings.kafka_username == (name if name in (*SERVICES, SUBSCRIBERS) else "")
    addresses = {
        host
        for service in ours.values()
        for value in _environment(service).values()
        for host in re.findall(r"http://([\w-]+):8080", value)
    }
    assert addresses == {*SERVICES, SUBSCRIBERS, "keycloak"}


def test_commands_of_processes_exist(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        if service["image"] == OURS:
            known = CliRunner().invoke(app, [service["command"][0], "--help"])
            assert known.exit_code == 0, name
    assert {
        each["command"][1] for each in services.values() if each.get("command", [""])[0] == "run"
    } == {
        *SERVICES,
        "desk",
        "forwarder",
        SUBSCRIBERS,
    }


def test_documented_commands_exist(services: dict[str, dict[str, Any]]) -> None:
    documented = (ROOT / "docs/deployment.md").read_text()
    options = r"(?: --(?:no-TTY|(?:env|volume) \S+))*"
    found = re.findall(
        rf"docker compose (?:run --rm|exec){options} ([a-z][\w-]*) ([^\n`)]+)", documented
    ) + re.findall(r"(?:deploy|job)/([\w-]+) -- (?:env USER=\S+ )?(aftersales [^\n`]+)", documented)
    assert {service for service, _ in found} >= {"administration", "inspection", SUBSCRIBERS}
    for service, command in found:
        assert service in services
        words = command.removeprefix("aftersales ").split()
        if words[0] == "/bin/sh":
            script = COMPOSE / service / Path(words[1]).name
            assert script.exists(), command
        else:
            known = CliRunner().invoke(app, [*words, "--help"])
            assert known.exit_code == 0, f"{command}: {known.output}"


def test_containers_have_least_rights(services: dict[str, dict[str, Any]]) -> None:
    published = {}
    for name, service in services.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        if service["image"] == OURS:
            assert service["read_only"] is True, name
        if "ports" in service:
            published[name] = service["ports"]
    assert published == {
        "proxy": ["443:443", "80:80"],
        "grafana": ["127.0.0.1:3000:3000"],
        **{f"kafka-{number}": [f"${{KAFKA_ADDRESS:?}}:1909{number}:9095"] for number in (1, 2, 3)},
    }


def test_others_reach_brokers_by_password_alone(
    compose: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    given = services[SUBSCRIBERS]["environment"]["AFTERSALES_SUBSCRIBER_KAFKA_BOOTSTRAP"]
    for number, address in zip((1, 2, 3), given.split(","), strict=True):
        broker = services[f"kafka-{number}"]
        listeners = broker["environment"]["KAFKA_ADVERTISED_LISTENERS"].split(",")
        assert f"EXTERNAL://{address}" in listeners
        [published] = broker["ports"]
        outer, inner = published.split(":")[-2:]
        assert address.endswith(f"}}:{outer}")
        assert f"EXTERNAL://:{inner}" in broker["environment"]["KAFKA_LISTENERS"].split(",")
        security = broker["environment"]["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"].split(",")
        assert "EXTERNAL:SASL_SSL" in security
    outer_network = set(services["kafka-1"]["networks"]) - {"data"}
    assert {name for name, each in services.items() if outer_network & set(_networks(each))} == {
        "kafka-1",
        "kafka-2",
        "kafka-3",
    }, "others are next to the brokers alone"
    [network] = (compose["networks"][name] for name in outer_network)
    masquerade = network["driver_opts"]["com.docker.network.bridge.enable_ip_masquerade"]
    assert masquerade == "false", "brokers have no way out"


def test_only_processes_with_gateways_have_way_out(
    compose: dict[str, Any], services: dict[str, dict[str, Any]]
) -> None:
    inner = {name for name, each in compose["networks"].items() if (each or {}).get("internal")}
    leads_out = {
        name
        for name, each in services.items()
        if each["image"] == OURS and set(_networks(each)) - inner
    }
    assert leads_out == {DESK, *users_of(GATEWAYS)}, "the desk is reached by its proxy"
    for name in users_of(GATEWAYS):
        assert services[name]["env_file"] == [{"path": f"{name}.env", "required": False}]


def test_records_are_on_two_brokers_before_they_count(
    services: dict[str, dict[str, Any]],
) -> None:
    brokers = [services[f"kafka-{number}"]["environment"] for number in (1, 2, 3)]
    for each in brokers:
        assert each["KAFKA_DEFAULT_REPLICATION_FACTOR"] == "3"
        assert each["KAFKA_MIN_INSYNC_REPLICAS"] == "2"
        assert "PLAINTEXT" not in json.dumps(each)
    assert [each["KAFKA_NODE_ID"] for each in brokers] == ["1", "2", "3"]


def test_proxy_configuration_is_valid(services: dict[str, dict[str, Any]]) -> None:
    environment = dict.fromkeys(services["proxy"]["environment"], "https://desk.example.com")
    checked = subprocess.run(
        [
            ROOT / ".tools/caddy",
            "validate",
            "--config",
            COMPOSE / "caddy/Caddyfile",
            "--adapter",
            "caddyfile",
        ],
        env={**environment, "ISSUER_HOST": "login.example.com", "HOME": "/tmp"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert "Valid configuration" in checked.stdout + checked.stderr


def test_realm_gives_tokens_as_services_read_them() -> None:
    realm = json.loads(REALM.read_text())
    expected = Settings()
    assert realm["accessTokenLifespan"] <= expected.access_token_max_s
    assert realm["defaultSignatureAlgorithm"] == ALGORITHM
    clients = {each["clientId"]: each for each in realm["clients"]}
    desk = clients.pop(expected.oidc_client_id)
    assert desk["publicClient"] is True
    assert desk["attributes"]["pkce.code.challenge.method"] == "S256"
    assert desk["redirectUris"] == ["${DESK_URL}/sign-in/callback"]
    assert clients.keys() == {"reception", "desk", "administration"}
    for client in (desk, *clients.values()):
        assert client["directAccessGrantsEnabled"] is client["implicitFlowEnabled"] is False
        mapped = {
            each["config"].get("claim.name"): each["config"] for each in client["protocolMappers"]
        }
        audiences = [
            each["config"].get("included.custom.audience") for each in client["protocolMappers"]
        ]
        assert expected.audience in audiences
        assert client["attributes"]["access.token.signed.response.alg"] == ALGORITHM
        assert {"sub", "roles"} <= mapped.keys()
    subject = next(
        each["config"]
        for each in desk["protocolMappers"]
        if each["config"].get("claim.name") == "sub"
    )
    profile = realm["components"]["org.keycloak.userprofile.UserProfileProvider"][0]["config"]
    [declared] = map(json.loads, profile["kc.user.profile.config"])
    assert subject["user.attribute"] in {each["name"] for each in declared["attributes"]}
    for program in clients.values():
        assert program["serviceAccountsEnabled"] is True
        assert program["secret"] == f"${{{program['clientId'].upper()}_CLIENT_SECRET}}"
    for name in ("reception", "desk"):
        assert realm_claims(name) == {"sub": name, "roles": ["system"], "stores": ["*"]}
    assert realm_claims("administration") == {
        "sub": "administration",
        "roles": ["group_manager", "operator", "service_manager", "system"],
        "stores": ["*"],
    }


def _networks(service: dict[str, Any]) -> list[str]:
    found: list[str] = service.get("networks", ["default"])
    return found


class Server:
    """A PostgreSQL server of the deployment's flags, on a folder and port of its own."""

    def __init__(self, flags: list[str], backup: Path) -> None:
        self._privileges = postgres._unprivileged()
        self._flags = flags
        self._port = free_ports(1)[0]
        self.environment = {
            "PATH": f"{postgres._BINARIES}:/usr/bin:/bin",
            "LC_ALL": "C.UTF-8",
            "BACKUP_FOLDER": str(backup),
            "BACKUPS_KEPT": "1",
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self._port),
            "PGUSER": "postgres",
        }

    def run(self, *command: str | Path) -> str:
        prefix = ["setpriv", *self._privileges, "--"] if self._privileges else []
        ended = subprocess.run(
            [*prefix, *command], env=self.environment, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout.strip()

    def start(self, data: Path) -> None:
        flags = " ".join(f"'{flag}'" for flag in self._flags)
        options = f"-p {self._port} -h 127.0.0.1 -k '' {flags}"
        self.run("pg_ctl", "start", "-D", data, "-l", data.with_suffix(".log"), "-w", "-o", options)

    def stop(self, data: Path) -> None:
        self.run("pg_ctl", "stop", "-D", data, "-m", "fast", "-w")

    def sql(self, statement: str) -> str:
        return self.run("psql", "--no-psqlrc", "-qtAc", statement, "postgres")


@pytest.fixture
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder for data and backups of the account that PostgreSQL runs under."""
    folder = tmp_path_factory.mktemp("backup")
    for name in ("", "backup", "backup/wal", "backup/base"):
        (folder / name).mkdir(exist_ok=True)
        if os.geteuid() == 0:
            postgres._unprivileged()
            shutil.chown(folder / name, postgres._ACCOUNT, postgres._ACCOUNT)
    yield folder
    shutil.rmtree(folder)


def test_database_is_restored_to_a_moment(services: dict[str, dict[str, Any]], place: Path) -> None:
    scripts = COMPOSE / "postgres"
    flags = [
        each.replace("/opt/aftersales", str(scripts)).replace("/backup", str(place / "backup"))
        for each in services["postgres"]["command"][1:]
        if each.split("=")[0]
        in {"--wal_level", "--archive_mode", "--archive_command", "--restore_command"}
    ]
    server = Server(flags, place / "backup")
    data = place / "data"
    server.run("initdb", "-D", data, "-U", "postgres", "--auth=trust", "-N")
    server.start(data)
    server.run("sh", scripts / "backup", "once")
    server.sql("CREATE TABLE kept (what text)")
    server.run("sh", scripts / "backup", "once")
    server.sql("INSERT INTO kept VALUES ('before')")
    assert len(list((place / "backup" / "base").iterdir())) == 1, "an older backup is left"
    moment = server.sql("SELECT clock_timestamp()")
    server.sql("INSERT INTO kept VALUES ('after')")
    server.sql("SELECT pg_switch_wal()")
    server.sql("CHECKPOINT")
    server.stop(data)
    restored = place / "restored"
    server.run("sh", scripts / "restore", restored, moment)
    server.start(restored)
    try:
        assert server.sql("SELECT what FROM kept") == "before"
    finally:
        server.stop(restored)


def _environment(service: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {**service.get("environment", {})}
    return {
        name: value.replace("${DESK_URL:?}", "https://desk.example.com")
        for name, value in found.items()
    }
