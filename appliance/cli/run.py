"""``appliance run``: the appliance itself."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click

from appliance.cli.config import summary
from appliance.config import DEFAULT_FILE, Config, build_plan, load_config, parse_config
from appliance.keeper import Keeper
from appliance.observe.metrics import MetricsServer
from appliance.risk.state import AUDIT
from appliance.risk.watch import TradingWatch
from appliance.supervisor import Supervisor


@click.command()
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path),
    default=DEFAULT_FILE,
    show_default=True,
    help="The configuration; `appliance config example` prints one.",
)
@click.option("--name", help="Another name than the configuration's.")
@click.option(
    "--no-restart", is_flag=True, help="End when the data plane dies, instead of starting it again."
)
@click.argument("overrides", nargs=-1)
def command(file: Path, name: str | None, no_restart: bool, overrides: tuple[str, ...]) -> None:
    """Start the data plane, watch it, and serve its metrics, until SIGTERM or Ctrl-C.

    OVERRIDES are section.key=VALUE and win over the file: appliance run -- feed.port=udp cores.feed=1
    With overrides, appliance.toml need not be there.

    Ports: udp takes kernel sockets, and needs no root; dpdk goes past the kernel (a PCI card bound to vfio,
    or net_af_xdp on an interface); file reads a feed file. Lines A and B are two copies of one feed: of each
    packet the first copy counts, and a gap in one is filled from the other, then by retransmission, then by
    a snapshot; until it is filled the books are stale, and say so.

    When the data plane dies it is started again, at once the first time; after five deaths within ten seconds
    of their start it is given up. With trading.mode = "live" the gate is shut after each start, until the
    venue has told what it knows and that fits what was on record; `appliance kill` shuts it for good. All
    that comes and goes is journalled (`[journal]`); while it cannot be written, no order goes.
    If `run` itself is killed, the data plane stops.
    """
    named = (f"name={name}",) if name else ()
    given = (*overrides, *named)
    if overrides and str(file) == DEFAULT_FILE and not file.exists():
        config = parse_config("", "no configuration file", given)
    else:
        config = load_config(file, given)
    plan = build_plan(config)
    companion = TradingWatch(config, _say) if plan.trading else None
    keeper = _keeper(config)
    supervisor = Supervisor(
        config.name, plan, _say, restarts=not no_restart, companion=companion, journal=keeper
    )
    note = summary(config).split(": ", 1)[1]
    listen = config.metrics.listen
    serving = MetricsServer(listen, supervisor.read, supervisor.deaths) if listen else None
    with keeper or nullcontext(), serving or nullcontext():
        supervisor.ready_note = f"{note}; " + (f"metrics on {serving.address}" if serving else "no metrics")
        supervisor.run()


def _keeper(config: Config) -> Keeper | None:
    if config.journal_directory is None:
        return None
    return Keeper(
        config.journal_directory,
        sync_s=config.journal.sync_ms / 1e3,
        core=None if config.cores.journal < 0 else config.cores.journal,
        audit=config.state_directory / AUDIT,
        say=_say,
    )


def _say(text: str) -> None:
    click.echo(text)
