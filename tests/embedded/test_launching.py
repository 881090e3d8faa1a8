"""Forked processes behave for their launcher like executed ones."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGKILL, SIGTERM

import httpx
import psutil
import pytest

from deploy.embedded.processes import Child, Launch, can_listen, execute
from deploy.embedded.settings import free_ports
from tests.support.forking import ForkServer
from tests.support.polling import PATIENCE_S

TIMEOUT_S = PATIENCE_S


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    server = ForkServer(tmp_path_factory.mktemp("fork-server") / "log", packages=())
    yield server
    server.close()


@pytest.fixture(params=["executed", "forked"])
def start(request: pytest.FixtureRequest, small_server: ForkServer) -> Launch:
    return execute if request.param == "executed" else small_server.launch


def stub_server(port: int) -> list[str]:
    return [sys.executable, "-m", "tests.support.stub_server", str(port)]


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def end(child: Child, signal: int) -> int:
    assert not child.has_ended()
    os.kill(child.pid, signal)
    wait_until(child.has_ended)
    return child.wait()


def test_launched_process_has_the_given_environment(start: Launch, tmp_path: Path) -> None:
    port = free_ports(1)[0]
    environment = {"PATH": os.environ["PATH"], "AFTERSALES_FAILPOINT": "relay"}
    child = start(stub_server(port), environment, tmp_path / "log")
    wait_until(lambda: not can_listen(port))
    seen = httpx.get(f"http://127.0.0.1:{port}/environment", trust_env=False).json()
    assert environment.items() <= seen.items()
    assert not {"HOME", "OPENBLAS_NUM_THREADS"} & seen.keys()
    assert (os.getsid(child.pid), os.getpgid(child.pid)) == (child.pid, child.pid)
    assert end(child, SIGKILL) == -SIGKILL


def test_launched_process_can_be_asked_to_end(start: Launch, tmp_path: Path) -> None:
    port = free_ports(1)[0]
    child = start(stub_server(port), os.environ, tmp_path / "log")
    wait_until(lambda: not can_listen(port))
    assert end(child, SIGTERM) == -SIGTERM


def test_failed_start_ends_with_its_traceback(start: Launch, tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = start(stub_server(1), {**os.environ, "STUB_FAILS": "yes"}, log)
    assert child.wait() == 1
    assert log.read_text().rstrip().endswith("KeyError: 'a setting is missing'")


def test_finished_module_ends_with_status_zero(start: Launch, tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert start([sys.executable, "-m", "json.tool", "--help"], os.environ, log).wait() == 0
    assert "usage" in log.read_text()


def test_forked_process_ends_with_its_server(tmp_path: Path) -> None:
    server = ForkServer(tmp_path / "server", packages=())
    port = free_ports(1)[0]
    child = psutil.Process(server.launch(stub_server(port), os.environ, tmp_path / "log").pid)
    wait_until(lambda: not can_listen(port))
    server.close()
    assert psutil.wait_procs([child], timeout=TIMEOUT_S)[1] == []
