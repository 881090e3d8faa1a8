"""What the owner of a subscriber is given, used as its owner uses it."""

import subprocess
from pathlib import Path


def pasted(lines: str, folder: Path) -> dict[str, str]:
    """Return the variables for Kafka that a shell in ``folder`` has after ``lines``."""
    shell = subprocess.run(
        ["bash", "-eu"],
        input=f"{lines}\nenv",
        cwd=folder,
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    found = [line for line in shell.stdout.splitlines() if line.startswith("KAFKA_")]
    return dict(line.split("=", 1) for line in found)
