"""The ``aftersales`` command, with one module per subcommand."""

import sys

import typer

from deploy.cli import dead_letters
from deploy.cli.audit import audit
from deploy.cli.demo import demo
from deploy.cli.down import down
from deploy.cli.import_ import import_
from deploy.cli.migrate import migrate
from deploy.cli.new_store import new_store
from deploy.cli.republish import republish
from deploy.cli.status import status
from deploy.cli.terminal import print_error
from deploy.cli.up import up
from deploy.embedded.errors import EmbeddedError

app = typer.Typer(
    help="The after-sales platform of a dealership group.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (up, down, status, demo, audit, migrate, republish, new_store):
    app.command()(command)
app.command("import")(import_)
app.add_typer(dead_letters.app, name="dead-letters")


def main() -> None:
    """Run the command line; an expected error is one line and exit status 1."""
    try:
        app()
    except EmbeddedError as error:
        print_error(str(error))
        sys.exit(1)
