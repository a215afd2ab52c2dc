"""``appliance net``: a local wire to try the appliance on."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Network, NetmaskValueError
from typing import Any

import click

from appliance.netlab import DEFAULT_MTU, DEFAULT_NETWORK, Lab, LabError
from appliance.programs import installed

_REQUESTS, _SNAPSHOTS = 26500, 26501


@click.group()
def command() -> None:
    """Make a local wire between a venue and an appliance."""


@command.group()
def lab() -> None:
    """A network namespace with two veth pairs: one for the feed, one for requests.

    The venue runs in the namespace and the appliance outside of it, or the other way round. Needs root;
    without it, the udp port works on loopback (appliance venue, appliance run, and no lab).
    """


def _lab_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--mtu", type=click.IntRange(576, 9000), show_default=f"as it is up, else {DEFAULT_MTU}",
                     help="9000 for jumbo frames, which AF_XDP on a veth does not take."),
        click.option("--network", show_default=f"as it is up, else {DEFAULT_NETWORK}",
                     help="A /23 of its own."),
        click.option("--name", default="lab", show_default=True, help="Several labs have several names."),
    ):  # fmt: skip
        function = option(function)
    return function


def _lab(name: str, network: str | None, mtu: int | None) -> Lab:
    """Return the lab; what was not said is as it is up, if it is."""
    found = Lab.found(name)
    try:
        return Lab(name, IPv4Network(network) if network else found.network, mtu or found.mtu)
    except (AddressValueError, NetmaskValueError, ValueError) as error:
        raise LabError(f"network {network}: {error}") from None


@lab.command()
@_lab_options
def up(name: str, network: str | None, mtu: int | None) -> None:
    """Make the lab; one that is whole stays as it is, and one that is broken is made again."""
    made = _lab(name, network, mtu)
    was_made = made.up()
    click.echo(f"lab '{name}' is up{'' if was_made else ' already'}")
    click.echo("\n".join(_described(made)))
    click.echo("\n".join(_next(made)))


@lab.command()
@click.option("--name", default="lab", show_default=True)
def down(name: str) -> None:
    """Remove the lab, also what an interrupted `up` has left of it."""
    removed = Lab(name).down()
    click.echo(f"lab '{name}' {'is removed' if removed else 'was not there'}")


@lab.command()
@_lab_options
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def show(name: str, network: str | None, mtu: int | None, as_json: bool) -> None:
    """Say whether the lab is up, and with which interfaces and addresses."""
    shown = _lab(name, network, mtu)
    if not shown.is_whole():
        parts = shown.parts()
        what = f"is not whole (there are {', '.join(parts)})" if parts else "is not up"
        raise LabError(f"lab '{name}' {what}: make it with appliance net lab up")
    if as_json:
        click.echo(json.dumps(_data(shown)))
        return
    click.echo(f"lab '{name}' is up")
    click.echo("\n".join(_described(shown)))
    click.echo("\n".join(_next(shown)))


def _data(lab: Lab) -> dict[str, Any]:
    return {
        "name": lab.name,
        "namespace": lab.namespace,
        "mtu": lab.mtu,
        **{
            title: {
                "here": {"interface": pair.here, "address": str(pair.here_address)},
                "there": {"interface": pair.there, "address": str(pair.there_address)},
            }
            for title, pair in (("feed", lab.feed), ("requests", lab.requests))
        },
    }


def _described(lab: Lab) -> list[str]:
    rows = [f"  here                      {lab.namespace}"]
    for title, pair in (("feed", lab.feed), ("requests", lab.requests)):
        here, there = f"{pair.here} {pair.here_address}", f"{pair.there} {pair.there_address}"
        rows.append(f"  {here:<24}  {there:<26} {title}")
    return rows


def _next(lab: Lab) -> list[str]:
    """Return the two commands to try; both symbols are busy ones of that market."""
    appliance = installed("appliance")
    requests, snapshots = (f"{lab.requests.there_address}:{port}" for port in (_REQUESTS, _SNAPSHOTS))
    venue = [
        "sudo", "ip", "netns", "exec", lab.namespace, appliance, "venue", "--messages", "2000000",
        "--rate", "100000", "--interface", str(lab.feed.there_address), "--requests", requests,
        "--snapshots", snapshots, "--loss", "0.01",
    ]  # fmt: skip
    run = [
        "sudo", appliance, "run", "--", "feed.port=dpdk", f"feed.device=net_af_xdp0,iface={lab.feed.here}",
        f"recovery.retransmission={requests}", f"recovery.snapshot={snapshots}",
        'books.symbols=["DWEH", "EORX"]',
    ]  # fmt: skip
    return [
        "next, in two terminals: the appliance here, then the venue in the namespace",
        f"  {shlex.join(run)}",
        f"  {shlex.join(venue)}",
        f"kernel sockets instead of AF_XDP: feed.port=udp feed.interface={lab.feed.here_address}",
    ]
