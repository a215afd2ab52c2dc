"""``appliance journal``: what was journalled, checked, listed, and as tables."""

from __future__ import annotations

import sys
from itertools import islice
from pathlib import Path
from typing import Any

import click

from appliance.errors import ApplianceError, printable
from appliance.journal import Journal, Record, verify
from appliance.journal.export import write_csv, write_parquet
from appliance.journal.names import kind_name, kinds, number_of, stream_name, streams
from appliance.progress import Progress

_FLAWED = 1
_SHOWN_BYTES = 24

_directory = click.argument("directory", type=click.Path(path_type=Path))


class JournalCommandError(ApplianceError):
    """A word that means nothing here."""


@click.group()
def command() -> None:
    """Verify, show or export the journal of a trading process: a directory of segment files."""


def _numbers(what: str, known: dict[int, str], names: tuple[str, ...]) -> list[int]:
    numbers = [number_of(known, name) for name in names]
    for number, name in zip(numbers, names, strict=True):
        if number is None:
            raise JournalCommandError(f"{what} '{name}': one of {', '.join(known.values())}, or a number")
    return [number for number in numbers if number is not None]


@command.command("verify")
@_directory
def verify_command(directory: Path) -> None:
    """Check every byte, every number, and the chain of hashes. Exit status 1: something is wrong.

    A record at the very end that is not whole is told and is no damage: its writer was killed, or is writing
    there now; the next one that starts cuts it off.
    """
    with Progress("verify", 100) as bar:
        report = verify(directory, lambda done, total: bar.show(100 * done // max(total, 1)))
    for finding in report.findings:
        click.echo(str(finding), err=not finding.harmless)
    if report.segments:
        click.echo(
            f"{report.segments:,} segments from number {report.first_segment}, {report.records:,} records, "
            f"{report.size:,} bytes: {'whole' if report.is_whole else 'DAMAGED'}"
        )
    for stream, last in sorted(report.last.items()):
        click.echo(f"  {stream_name(stream):10} up to record {last:,}")
    if not report.is_whole:
        sys.exit(_FLAWED)


def _row(record: Record) -> str:
    payload = record.payload[:_SHOWN_BYTES].hex() + ("..." if len(record.payload) > _SHOWN_BYTES else "")
    if kind_name(record.kind) == "note":
        payload = printable(record.payload)
    return (
        f"{record.segment:>4} {record.offset:>10} {stream_name(record.stream):10} {record.number:>10} "
        f"{kind_name(record.kind):10} {record.cycles:>20} {len(record.payload):>6} {payload}"
    )


@command.command()
@_directory
@click.option("--kind", "kind_names", multiple=True, help="Only records of this kind; may be given often.")
@click.option("--stream", "stream_names", multiple=True, help="Only records of this stream.")
@click.option("--skip", type=click.IntRange(0), default=0, help="Leave out so many of them.")
@click.option("--limit", type=click.IntRange(1), help="Show at most so many.")
def show(
    directory: Path, kind_names: tuple[str, ...], stream_names: tuple[str, ...], skip: int, limit: int | None
) -> None:
    """List records in their order: segment, byte, stream, number, kind, cycles, size, first bytes or text."""
    wanted = _numbers("kind", kinds(), kind_names)
    of_streams = _numbers("stream", streams(), stream_names)
    records = Journal(directory).records(wanted, of_streams)
    for record in islice(records, skip, None if limit is None else skip + limit):
        click.echo(_row(record))


@command.command()
@_directory
@click.option("--kind", required=True, help="Which records: execution, order, intent, command, packet, ...")
@click.option("--format", "form", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="CSV needs none.")
def export(directory: Path, kind: str, form: str, out: Path | None) -> None:
    """Write the records of one kind as a table, a column for each member of what they hold."""
    (number,) = _numbers("kind", kinds(), (kind,))
    journal = Journal(directory)
    if form == "parquet" and out is None:
        raise JournalCommandError("Parquet is no text: name a file with --out")
    try:
        with Progress("export", 0) as bar:
            rows = _export(journal, number, form, out, lambda done: bar.show(0, f"{done:,} records"))
    except OSError as error:
        raise JournalCommandError(f"{printable(out or Path('-'))}: {error.strerror}") from None
    click.echo(f"{rows:,} records of kind {kind_name(number)}", err=True)


def _export(journal: Journal, kind: int, form: str, out: Path | None, shown: Any) -> int:
    if out is None:
        return write_csv(journal, kind, sys.stdout, shown)
    if form == "parquet":
        return write_parquet(journal, kind, out, shown)
    with out.open("w", newline="") as file:
        return write_csv(journal, kind, file, shown)
