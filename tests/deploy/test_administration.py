"""Commands of an operator in a deployment say in one line which setting is wrong."""

import sys
from pathlib import Path

import pytest

from deploy.cli import main
from deploy.cli.running import administrator_urls
from deploy.embedded.secrets import SERVICES
from shared.settings import UNUSABLE
from tests.support.fake_servers import token_endpoint

COMMANDS = {
    "import": ["import", "deploy/group"],
    "new-store": [
        *("new-store", "S07", "--like", "S01", "--first-day", "2026-03-10"),
        *("--names", "南京店", "Nanjing", "--city", "南京", "Nanjing"),
    ],
    "republish": ["republish"],
    "token": ["token"],
    "import --customers": ["import", "README.md", "--customers", "--store", "S01"],
}
NOWHERE = "http://127.0.0.1:9"
NO_DATABASE = (
    "AFTERSALES_{}_ADMIN_DATABASE_URL is not set; or name the database of all services by "
    "--database-url"
)
KAFKA = {"KAFKA_BOOTSTRAP": "127.0.0.1:9"}
OTHERS: dict[str, tuple[dict[str, str], int, str]] = {
    "audit": (KAFKA, UNUSABLE, NO_DATABASE.format("RECEPTION")),
    "dead-letters list": (
        {"RECEPTION_ADMIN_DATABASE_URL": "postgresql://postgres@reception/postgres"},
        UNUSABLE,
        NO_DATABASE.format("WORKSHOP"),
    ),
    "subscriber list": (
        KAFKA,
        UNUSABLE,
        "AFTERSALES_KAFKA_USERNAME and AFTERSALES_KAFKA_PASSWORD are not set",
    ),
    "doctor": (KAFKA, 1, "the AFTERSALES_ settings belong to one service: name it"),
    "import --customers": (
        {"TOKEN_URL": f"{NOWHERE}/token", "CLIENT_ID": "administration", "CLIENT_SECRET": "x"},
        UNUSABLE,
        "AFTERSALES_CRM_URL is not set",
    ),
    "import README.md --source sales": ({}, 1, "--source and --column are those of --customers"),
    "import README.md --customers --store S01 --reason x": (
        {},
        1,
        "--valid-from, --reason and --kind are not those of --customers",
    ),
    "run crm": (
        KAFKA | {"KAFKA_USERNAME": "crm", "KAFKA_PASSWORD": "x", "KEYS_FILE": "Makefile"},
        UNUSABLE,
        "AFTERSALES_DATABASE_URL is not set; AFTERSALES_WORKER_DATABASE_URL is not set; neither "
        "AFTERSALES_JWKS_URL nor AFTERSALES_JWKS_FILE is set; AFTERSALES_KEYS_FILE: Makefile holds "
        "no keys as `aftersales new-secrets` makes them",
    ),
    "status": (
        {"EMBEDDED_DTA": "/nowhere"},
        UNUSABLE,
        "AFTERSALES_EMBEDDED_DTA is no setting: is AFTERSALES_EMBEDDED_DATA meant?",
    ),
    "doctor crm": (
        {"EMBEDDED_PORTS__DESK": "eighty"},
        UNUSABLE,
        "AFTERSALES_EMBEDDED_PORTS__DESK: It should be a whole number",
    ),
    "migrate crm": (
        {"OWNER_DATABASE_URL": "database"},
        1,
        'crm could not be migrated: invalid DSN: scheme is expected to be either "postgresql" or '
        "\"postgres\", got ''",
    ),
}
GIVEN = {
    "TOKEN_URL": f"{NOWHERE}/token",
    "CLIENT_ID": "administration",
    "CLIENT_SECRET": "x",
    "MANAGEMENT_URL": NOWHERE,
    "CRM_URL": NOWHERE,
}
WRONG = {
    "no secret": (
        {"CLIENT_SECRET": ""},
        "AFTERSALES_TOKEN_URL is set without AFTERSALES_CLIENT_ID and AFTERSALES_CLIENT_SECRET",
    ),
    "no file of a secret": (
        {"CLIENT_SECRET": "", "CLIENT_SECRET_FILE": "/nowhere/secret"},
        "AFTERSALES_CLIENT_SECRET_FILE: /nowhere/secret cannot be read (No such file or directory)",
    ),
    "no address": ({"MANAGEMENT_URL": ""}, "AFTERSALES_MANAGEMENT_URL is not set"),
    "no web address": (
        {"MANAGEMENT_URL": "management:8080"},
        "AFTERSALES_MANAGEMENT_URL is no http or https address",
    ),
    "no token endpoint's address": (
        {"TOKEN_URL": "http://[login/token"},
        "AFTERSALES_TOKEN_URL is no http or https address",
    ),
}


