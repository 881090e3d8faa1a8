"""Life cycle of ``aftersales up``: started, disturbed, killed, stopped."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.cli.down import down
from deploy.embedded.platform import ALL, Platform
from deploy.embedded.processes import Running, State
from deploy.embedded.settings import EmbeddedSettings, Ports
from shared.settings import FORWARDER, SUBSCRIBERS

REPOSITORY = Path(__file__).parents[2]
TIMEOUT_S = 120
TOPIC = "aftersales.reception.order.v1"


class Up:
    """``aftersales up`` in a process of its own, as another terminal would see it."""

    def __init__(self, settings: EmbeddedSettings) -> None:
        self.settings = settings
        self.child = subprocess.Popen(
            [sys.executable, "-m", "tests.support.up_with_stubs", settings.model_dump_json()],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: list[str] = []

    def read_until(self, text: str) -> str:
        assert self.child.stdout
        watchdog = threading.Timer(TIMEOUT_S, self.child.kill)
        watchdog.start()
        for line in self.child.stdout:
            self.lines.append(line.rstrip())
            if text in line:
                watchdog.cancel()
                return line.rstrip()
        pytest.fail(f"{text!r} was never said: {self.lines}")

    def come_up(self) -> State:
        self.read_until("Ctrl-C")
        state = State.read(self.settings.data / "state.json")
        assert state
        assert {each.name for each in state.alive()} == {
            "kafka",
            "postgres",
            *ALL,
            FORWARDER,
            SUBSCRIBERS,
        }
        return state

    def pid_of(self, name: str) -> int:
        state = State.read(self.settings.data / "state.json")
        assert state
        return next(each.pid for each in state.processes if each.name == name)

    def kill_everything(self, state: State) -> None:
        for each in state.alive():
            os.kill(each.pid, signal.SIGKILL)
        self.child.kill()
        self.child.wait()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedSettings:
    """Return settings of a folder on which a first start was killed before its databases were
    complete.
    """
    data = tmp_path_factory.mktemp("up") / "data"
    for unfinished in ("postgres.new/PG_VERSION", "kafka/logs.new/meta.properties"):
        (data / unfinished).parent.mkdir(parents=True)
        (data / unfinished).write_text("")
    return EmbeddedSettings(data=data, ports=Ports.free())


@pytest.fixture
def up(settings: EmbeddedSettings) -> Iterator[Up]:
    running = Up(settings)
    yield running
    running.child.kill()
    running.child.wait()


@pytest.fixture(scope="module")
def shared_platform(settings: EmbeddedSettings) -> Iterator[Up]:
    """Yield a platform that several tests share; the last of them stops it."""
    running = Up(settings)
    running.come_up()
    yield running
    running.child.kill()
    running.child.wait()


def processes_on(settings: EmbeddedSettings) -> list[str]:
    """Return command lines of the processes that name the data folder or its ports."""
    ports = {str(port) for port in settings.ports.model_dump().values()}
    return [
        " ".join(process.info["cmdline"])
        for process in psutil.process_iter(["cmdline", "cwd"])
        if process.info["cmdline"]
        and process.pid != os.getpid()
        and (
            str(settings.data) in " ".join(process.info["cmdline"])
            or str(settings.data) in (process.info["cwd"] or "")
            or ports & set(process.info["cmdline"])
        )
    ]


def wait_until_none_is_left(settings: EmbeddedSettings) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while (left := processes_on(settings)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert left == []


def test_second_platform_on_same_folder_is_rejected(shared_platform: Up) -> None:
    second = Up(shared_platform.settings)
    second.read_until(f"is already in use by pid {shared_platform.child.pid}")
    assert second.child.wait(TIMEOUT_S) == 1
    assert len(second.lines) == 1


def test_ended_process_is_restarted(shared_platform: Up) -> None:
    killed = shared_platform.pid_of("workshop")
    os.kill(killed, signal.SIGKILL)
    said = shared_platform.read_until("workshop ended (-9)")
    assert "starting it again in 1 s" in said
    deadline = time.monotonic() + TIMEOUT_S
    while shared_platform.pid_of("workshop") == killed or not is_responding(
        shared_platform.settings.ports.workshop
    ):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_down_stops_platform_from_another_terminal(shared_platform: Up) -> None:
    down(shared_platform.settings.data)
    assert shared_platform.child.wait(TIMEOUT_S) == 0
    wait_until_none_is_left(shared_platform.settings)


async def test_rows_and_events_survive_kill_of_all_processes(
    up: Up, settings: EmbeddedSettings
) -> None:
    state = up.come_up()
    platform = Platform(settings)
    connection = await asyncpg.connect(platform.admin_url)
    await connection.execute("CREATE TABLE kept (note text)")
    await connection.execute("INSERT INTO kept VALUES ('committed')")
    async with AIOKafkaProducer(**platform.kafka.client, acks="all") as producer:
        await producer.send_and_wait(TOPIC, b"sent", key=b"order", partition=0)
    up.kill_everything(state)

    again = Up(settings)
    again.come_up()
    connection = await asyncpg.connect(platform.admin_url)
    assert await connection.fetchval("SELECT note FROM kept") == "committed"
    await connection.close()
    consumer = AIOKafkaConsumer(TOPIC, **platform.kafka.client, auto_offset_reset="earliest")
    async with consumer:
        assert (await consumer.getone()).value == b"sent"
    again.child.send_signal(signal.SIGINT)
    again.read_until("stopped, nothing is left running")
    assert again.child.wait(TIMEOUT_S) == 0
    wait_until_none_is_left(settings)


def test_killed_command_leaves_no_process(up: Up, settings: EmbeddedSettings) -> None:
    up.come_up()
    up.child.kill()
    up.child.wait()
    wait_until_none_is_left(settings)


def test_interrupted_start_leaves_no_process(tmp_path: Path) -> None:
    starting = Up(EmbeddedSettings(data=tmp_path / "data", ports=Ports.free()))
    starting.read_until("starting Kafka and PostgreSQL")
    starting.child.send_signal(signal.SIGINT)
    starting.read_until("stopped, nothing is left running")
    starting.child.wait(TIMEOUT_S)
    wait_until_none_is_left(starting.settings)


def is_responding(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health/ready", trust_env=False).is_success
    except httpx.HTTPError:
        return False


def test_taken_port_is_named_before_start(tmp_path: Path) -> None:
    ports = Ports.free()
    with socket.socket() as other:
        other.bind(("127.0.0.1", ports.desk))
        other.listen()
        refused = Up(EmbeddedSettings(data=tmp_path / "data", ports=ports))
        refused.read_until("taken")
        assert refused.child.wait(TIMEOUT_S) == 1
    holder = rf"pid {os.getpid()} .*{re.escape(psutil.Process().cmdline()[0])}"
    expected = rf"aftersales: port {ports.desk} \(desk\) is taken by {holder}"
    assert re.match(expected, refused.lines[0])
    assert len(refused.lines) == 1
    assert not (tmp_path / "data" / "kafka").exists()


def test_down_spares_process_with_reused_pid(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    recorded = Running("desk", stranger.pid, started=time.time() - 3600, port=1)
    State(supervisor=recorded, processes=(recorded,)).write(tmp_path / "state.json")
    down(tmp_path)
    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()
