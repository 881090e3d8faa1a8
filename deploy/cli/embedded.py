"""Commands of the embedded platform, which needs the packages of ``aftersales[embedded]``."""

import typer

from deploy.cli.demo import demo
from deploy.cli.down import down
from deploy.cli.status import status
from deploy.cli.up import up

app = typer.Typer()
for command in (up, down, status, demo):
    app.command()(command)
