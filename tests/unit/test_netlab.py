"""The lab: both sides hear each other, frames carry their checksums, and nothing is left behind."""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from click.testing import CliRunner
from model.command import COMMAND, appliance, refusal
from model.running import running
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from appliance.cli import cli
from appliance.config import build_plan, load_config
from appliance.config.network import interface_address, interface_names
from appliance.netlab import Lab, LabError

# Apart from the labs of others who test on this machine at the same time.
NAME = f"t{os.getpid() % 10_000_000}"
NETWORK = IPv4Network((0x0A600000 + os.getpid() % 4096 * 512, 23))
HERE = ("--name", NAME, "--network", str(NETWORK))
GROUP, PORT = "239.192.55.1", 26455

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")

# Sends datagrams to the group from one side until nobody wants them, or joins it and prints what comes first.
SEND = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
if sys.argv[1]: s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(sys.argv[1]))
while True:
    s.sendto(b"tick " * 20, (sys.argv[2], int(sys.argv[3])))
    time.sleep(0.02)
"""
RECEIVE = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[2], int(sys.argv[3])))
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
             socket.inet_aton(sys.argv[2]) + socket.inet_aton(sys.argv[1] or "0.0.0.0"))
s.settimeout(60)
data, source = s.recvfrom(2000)
print(source[0], len(data))
"""


@pytest.fixture
def lab() -> Iterator[Lab]:
    made = Lab(NAME, NETWORK)
    try:
        yield made
    finally:
        made.down()


def side(lab: Lab, there: bool, script: str, address: str) -> list[str]:
    words = [sys.executable, "-c", script, address, GROUP, str(PORT)]
    return lab.inside(*words) if there else words


@needs_root
@pytest.mark.parametrize("sender_there", [True, False], ids=["from there", "from here"])
@pytest.mark.parametrize("named", [True, False], ids=["interface named", "by the routes"])
def test_multicast_reaches_the_other_side(lab: Lab, sender_there: bool, named: bool) -> None:
    """The side here always names its interface: its routes are those of every lab on this machine."""
    lab.up()
    here, there = str(lab.feed.here_address), str(lab.feed.there_address)
    source, target = (there, here) if sender_there else (here, there)
    sender = side(lab, sender_there, SEND, source if named or not sender_there else "")
    receiver = side(lab, not sender_there, RECEIVE, target if named or sender_there else "")
    with running(receiver, stdout=subprocess.PIPE) as receiving, running(sender):
        assert receiving.communicate(timeout=60)[0].split() == [source, "100"]


@needs_root
def test_here_too_the_group_has_a_route_behind_all_others(lab: Lab) -> None:
    lab.up()
    routes = subprocess.run(["ip", "route"], capture_output=True, text=True, check=True).stdout
    assert f"239.192.0.0/16 dev {lab.feed.here} scope link metric 10000" in routes


@needs_root
@pytest.mark.parametrize("sender_there", [True, False], ids=["from there", "from here"])
def test_what_is_on_the_wire_carries_its_checksums(lab: Lab, sender_there: bool) -> None:
    """Seen on the end here. Scapy computes what they should be."""
    lab.up()
    source = lab.feed.there_address if sender_there else lab.feed.here_address
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)) as wire:
        wire.bind((lab.feed.here, 3))
        wire.settimeout(30)
        with running(side(lab, sender_there, SEND, str(source))):
            frame = _of_our_port(wire)
    said = (frame[IP].chksum, frame[UDP].chksum)
    del frame[IP].chksum, frame[UDP].chksum
    again = Ether(bytes(frame))
    assert said == (again[IP].chksum, again[UDP].chksum)


def _of_our_port(wire: socket.socket) -> Ether:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        frame = Ether(wire.recv(2000))
        if UDP in frame and frame[UDP].dport == PORT:
            return frame
    raise AssertionError("no datagram came")


@needs_root
def test_requests_have_a_wire_of_their_own(lab: Lab) -> None:
    lab.up()
    answer = (
        "import socket; s = socket.create_server(('', 26999)); c, a = s.accept(); c.sendall(a[0].encode())"
    )
    with running(lab.inside(sys.executable, "-c", answer)):
        deadline = time.monotonic() + 30
        while True:
            try:
                with socket.create_connection((str(lab.requests.there_address), 26999), 10) as client:
                    assert client.recv(100).decode() == str(lab.requests.here_address)
                break
            except ConnectionRefusedError:
                assert time.monotonic() < deadline
                time.sleep(0.02)


@needs_root
def test_up_and_down_can_be_said_twice(lab: Lab) -> None:
    assert lab.up()
    index = socket.if_nametoindex(lab.feed.here)
    assert not lab.up()
    assert socket.if_nametoindex(lab.feed.here) == index, "it was left alone"
    assert lab.is_whole()
    assert lab.down()
    assert not lab.down()
    assert lab.parts() == []
    assert not Path("/run/netns", lab.namespace).exists()


@needs_root
@pytest.mark.parametrize("words", [
    ["netns", "add", f"appliance-{NAME}"],
    ["link", "add", f"{NAME}-feed", "type", "veth", "peer", "name", f"{NAME}-feed-v"],
    ["link", "add", f"{NAME}-req-v", "type", "veth", "peer", "name", f"{NAME}-other"],
], ids=["namespace", "pair", "end"])  # fmt: skip
def test_what_an_interrupted_up_has_left_is_removed_or_mended(lab: Lab, words: list[str]) -> None:
    subprocess.run(["ip", *words], check=True)
    assert not lab.is_whole()
    assert lab.parts()
    assert lab.down()
    assert lab.parts() == []
    assert not any(name.startswith(NAME) for name in interface_names())
    subprocess.run(["ip", *words], check=True)
    assert lab.up()
    assert lab.is_whole()


