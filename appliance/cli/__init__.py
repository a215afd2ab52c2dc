"""The ``appliance`` command: one module per command group, imported only when it is called."""

from __future__ import annotations

import importlib
import os
import signal
import sys

import click

from appliance import __version__
from appliance.errors import ApplianceError

# Command name -> (module of appliance.cli, one line of help). The help stands here so that
# `appliance --help` imports nothing else: start-up stays under 0.2 s.
COMMANDS = {
    "demo": ("demo", "Show what is here, on a market made for it."),
    "run": ("run", "Run the appliance: start its data plane, watch it, serve metrics."),
    "status": ("status", "Say how a running appliance is, on one page."),
    "top": ("top", "Watch a running appliance."),
    "stop": ("stop", "Stop a running appliance, and account for what it did."),
    "kill": ("kill", "Stop all orders, at once and until somebody resumes."),
    "reduce": ("reduce", "Let only orders go that shrink a position."),
    "resume": ("resume", "Open the gate again, after a kill or differences."),
    "risk": ("risk", "Show limits and what is used of them; change and approve them."),
    "positions": ("positions", "What is held of each symbol."),
    "orders": ("orders", "The open orders."),
    "strategy": ("strategy", "Show the strategy, load another, or call none."),
    "stats": ("stats", "Print every counter, or explain them."),
    "config": ("config", "Check a configuration, or print an example."),
    "net": ("net", "Make a local wire: a network namespace with veth pairs."),
    "replay": ("replay", "Run a feed file through the books and report."),
    "book": ("book", "Show a live book; trace the book of a feed file, or list its queues."),
    "bench": ("bench", "Measure this machine: decode, book, wire, ring, journal."),
    "journal": ("journal", "Verify, show or export what was journalled."),
    "reconcile": ("reconcile", "Compare our executions with the venue's drop copy."),
    "synth": ("synth", "Write a synthetic market as a feed file."),
    "venue": ("venue", "Run a simulated exchange: feed, retransmission, snapshots."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List all commands without importing them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"appliance.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="appliance")
def cli() -> None:
    """Order books in software and hardware behind one control plane."""


class OutputClosedError(ApplianceError):
    """There is nowhere to print to."""


def _end_in_order(number: int, _frame: object) -> None:
    """Leave through every block that has something to tidy up."""
    sys.exit(128 + number)


def main() -> None:
    """Run the command line; an ApplianceError is one clear line and exit status 2.

    When the reader of our output has gone, click ends the command without a word and with exit status 1.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end_in_order)
    try:
        if sys.stdout is None:
            raise OutputClosedError("standard output is closed: open it, or send it to /dev/null")
        try:
            cli()
        finally:
            sys.stdout.flush()
    except ApplianceError as error:
        click.echo(f"appliance: {error}", err=True)
        sys.exit(2)
    except OSError as error:
        # What could not be written is given up, or the interpreter would try again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        click.echo(f"appliance: cannot write the output: {error.strerror}: write elsewhere", err=True)
        sys.exit(2)
