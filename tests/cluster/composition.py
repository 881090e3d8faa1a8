"""The processes of ``deploy/compose``, as they run on this machine without containers."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from deploy.embedded.settings import free_ports

COMPOSE = Path(__file__).parents[2] / "deploy" / "compose"

HTTP, POSTGRES = 8080, 5432
"""Ports of the processes in their containers."""


class Composition:
    """What the file says of each process, with loopback ports in place of a network's hosts.

    Environment, commands and secrets are the file's own. ``folder`` holds secrets and volumes;
    ``decisions`` are the variables that the installing person sets.
    """

    def __init__(self, folder: Path, decisions: Mapping[str, str]) -> None:
        declared = yaml.safe_load((COMPOSE / "compose.yaml").read_text())
        self.services: Mapping[str, Mapping[str, Any]] = declared["services"]
        self.decisions = dict(decisions)
        self.made_secrets = folder / "made-secrets"
        self._files = {name: Path(each["file"]).name for name, each in declared["secrets"].items()}
        self.volumes = folder / "volumes"
        self._folder = folder
        self._ports: dict[tuple[str, int], int] = {}
        self._published = {
            each.split(":")[-2]: (name, int(each.split(":")[-1]))
            for name, service in self.services.items()
            for each in service.get("ports", ())
        }

    def port(self, host: str, port: int = HTTP) -> int:
        """Return the loopback port that stands for ``host:port``."""
        if (host, port) not in self._ports:
            self._ports[host, port] = free_ports(1)[0]
        return self._ports[host, port]

    def take(self, host: str, port: int) -> None:
        """Let a port that is listened to already stand for the HTTP port of ``host``."""
        self._ports[host, HTTP] = port

    def folder(self, name: str) -> Path:
        """Return the folder of a process, which stands for what is mounted in its container."""
        folder = self._folder / name
        (folder / "secrets").mkdir(parents=True, exist_ok=True)
        return folder

    def environment(self, name: str) -> dict[str, str]:
        """Return the environment of a process, whose secrets are then in its folder."""
        self._give_secrets(name)
        declared: Mapping[str, str] = self.services[name].get("environment", {})
        return {variable: self.translated(name, value) for variable, value in declared.items()}

    def command(self, name: str) -> Sequence[str]:
        """Return the arguments of a process."""
        return [self.translated(name, each) for each in self.services[name]["command"]]

    def translated(self, name: str, text: str) -> str:
        """Return a text of the file, or of a secret, with addresses and folders of here."""
        text = re.sub(
            r"(\$\{\w+:\?\}):(\d+)",
            lambda found: f"{found[1]}:{self.port(*self._published[found[2]])}",
            text,
        )
        text = re.sub(r"\$\{(\w+):\?\}", lambda found: self.decisions[found[1]], text)
        text = text.replace("$$", "$")
        text = re.sub(
            r"://:(\d+)", lambda found: f"://127.0.0.1:{self.port(name, int(found[1]))}", text
        )
        hosts = "|".join(map(re.escape, self.services))
        text = re.sub(
            rf"(?<![\w.-])({hosts}):(\d+)(?=[,/]|$)",
            lambda found: f"localhost:{self.port(found[1], int(found[2]))}",
            text,
        )
        text = re.sub(
            r"(?:(?<=//)|(?<=@))postgres(?=/)",
            f"localhost:{self.port('postgres', POSTGRES)}",
            text,
        )
        folders = {"/run/secrets": self.folder(name) / "secrets", **self.mounted(name)}
        there = "|".join(map(re.escape, sorted(folders, key=len, reverse=True)))
        return re.sub(
            rf"(?<![\w.])({there})(?=[/\s]|$)", lambda found: str(folders[found[1]]), text
        )

    def mounted(self, name: str) -> Mapping[str, Path]:
        """Return what is mounted in a process's container, with what stands for it here."""
        found = {}
        for each in self.services[name].get("volumes", ()):
            source, target = each.split(":")[:2]
            there = COMPOSE / source if source.startswith(".") else self.volumes / source
            found[target] = there
        for each in self.services[name].get("tmpfs", ()):
            target = each.split(":")[0]
            found[target] = self.folder(name) / Path(target).name
        return found

    def _give_secrets(self, name: str) -> None:
        for each in self.services[name].get("secrets", ()):
            made = (self.made_secrets / self._files[each["source"]]).read_text()
            file = self.folder(name) / "secrets" / each["target"]
            file.write_text(self.translated(name, made))
            file.chmod(0o600)