@needs_root
def test_an_up_that_fails_leaves_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_interface: str) -> None:
        raise LabError("no such offload")

    monkeypatch.setattr("appliance.netlab.sender_computes_checksums", refuse)
    with pytest.raises(LabError, match="no such offload"):
        lab.up()
    assert lab.parts() == []


@needs_root
def test_other_settings_and_a_taken_network_are_refused(lab: Lab) -> None:
    lab.up()
    with pytest.raises(LabError, match=r"is up with another network or MTU: .* down"):
        Lab(NAME, NETWORK, mtu=9000).up()
    other = Lab(f"u{NAME[1:]}", NETWORK)
    with pytest.raises(LabError, match=f"interface {NAME}-feed has an address of it .* choose another"):
        other.up()
    assert lab.is_whole()
    assert other.parts() == []


@needs_root
def test_jumbo_frames_are_a_matter_of_the_mtu() -> None:
    jumbo = Lab(NAME, NETWORK, mtu=9000)
    try:
        jumbo.up()
        assert Path("/sys/class/net", jumbo.feed.here, "mtu").read_text().strip() == "9000"
        assert jumbo.is_whole()
    finally:
        jumbo.down()


@needs_root
def test_the_command_makes_it_says_what_to_try_and_removes_it(lab: Lab) -> None:
    runner = CliRunner()
    up = runner.invoke(cli, ["net", "lab", "up", *HERE])
    assert up.exit_code == 0, up.exception
    text = up.stdout
    assert f"lab '{NAME}' is up\n" in text
    commands = [line for line in text.splitlines() if line.startswith("  sudo ")]
    assert f"feed.device=net_af_xdp0,iface={NAME}-feed" in commands[0]
    assert f"ip netns exec appliance-{NAME} " in commands[1]
    assert f"--interface {lab.feed.there_address} " in commands[1]
    assert "is up already" in runner.invoke(cli, ["net", "lab", "up", *HERE]).stdout
    shown = json.loads(runner.invoke(cli, ["net", "lab", "show", *HERE, "--json"]).stdout)
    assert shown["feed"]["here"] == {"interface": f"{NAME}-feed", "address": str(NETWORK[1])}
    assert interface_address(f"{NAME}-feed") == NETWORK[1]
    assert "is removed" in runner.invoke(cli, ["net", "lab", "down", "--name", NAME]).stdout
    assert "was not there" in runner.invoke(cli, ["net", "lab", "down", "--name", NAME]).stdout


@needs_root
def test_what_up_was_told_need_not_be_said_again(lab: Lab) -> None:
    Lab(NAME, NETWORK, mtu=9000).up()
    shown = CliRunner().invoke(cli, ["net", "lab", "show", "--name", NAME, "--json"])
    assert shown.exit_code == 0, shown.exception
    told = json.loads(shown.stdout)
    assert (told["mtu"], told["feed"]["here"]["address"]) == (9000, str(NETWORK[1]))
    assert told["requests"]["there"]["address"] == str(NETWORK[258])
    again = CliRunner().invoke(cli, ["net", "lab", "up", "--name", NAME])
    assert f"lab '{NAME}' is up already" in again.stdout
    lab.down()
    assert Lab.found(NAME) == Lab(NAME)


@needs_root
def test_the_run_that_up_prints_works_beside_the_example_file(lab: Lab, tmp_path: Path) -> None:
    lab.up()
    file = tmp_path / "appliance.toml"
    file.write_text(CliRunner().invoke(cli, ["config", "example"]).stdout)
    shown = CliRunner().invoke(cli, ["net", "lab", "show", "--name", NAME]).stdout
    (line,) = [line for line in shown.splitlines() if " run -- " in line]
    overrides = shlex.split(line)[shlex.split(line).index("--") + 1 :]
    checked = CliRunner().invoke(cli, ["config", "check", str(file), "--", *overrides])
    assert checked.exit_code == 0, checked.exception
    assert f"no mistakes: appliance: port dpdk (net_af_xdp0,iface={lab.feed.here})" in checked.stdout
    port = build_plan(load_config(file, overrides)).ports[0]
    assert (port.kind, port.interface) == ("dpdk", lab.feed.here_address)
    sockets = re.findall(r"feed\.\S+=\S+", shown.splitlines()[-1])
    assert CliRunner().invoke(cli, ["config", "check", str(file), "--", *sockets]).exit_code == 0


def test_one_that_is_not_up_is_one_clear_line() -> None:
    assert f"lab '{NAME}' is not up: make it with appliance net lab up" in refusal(
        "net", "lab", "show", *HERE
    )


@pytest.mark.parametrize("words", [["up"], ["down"]])
def test_without_root_it_says_what_works_without(words: list[str]) -> None:
    become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*become, *COMMAND, "net", "lab", *words, "--name", NAME],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "needs root (CAP_NET_ADMIN" in done.stderr
    assert "without root use the udp port on loopback" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--name", "Lab"], "a name is 1 to 8 small letters and digits"),
        (["--name", "toolongname"], "a name is 1 to 8 small letters"),
        (["--network", "10.0.0.0/24"], "a lab takes one of /23"),
        (["--network", "nonsense"], "network nonsense:"),
        (["--network", "10.66.0.1/23"], "has host bits set"),
    ],
)
def test_wrong_words_are_one_clear_line(words: list[str], said: str) -> None:
    done = CliRunner().invoke(cli, ["net", "lab", "up", *words])
    assert isinstance(done.exception, LabError)
    assert said in str(done.exception)


def test_the_help_says_what_a_lab_is() -> None:
    assert "Needs root; without it, the udp port works on loopback" in " ".join(
        appliance("net", "lab", "--help").stdout.split()
    )
