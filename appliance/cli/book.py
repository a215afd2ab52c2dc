"""``appliance book``: a live book; the books of a feed file, message by message or order by order."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click

from appliance.cli.book_show import show
from appliance.errors import ApplianceError, printable
from appliance.progress import Progress
from appliance.replay.feed import ALL, FeedFile

SIDES = ((0, "B"), (1, "S"))


class OutputError(ApplianceError):
    """The output cannot be written."""


class UnknownSymbolError(ApplianceError):
    """The feed does not name this symbol."""


@click.group()
def command() -> None:
    """Show a live book; look at the books of a feed file."""


command.add_command(show)


@contextmanager
def _output(path: Path | None, feed: Path) -> Iterator[BinaryIO]:
    if path is None:
        # Our own writer: with PYTHONUNBUFFERED, Python's leaves out what a pipe does not take at once.
        with open(sys.stdout.fileno(), "wb", closefd=False) as file:
            yield file
        return
    try:
        if path.exists() and path.samefile(feed):
            raise OutputError(f"{printable(path)}: is the feed file itself: choose another --out")
        with path.open("wb") as file:
            yield file
    except OSError as error:
        raise OutputError(f"{printable(path)}: {error.strerror}: choose another --out") from None


def _check_symbol(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is not None and (not value.isascii() or not 1 <= len(value) <= 8):
        raise click.BadParameter("a symbol is 1 to 8 ASCII characters")
    return value


@command.command()
@click.argument("file", type=click.Path(readable=False, path_type=Path))
@click.option("--symbol", callback=_check_symbol, help="Only this symbol.")
@click.option("--depth", type=click.IntRange(1, 1000), default=1, show_default=True, help="Levels a side.")
@click.option("--out", type=click.Path(path_type=Path), help="CSV file to write; else standard output.")
def trace(file: Path, symbol: str | None, depth: int, out: Path | None) -> None:
    """Print a row for every message that touched a book.

    sequence,venue_ns,locate,symbol,type, then for each level ask_px,ask_qty,bid_px,bid_qty. Prices are
    integers in 1/10,000 dollar; an empty level is 0,0.
    """
    with (
        FeedFile(file) as feed,
        _output(out, file) as output,
        Progress(printable(file.name), feed.progress[1]) as bar,
    ):
        header = "sequence,venue_ns,locate,symbol,type"
        for level in range(1, depth + 1):
            header += f",ask_px_{level},ask_qty_{level},bid_px_{level},bid_qty_{level}"
        output.write(header.encode() + b"\n")
        found = False
        for rows in feed.trace(depth, symbol):
            output.write(rows)
            found = found or bool(rows)
            bar.show(feed.progress[0])
        if symbol is not None and not found and feed.books.locate(symbol) is None:
            raise UnknownSymbolError(f"{printable(file)}: no message names {symbol}")


@command.command()
@click.argument("file", type=click.Path(readable=False, path_type=Path))
@click.option("--symbol", required=True, callback=_check_symbol, help="The symbol whose queue to list.")
@click.option(
    "--at", type=click.IntRange(0, ALL), default=None, help="After this sequence number (default: the last)."
)
def orders(file: Path, symbol: str, at: int | None) -> None:
    """List every resting order of a symbol: side,px,reference,qty, best price first, oldest first."""
    with FeedFile(file) as feed, Progress(printable(file.name), feed.progress[1]) as bar:
        for _ in feed.advance(ALL if at is None else at):
            bar.show(feed.progress[0])
        books = feed.books
        locate = books.locate(symbol)
        if locate is None:
            up_to = "" if at is None else f" up to sequence {at}"
            raise UnknownSymbolError(f"{printable(file)}: no message{up_to} names {symbol}")
        click.echo("side,px,reference,qty")
        for side, letter in SIDES:
            rows = [
                f"{letter},{order['px']},{order['reference']},{order['qty']}"
                for order in books.queue(locate, side)
            ]
            if rows:
                click.echo("\n".join(rows))
