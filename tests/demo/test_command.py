"""``aftersales demo`` and ``aftersales audit`` as their user sees them, on 80 columns."""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from datetime import date
from io import StringIO
from pathlib import Path

import httpx
import yaml
from rich.console import Console

from deploy.audit import AuditResult, Check, Difference
from deploy.cli.audit import show
from deploy.cli.demo import report_table
from deploy.cli.terminal import console
from deploy.demo.day import DayFigures
from deploy.embedded.settings import Ports
from deploy.group_folder import load_stores
from shared.contracts.reporting import DailyReportPublished

REPOSITORY = Path(__file__).parents[2]
COMMAND = Path(sys.executable).with_name("aftersales")
KPIS = Path(__file__).with_name("kpis.yaml")
COLUMNS = 80
TIMEOUT_S = 300
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """Command on its own terminal of 80 columns."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        self._terminal, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
        self.process = subprocess.Popen(
            [COMMAND, *arguments], cwd=REPOSITORY, env=environment, stdout=inner, stderr=inner
        )
        os.close(inner)
        self._output = b""

    @property
    def lines(self) -> list[str]:
        text = CONTROL.sub("", self._output.decode(errors="ignore"))
        return re.split(r"[\r\n]+", text)

    def read_until(self, text: str) -> None:
        """Wait until the terminal shows ``text``."""
        deadline = time.monotonic() + TIMEOUT_S
        while text not in "\n".join(self.lines):
            assert time.monotonic() < deadline, self.lines
            if select.select([self._terminal], [], [], 1)[0]:
                self._output += os.read(self._terminal, 65536)

    def interrupt(self) -> int:
        """Press Ctrl-C, and return the exit status of the command."""
        self.process.send_signal(signal.SIGINT)
        self.read_until("nothing is left running")
        return self.process.wait(TIMEOUT_S)


def test_demo_open_serves_desk_until_interrupted(tmp_path: Path) -> None:
    ports = Ports.free()
    environment = {key: text for key, text in os.environ.items() if key != "COLUMNS"} | {
        f"AFTERSALES_EMBEDDED_PORTS__{name.upper()}": str(port)
        for name, port in ports.model_dump().items()
    }
    data = ("--data", str(tmp_path))
    demo = Terminal(environment, "demo", "--stores", "1", "--orders", "1", *data, "--open")
    try:
        demo.read_until("sign in as")
        assert httpx.get(f"http://127.0.0.1:{ports.desk}/sign-in", trust_env=False).is_success

        short, whole = (
            subprocess.run(
                [COMMAND, "audit", *data, *verbose],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            ).stdout.splitlines()
            for verbose in ((), ("--verbose",))
        )
        assert re.fullmatch(r"(\d+) of \1 checks agree, [\d,]+ comparisons", short[0])
        assert len(short) == 3
        assert set(short) < set(whole)
        assert sum("reception" in line for line in whole) > 5
        assert demo.interrupt() == 0
    finally:
        demo.process.kill()
    assert any(f"desk       http://127.0.0.1:{ports.desk}" in line for line in demo.lines)
    assert any("S01 上海启岳闵行店      1         1 ¥" in line for line in demo.lines)
    assert short[0] in demo.lines
    assert not [line for line in demo.lines if "…" in line]


def test_daily_report_at_80_columns_keeps_large_figures() -> None:
    committed = yaml.safe_load(KPIS.read_text(encoding="utf-8"))["reports"]
    large = {"invoiced_cents": 123_456_789, "received_cents": 98_765_432, "orders": 1_234}
    reports = {
        store_id: DailyReportPublished.model_validate(report | large)
        for store_id, report in committed.items()
    }
    day = DayFigures(date(2026, 3, 4), 0, 0, 0, reports)
    output = StringIO()
    Console(width=COLUMNS, file=output, soft_wrap=True).print(
        report_table(day, load_stores(REPOSITORY / "deploy/group"))
    )
    shown = output.getvalue()
    assert "…" not in shown
    assert shown.count("¥1,234,567.89") == shown.count("¥987,654.32") == len(reports)
    assert "03-03 18:00 – 03-04 18:00" in shown


def test_audit_with_difference_shows_only_that_check() -> None:
    difference = Difference("crm", "C1", "name", "Wu", "Hu")
    result = AuditResult(
        (Check("names agree", "crm", 7, (difference,)), Check("sums agree", "reporting", 9, ())),
        {"events": 4, "parked_keys": 0},
    )

    def shown(*, verbose: bool) -> str:
        with console.capture() as capture:
            show(result, verbose=verbose)
        return capture.get()

    short, whole = shown(verbose=False), shown(verbose=True)
    assert "names agree" in short
    assert "sums agree" not in short
    assert "parked keys" not in short
    assert "1 of 2 checks agree, 9 comparisons" in short
    assert str(difference) in short
    assert "audit: 1 differences" in short
    assert "sums agree" in whole
    assert "parked keys 0" in whole
