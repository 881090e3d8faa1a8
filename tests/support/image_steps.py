"""Steps of a Dockerfile, carried out on this machine without a container engine.

What the file puts under ``/opt`` comes to a folder of its own, which a mount namespace shows at
``/opt``; the rest of the base image is this machine's own system. Needs root.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

_UMASK = 0o022
_MOUNTED = PurePosixPath("/opt")
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_BUILD = 'mount --bind "$0" /opt && cd "$1" && exec sh -e -c "$2"'
_RUN = """
mount --bind "$0" /opt
mount -t tmpfs tmpfs /mnt
mkdir /mnt/volume
mount --bind "$1" /mnt/volume
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -o remount,bind,ro /opt
mount -o remount,ro /mnt
mount -o remount,bind,ro /
cd "$2"
user=$3
shift 3
exec setpriv --pdeathsig KILL --reuid "${user%:*}" --regid "${user#*:}" --clear-groups \
    --no-new-privs --inh-caps=-all --bounding-set=-all -- "$@"
"""

VOLUME = "/mnt/volume"
"""Where a command that runs in an image finds its one writable folder, besides ``/tmp``."""


@dataclass
class Image:
    """What a stage of a Dockerfile has made: files under ``/opt``, and how to start it."""

    root: Path
    environment: dict[str, str] = field(default_factory=lambda: {"PATH": _SYSTEM_PATH})
    arguments: dict[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0:0"
    entrypoint: list[str] = field(default_factory=list)
    health_check: list[str] = field(default_factory=list)

    def command(self, *arguments: str, volume: Path) -> list[str]:
        """Return the command that starts ``arguments`` here as the image's user.

        All is read-only but ``/tmp`` and the folder ``volume``, at ``VOLUME``.
        """
        place = (str(self.root), str(volume), self.folder, self.user)
        return ["unshare", "--mount", "sh", "-e", "-c", _RUN, *place, *arguments]


def build(
    dockerfile: Path,
    context: Path,
    scratch: Path,
    *,
    arguments: Mapping[str, str],
    images: Mapping[str, Path],
    machine: Mapping[str, str],
) -> Image:
    """Carry out all steps and return what the last stage has made.

    ``images`` are the folders that stand for images whose files are copied; ``machine`` are
    variables of the steps that follow from this machine, and override the file's.
    """
    sent = scratch / "context"
    previous = os.umask(_UMASK)
    try:
        _send(context, dockerfile.with_name(f"{dockerfile.name}.dockerignore"), sent)
        return _carried_out(dockerfile, sent, arguments, images, machine)
    finally:
        os.umask(previous)


def _carried_out(
    dockerfile: Path,
    sent: Path,
    arguments: Mapping[str, str],
    images: Mapping[str, Path],
    machine: Mapping[str, str],
) -> Image:
    stages: dict[str, Image] = {}
    stage = Image(sent)
    for name, value in instructions(dockerfile.read_text()):
        if name == "FROM":
            image, _, alias = value.partition(" AS ")
            root = sent.with_name(f"stage-{len(stages)}")
            known = images.get(_expanded(image, arguments))
            stage = stages[alias or "last"] = Image(known or root)
            stage.root.mkdir(exist_ok=True)
        elif name == "ARG":
            stage.arguments[value] = arguments[value]
        elif name == "RUN":
            _run(stage, value, machine)
        elif name == "COPY":
            _copy(stage, shlex.split(value), sent, stages)
        else:
            _configure(stage, name, value)
    return stage


def instructions(text: str) -> list[tuple[str, str]]:
    """Return the instructions of a Dockerfile with their values, lines joined."""
    lines = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    joined = re.sub(r"\\\n\s*", "", lines)
    return [
        (name, value)
        for name, _, value in (each.partition(" ") for each in joined.split("\n"))
        if name
    ]


def _send(context: Path, ignore: Path, to: Path) -> None:
    """Copy what the build may see: what the ignore file excepts from ``*``."""
    rules = ignore.read_text().split()
    assert rules[0] == "*"
    to.mkdir()
    hidden = shutil.ignore_patterns(*(rule[3:] for rule in rules if rule.startswith("**/")))
    for name in (rule[1:] for rule in rules if rule.startswith("!")):
        source = context / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=hidden)
        else:
            shutil.copy(source, to / name)


def _run(stage: Image, command: str, machine: Mapping[str, str]) -> None:
    subprocess.run(
        ["unshare", "--mount", "sh", "-c", _BUILD, str(stage.root), stage.folder, command],
        env={**stage.environment, **stage.arguments, **machine},
        check=True,
        capture_output=True,
        text=True,
    )


def _copy(stage: Image, words: list[str], sent: Path, stages: Mapping[str, Image]) -> None:
    options = dict(word[2:].split("=") for word in words if word.startswith("--"))
    root = stages[options["from"]].root if "from" in options else sent
    *sources, target = [word for word in words if not word.startswith("--")]
    to = stage.root / _under_opt(str(PurePosixPath(stage.folder) / target))
    for source in sources:
        found = root / source.removeprefix(str(_MOUNTED)).lstrip("/")
        if found.is_dir():
            shutil.copytree(found, to, symlinks=True, copy_function=_link, dirs_exist_ok=True)
        else:
            place = to / found.name if target.endswith("/") else to
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(found, place)
        if "chown" in options:
            for copied in found.rglob("*"):
                give(to / copied.relative_to(found), options["chown"])


def give(path: Path, owner: str) -> None:
    """Make ``owner``, a user and a group as numbers, the owner of a file or folder."""
    user, group = owner.split(":")
    os.chown(path, int(user), int(group))


def _link(source: str, target: str) -> None:
    """Give ``source`` a second name: a stage that is complete is not changed any more."""
    Path(target).hardlink_to(source)


def _under_opt(path: str) -> PurePosixPath:
    return PurePosixPath(path).relative_to(_MOUNTED)


def _configure(stage: Image, name: str, value: str) -> None:
    if name == "ENV":
        stage.environment |= dict(each.split("=", 1) for each in shlex.split(value))
    elif name == "WORKDIR":
        stage.folder = value
        (stage.root / _under_opt(value)).mkdir(parents=True, exist_ok=True)
    elif name == "USER":
        stage.user = value
    elif name == "ENTRYPOINT":
        stage.entrypoint = json.loads(value)
    elif name == "HEALTHCHECK":
        stage.health_check = json.loads(value.partition("CMD ")[2])
    else:
        assert name == "EXPOSE", f"unknown instruction {name}"


def _expanded(text: str, arguments: Mapping[str, str]) -> str:
    return re.sub(r"\$\{(\w+)\}", lambda found: arguments[found[1]], text)