def said(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
    settings: dict[str, str],
) -> tuple[object, str]:
    """Return the exit status of a command with these settings, and the one line that it prints."""
    for name, value in settings.items():
        if value:
            monkeypatch.setenv(f"AFTERSALES_{name}", value)
    monkeypatch.setattr(sys, "argv", ["aftersales", *COMMANDS.get(command, command.split())])
    with pytest.raises(SystemExit) as ended:
        main()
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1, output.err
    return ended.value.code, output.err.removeprefix("aftersales: ").rstrip()


@pytest.fixture(autouse=True)
def _at_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])


@pytest.mark.parametrize("case", WRONG.values(), ids=WRONG)
def test_wrong_setting_ends_command(
    case: tuple[dict[str, str], str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    changed, line = case
    assert said(monkeypatch, capsys, "republish", GIVEN | changed) == (UNUSABLE, line)


@pytest.mark.parametrize(
    ("command", "needed"),
    [
        ("audit", "AFTERSALES_RECEPTION_ADMIN_DATABASE_URL"),
        ("dead-letters list", "AFTERSALES_RECEPTION_ADMIN_DATABASE_URL"),
        ("subscriber list", "AFTERSALES_KAFKA_BOOTSTRAP"),
        ("migrate crm", "AFTERSALES_OWNER_DATABASE_URL"),
        ("token", "AFTERSALES_TOKEN_URL"),
        ("status", "docker compose ps"),
    ],
)
def test_command_without_settings_names_the_first(
    command: str,
    needed: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    status, line = said(monkeypatch, capsys, command, {"EMBEDDED_DATA": str(tmp_path / "none")})
    assert status == 1
    assert needed in line


@pytest.mark.parametrize("command", COMMANDS)
def test_refused_client_is_named(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with token_endpoint(lambda: "none") as endpoint:
        assert said(monkeypatch, capsys, command, GIVEN | {"TOKEN_URL": endpoint.url}) == (
            UNUSABLE,
            "the issuer gives no token (401): correct AFTERSALES_TOKEN_URL, AFTERSALES_CLIENT_ID "
            "and AFTERSALES_CLIENT_SECRET",
        )


@pytest.mark.parametrize("command", COMMANDS)
def test_issuer_that_is_away_is_named(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    status, line = said(monkeypatch, capsys, command, GIVEN)
    assert status == 1
    assert line.startswith("issuer does not respond; ")


@pytest.mark.parametrize("command", OTHERS)
def test_command_names_what_it_needs(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, status, line = OTHERS[command]
    assert said(monkeypatch, capsys, command, settings) == (status, line)


def test_token_is_the_issuers_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with token_endpoint(lambda: "a.b.c") as endpoint:
        for name, value in endpoint.settings().items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["aftersales", "token"])
        with pytest.raises(SystemExit) as ended:
            main()
    assert (ended.value.code, capsys.readouterr().out) == (0, "a.b.c\n")


def test_each_service_has_its_own_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for service in SERVICES:
        file = tmp_path / service
        file.write_text(f"postgresql://postgres:x@postgres-{service}/postgres?sslmode=verify-full")
        monkeypatch.setenv(f"AFTERSALES_{service.upper()}_ADMIN_DATABASE_URL_FILE", str(file))
    assert administrator_urls(None, None) == {
        service: f"postgresql://postgres:x@postgres-{service}/aftersales?sslmode=verify-full"
        for service in SERVICES
    }
    assert administrator_urls("postgresql://{service}/a", None) == {
        service: f"postgresql://{service}/a" for service in SERVICES
    }
