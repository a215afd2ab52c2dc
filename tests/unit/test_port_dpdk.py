"""The port of DPDK, by way of port-check, its program: drivers without hardware, and veth pairs for root."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from scapy.layers.igmp import IGMP_MQ, IGMPv2_LG, IGMPv2_MR, IGMPv3_MR
from scapy.layers.inet import IP, UDP, IPOption_Router_Alert
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import rdpcap, wrpcap

import appliance

GROUPS = ["233.54.12.111", "233.54.12.112"]
LINES = [word for group in GROUPS for word in ("--line", f"{group}:26400")]
JOIN, PRESENT, LEAVE = 4, 2, 3
WAIT_S = 60

# The program lies where the library was built: beside the site of a variant, else in the default build.
_NAMED = os.environ.get("APPLIANCE_BUILD")
_BUILDS = [Path(_NAMED)] if _NAMED else []
_BUILDS += [Path(appliance.__file__).parents[2], Path(__file__).parents[2] / "build/default"]
_PROGRAMS = [build / "dpdk_glue/port-check" for build in _BUILDS]
PROGRAM = next((str(program) for program in _PROGRAMS if program.exists()), "")


class Result(NamedTuple):
    """What port-check said and received."""

    opened: dict[str, Any]
    counted: dict[str, Any]
    packets: list[bytes]
    times: list[float]


def command(where: str, *words: str) -> list[str]:
    """How port-check is called for a device."""
    return [PROGRAM, "--kind", "dpdk", "--where", where, *LINES, *words]


def result_of(output: str, capture: Path | None = None) -> Result:
    """Read both lines of JSON, and what was kept."""
    opened, counted = map(json.loads, output.splitlines())
    received = list(rdpcap(str(capture))) if capture else []
    return Result(opened, counted, [bytes(packet) for packet in received], [float(p.time) for p in received])


def check(where: str, *words: str, capture: Path | None = None) -> Result:
    """Run port-check to its end."""
    keep = ["--out", str(capture)] if capture else []
    run = subprocess.run(
        command(where, *words, *keep), capture_output=True, text=True, timeout=WAIT_S, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    return result_of(run.stdout, capture)


def refusal(where: str, *words: str) -> str:
    """The one line with which a device is refused."""
    run = subprocess.run(command(where, *words), capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert run.returncode == 2
    assert run.stdout == ""
    assert run.stderr.count("\n") == 1, run.stderr
    return run.stderr


@pytest.fixture(autouse=True, scope="module")
def _needs_dpdk() -> None:
    if not PROGRAM:
        pytest.skip("port-check is not built here; APPLIANCE_BUILD names the folder of the build")
    run = subprocess.run(command("net_nothing0"), capture_output=True, text=True, timeout=WAIT_S, check=False)
    if "without DPDK" in run.stderr:
        pytest.skip("this build has no DPDK")


def feed(count: int, longest: int = 1400) -> list[Packet]:
    """Packets of both lines, each with its number in it."""
    return [
        Ether(src="02:00:00:00:00:01", dst=f"01:00:5e:36:0c:{111 + number % 2:02x}")
        / IP(src="10.0.0.1", dst=GROUPS[number % 2], ttl=1)
        / UDP(sport=9, dport=26400)
        / (number.to_bytes(4, "big") * (5 + number * 37 % (longest // 4)))
        for number in range(count)
    ]


@pytest.fixture(scope="module")
def packets() -> list[bytes]:
    """Three hundred packets of a feed."""
    return [bytes(packet) for packet in feed(300)]


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory, packets: list[bytes]) -> Path:
    """A capture of them, a millisecond apart."""
    path = tmp_path_factory.mktemp("capture") / "packets.pcap"
    timed = [Raw(packet) for packet in packets]
    for number, packet in enumerate(timed):
        packet.time = 1_700_000_000 + number / 1000
    wrpcap(str(path), timed, linktype=1)
    return path


# --- devices that are software only -------------------------------------------------------------------------


def test_a_capture_comes_in_whole_and_with_its_times(
    tmp_path: Path, capture: Path, packets: list[bytes]
) -> None:
    got = check(f"net_pcap0,rx_pcap={capture}", "--frames", "300", capture=tmp_path / "got")
    assert got.packets == packets
    assert got.times == pytest.approx([1_700_000_000 + number / 1000 for number in range(300)], abs=2e-6)
    assert got.counted["frames"] == 300
    assert got.counted["bytes"] == sum(map(len, packets))
    assert "net_pcap" in got.opened["note"]


def test_packets_longer_than_a_buffer_come_in_whole(tmp_path: Path) -> None:
    long = [
        bytes(Ether() / IP() / UDP() / (bytes([length % 256]) * length))
        for length in (1900, 2040, 2100, 8958)
    ]
    source = tmp_path / "long.pcap"
    wrpcap(str(source), [Raw(packet) for packet in long] * 8, linktype=1)
    got = check(f"net_pcap0,rx_pcap={source}", "--frames", "32", capture=tmp_path / "got")
    assert got.packets == long * 8
    assert got.counted["truncated"] == 0


def test_what_a_ring_sends_comes_back_behind_the_report_of_the_groups(
    tmp_path: Path, capture: Path, packets: list[bytes]
) -> None:
    got = check("net_ring0", "--send", str(capture), "--frames", "301", capture=tmp_path / "got")
    assert got.packets[1:] == packets
    assert got.counted["sent"] == 300
    assert groups_in(Ether(got.packets[0])) == [(JOIN, group) for group in GROUPS]


def test_a_device_gives_as_many_queues_as_it_has(tmp_path: Path) -> None:
    got = check("net_null0,size=64", "--queues", "4", "--frames", "1000")
    assert "4 receive queues" in got.opened["note"]
    assert got.counted["received"] >= 1000


def test_ordinary_memory_does_where_huge_pages_are_not_wanted(
    tmp_path: Path, capture: Path, packets: list[bytes]
) -> None:
    where = f"net_pcap0,rx_pcap={capture}"
    got = check(where, "--frames", "300", "--eal", "--no-huge", capture=tmp_path / "got")
    assert got.packets == packets
    assert "4K pages" in got.opened["note"]


def test_what_is_sent_can_be_written_by_the_device(
    tmp_path: Path, capture: Path, packets: list[bytes]
) -> None:
    written = tmp_path / "written.pcap"
    got = check(f"net_pcap0,tx_pcap={written}", "--send", str(capture), "--times", "2")
    assert got.counted["sent"] == 600
    assert [bytes(packet) for packet in rdpcap(str(written))] == packets * 2


def groups_in(packet: Packet) -> list[tuple[int, str]]:
    """What a report of version 3 says of each group, if it is right in every respect."""
    assert packet[IP].dst == "224.0.0.22"
    assert packet[Ether].dst == "01:00:5e:00:00:16"
    assert packet[IP].ttl == 1
    assert packet[IP].options == [IPOption_Router_Alert()]
    return [(record.rtype, record.maddr) for record in packet[IGMPv3_MR].records]


def test_groups_are_joined_again_after_a_second_and_left_at_the_end(tmp_path: Path) -> None:
    written = tmp_path / "written.pcap"
    source = tmp_path / "one.pcap"
    wrpcap(str(source), feed(1))
    got = check(f"net_pcap0,rx_pcap={source},tx_pcap={written}", "--interface-ip", "10.9.8.7", "--ms", "2500")
    reports = rdpcap(str(written))
    assert [groups_in(report) for report in reports] == [
        [(what, group) for group in GROUPS] for what in (JOIN, JOIN, LEAVE)
    ]
    assert {report[IP].src for report in reports} == {"10.9.8.7"}
    assert got.counted["memberships"] == 2


def test_a_query_is_answered_in_the_version_of_the_router(tmp_path: Path) -> None:
    source, written = tmp_path / "query.pcap", tmp_path / "written.pcap"
    ask = Ether(dst="01:00:5e:00:00:01") / IP(dst="224.0.0.1", ttl=1, options=[IPOption_Router_Alert()])
    wrpcap(str(source), [ask / IGMP_MQ(mrcode=100), *feed(3)])
    check(f"net_pcap0,rx_pcap={source},tx_pcap={written}", "--frames", "4", "--ms", "200")
    joined, *rest = rdpcap(str(written))
    assert groups_in(joined) == [(JOIN, group) for group in GROUPS]
    assert [packet[IGMPv2_MR].gaddr for packet in rest if IGMPv2_MR in packet] == GROUPS
    assert [packet[IGMPv2_LG].gaddr for packet in rest if IGMPv2_LG in packet] == GROUPS


# --- refusals -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ("net_nosuch0", "net_nosuch0 cannot be attached"),
        ("net_pcap0,rx_pcap=/nowhere/to/be/found.pcap", "/nowhere/to/be/found.pcap"),
        ("net_af_xdp0,iface=nosuch0", "no interface is called nosuch0"),
        ("net_af_packet0,iface=nosuch0", "no interface is called nosuch0"),
        ("net_af_xdp0", "names no interface: net_af_xdp0,iface=NAME"),
        ("0000:7f:1f.7", "must be bound to vfio-pci"),
    ],
)
def test_a_device_that_cannot_be_opened_is_told_in_one_line(where: str, told: str) -> None:
    assert told in refusal(where)


def test_a_word_that_eal_does_not_know_is_told_in_one_line() -> None:
    assert "--nonsense" in refusal("net_null0", "--eal", "--nonsense")


# --- veth pairs ---------------------------------------------------------------------------------------------


def ip(*words: str) -> None:
    """Run the tool for interfaces."""
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture(scope="module")
def wire() -> Iterator[tuple[str, str]]:
    """Two ends of a veth pair that carries nothing of its own."""
    if os.geteuid() != 0 or not shutil.which("ip"):
        pytest.skip("only root may make a veth pair")
    ends = [f"tp{os.getpid() % 100_000}{end}" for end in "ab"]
    ip("link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
    try:
        for end in ends:
            with contextlib.suppress(OSError):
                Path(f"/proc/sys/net/ipv6/conf/{end}/disable_ipv6").write_text("1")
            ip("link", "set", end, "up")
        yield ends[0], ends[1]
    finally:
        ip("link", "del", ends[0])


class Receiver(NamedTuple):
    """A port-check that waits for packets; call it for its result."""

    process: subprocess.Popen[str]
    opened: str
    out: Path

    def __call__(self) -> Result:
        said, complaint = self.process.communicate(timeout=WAIT_S)
        assert self.process.returncode == 0, complaint
        return result_of(self.opened + said, self.out)


@contextlib.contextmanager
def receiver(where: str, count: int, out: Path) -> Iterator[Receiver]:
    """Run port-check as a receiver of some packets, from when it is open."""
    words = command(where, "--frames", str(count), "--ms", str(WAIT_S * 1000), "--out", str(out))
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            opened = process.stdout.readline()
            assert opened, process.stderr.read()
            yield Receiver(process, opened, out)
        finally:
            process.kill()


def only_feed(packets: list[bytes]) -> list[bytes]:
    """Packets of the feed's groups: an interface also carries what its host says by itself.

    That takes places among the frames that a receiver waits for, so tests send more than they look at.
    """
    wanted = [int(ipaddress.IPv4Address(group)).to_bytes(4, "big") for group in GROUPS]
    return [packet for packet in packets if packet[30:34] in wanted and packet[23] == 17]


@pytest.mark.parametrize("driver", ["net_af_xdp", "net_af_packet"])
def test_a_wire_carries_packets_from_port_to_port(
    tmp_path: Path, wire: tuple[str, str], capture: Path, packets: list[bytes], driver: str
) -> None:
    with receiver(f"{driver}0,iface={wire[1]}", 330, tmp_path / "got") as result:
        sent = check(f"{driver}0,iface={wire[0]}", "--send", str(capture), "--times", "2")
        got = result()
    assert sent.counted["sent"] == 600
    assert only_feed(got.packets)[:300] == packets
    assert got.counted["dropped"] == 0


def test_a_receiver_that_was_away_finds_what_its_rings_hold(
    tmp_path: Path, wire: tuple[str, str], capture: Path, packets: list[bytes]
) -> None:
    with receiver(f"net_af_xdp0,iface={wire[1]}", 1400, tmp_path / "got") as result:
        result.process.send_signal(signal.SIGSTOP)
        sent = check(f"net_af_xdp0,iface={wire[0]}", "--send", str(capture), "--times", "5")
        result.process.send_signal(signal.SIGCONT)
        got = result()
    assert sent.counted["sent"] == 1500
    assert only_feed(got.packets)[:1200] == packets * 4


def test_a_receiver_that_was_killed_leaves_an_interface_that_another_can_take(
    tmp_path: Path, wire: tuple[str, str], capture: Path, packets: list[bytes]
) -> None:
    where = f"net_af_xdp0,iface={wire[1]}"
    with receiver(where, 1, tmp_path / "first") as first:
        first.process.kill()
        first.process.wait(WAIT_S)
    with receiver(where, 330, tmp_path / "got") as result:
        check(f"net_af_xdp0,iface={wire[0]}", "--send", str(capture), "--times", "2")
        assert only_feed(result().packets)[:300] == packets


def test_an_interface_is_as_before_when_its_port_is_closed(wire: tuple[str, str]) -> None:
    ip("link", "set", wire[1], "xdp", "off")  # of one that was killed
    ip("link", "set", wire[1], "promisc", "off")
    flags = Path(f"/sys/class/net/{wire[1]}/flags")
    before = flags.read_text()
    check(f"net_af_xdp0,iface={wire[1]}", "--ms", "1")
    assert flags.read_text() == before
    shown = subprocess.run(["ip", "link", "show", wire[1]], capture_output=True, text=True, check=True)
    assert "xdp" not in shown.stdout


def test_an_interface_that_is_in_use_is_refused_and_its_receiver_goes_on(
    tmp_path: Path, wire: tuple[str, str], capture: Path, packets: list[bytes]
) -> None:
    where = f"net_af_xdp0,iface={wire[1]}"
    with receiver(where, 330, tmp_path / "got") as result:
        message = refusal(where)
        check(f"net_af_xdp0,iface={wire[0]}", "--send", str(capture), "--times", "2")
        got = result()
        process = result.process.pid
    assert f"another data plane or venue (process {process}) already has interface {wire[1]}" in message
    assert "stop it, or name another interface" in message
    assert only_feed(got.packets)[:300] == packets


def test_the_same_name_in_another_network_namespace_is_another_interface(
    tmp_path: Path, wire: tuple[str, str]
) -> None:
    inside = ["ip", "netns", "exec", f"{wire[1]}ns"]
    ip("netns", "add", inside[3])
    try:
        words = ["link", "add", wire[1], "type", "veth", "peer", "name", "other"]
        subprocess.run([*inside, "ip", *words], check=True)
        subprocess.run([*inside, "ip", "link", "set", wire[1], "up"], check=True)
        with receiver(f"net_af_xdp0,iface={wire[1]}", 1, tmp_path / "got"):
            words = command(f"net_af_xdp0,iface={wire[1]}", "--ms", "1")
            run = subprocess.run(
                [*inside, *words], capture_output=True, text=True, timeout=WAIT_S, check=False
            )
        assert run.returncode == 0, run.stderr
    finally:
        ip("netns", "del", inside[3])
