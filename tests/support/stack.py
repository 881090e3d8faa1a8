"""Real Kafka and PostgreSQL for the tests: started once a session, emptied for each test module."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from deploy.embedded.platform import Platform
from deploy.embedded.processes import Launch
from deploy.embedded.settings import EmbeddedSettings, Ports
from shared.clock import SimulatedClock
from tests.support.forking import ForkServer
from tests.support.master_data import PARTITIONS, SentStates, define_group, state_topics

MORNING = datetime(2026, 3, 3, 23, 30, tzinfo=UTC)
"""Start of the simulated clock: a Wednesday, 07:30 in Shanghai."""


@pytest.fixture(scope="session", autouse=True)
def quick_java() -> Iterator[None]:
    """Set each Kafka's virtual machine, which lives for minutes, to compile quickly rather than
    well.
    """
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("JDK_JAVA_OPTIONS", "-XX:TieredStopAtLevel=1")
        yield


@pytest.fixture(scope="session")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    """Start services without loading their packages again."""
    server = ForkServer(tmp_path_factory.mktemp("fork-server") / "log")
    yield server
    server.close()


@pytest.fixture(scope="module")
def launch(fork_server: ForkServer) -> Launch:
    """Return how ``servers`` and ``platform`` start services; a module that tests their production
    form overrides it with ``execute``.
    """
    return fork_server.launch


@pytest_asyncio.fixture(scope="session")
async def _stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Platform]:
    folder = tmp_path_factory.mktemp("stack")
    settings = EmbeddedSettings(
        data=folder / "platform",
        ports=Ports.free(),
        clock_file=folder / "clock",
        topics_file=_with_few_partitions(folder / "topics.yaml"),
    )
    stack = Platform(settings)
    SimulatedClock(_clock_file(stack)).set(MORNING)
    await stack.start(services=())
    yield stack
    await stack.stop()


def _with_few_partitions(file: Path) -> Path:
    """Write ``file`` with the declared topics, each of ``PARTITIONS`` partitions."""
    declared = yaml.safe_load(EmbeddedSettings().topics_file.read_text())
    file.write_text(yaml.safe_dump(declared | {"partitions": PARTITIONS}))
    return file


@pytest.fixture(scope="session")
def _sent_states() -> list[SentStates]:
    """Return the states of the group as they are on the topics now, once they are."""
    return []


@pytest_asyncio.fixture(scope="module")
async def empty_servers(_stack: Platform, launch: Launch) -> Platform:
    """Return Kafka and PostgreSQL with empty topics and migrated, empty schemas; no service runs.

    For tests of what begins without master data.
    """
    await _stack.stop_services()
    await _stack.empty()
    _stack.launch = launch
    return _stack


@pytest_asyncio.fixture(scope="module")
async def servers(
    _stack: Platform, _sent_states: list[SentStates], fork_server: ForkServer, launch: Launch
) -> Platform:
    """Return Kafka and PostgreSQL with the master data of the group, which all services have read,
    and nothing else; no service runs.

    For tests that run one service in their own process, with ``servers.environment(service)``.
    """
    await _stack.stop_services()
    if _stack.has_kept:
        are_all = await _sent_states[0].are_all(_stack)
        await _stack.restore(with_events=are_all)
        if not are_all:
            await _sent_states[0].send_again(_stack)
            _sent_states[0] = await SentStates.of(_stack)
    else:
        _stack.launch = fork_server.launch
        await _stack.empty()
        SimulatedClock(_clock_file(_stack)).set(MORNING)
        await define_group(_stack)
        await _stack.keep(state_topics())
        _sent_states[:] = [await SentStates.of(_stack)]
    _stack.launch = launch
    return _stack


@pytest_asyncio.fixture(scope="module")
async def clock(_stack: Platform) -> SimulatedClock:
    """Return the simulated clock that all processes of ``servers`` and ``platform`` read,
    paused.
    """
    clock = SimulatedClock(_clock_file(_stack))
    clock.set(MORNING)
    return clock


def _clock_file(stack: Platform) -> Path:
    assert stack.settings.clock_file
    return stack.settings.clock_file


@pytest_asyncio.fixture(scope="module")
async def platform(servers: Platform, clock: SimulatedClock) -> AsyncIterator[Platform]:
    """Yield all five services and the desk as processes, on the simulated clock, with the master
    data of the group and nothing else.
    """
    await servers.start_services()
    yield servers
    await servers.stop_services()
