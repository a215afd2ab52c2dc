"""Any frame on the wire of a DPDK port: each is counted under its reason and harms nothing."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Iterator

import pytest
from e2e.hostile import FRAME_VERDICTS, MOLD_VERDICTS, Frames, mold, payloads
from e2e.pair import ADDRESS, APPLIANCE, pair
from e2e.pair import Frames as Sender
from e2e.truth import Truth
from e2e.wire import can_have_namespace
from e2e.world import Outcome, World, assert_lossless
from model.messages import frame

from appliance.dataplane import Port
from appliance.programs import built_with_dpdk

COPIES = 5
PAUSE_S = 0.0005
DEVICES = ["net_af_packet0,iface={}", "net_af_xdp0,iface={}"]


@pytest.fixture(scope="module", autouse=True)
def _needs(_wire: None) -> None:
    if not can_have_namespace():
        pytest.skip("a veth pair needs root")
    if not built_with_dpdk("dataplane"):
        pytest.skip("this build has no DPDK")


@pytest.fixture(params=DEVICES, ids=["af_packet", "af_xdp"])
def port(request: pytest.FixtureRequest) -> Iterator[Port]:
    """Have a wire, and a port at its end."""
    with pair():
        yield Port("dpdk", request.param.format(APPLIANCE))


def shuffled(kinds: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Each once, then more of them in any order."""
    return kinds + random.Random(5).sample(kinds * COPIES, len(kinds) * COPIES)


def world_on(port: Port, truth: Truth, *options: str | float) -> World:
    """An exchange that sends into the wire, and a data plane that receives through DPDK."""
    return World(truth, ("--interface", ADDRESS, *options), port=port, rate=60_000, linger_s=0.6)


def frame_verdicts(outcome: Outcome) -> dict[str, int]:
    """Frames by verdict, by name."""
    counted = outcome.stats["frames"]["by_verdict"].tolist()
    return dict(zip(FRAME_VERDICTS, counted, strict=False))


def test_every_hostile_frame_is_counted_under_its_reason_and_harms_nothing(truth: Truth, port: Port) -> None:
    with world_on(port, truth, "--loss", 0.02) as world, Sender() as sender, world.watched() as watcher:
        frames = Frames(world.groups[0], ADDRESS, mold(1, 5, frame(truth.bodies[:5])))
        kinds = list(frames.all().values())
        forged: Counter[str] = Counter()
        world.go()
        world.wait_for_messages(2_000)
        for verdict, whole in shuffled(kinds):
            sender.send(whole)
            forged[verdict] += 1
            threading.Event().wait(PAUSE_S)
        outcome = world.finish()
    watcher.check()
    assert_lossless(outcome, truth)
    assert int(outcome.stats["other_destination"]) == forged["other"]
    counted = frame_verdicts(outcome)
    assert sum(counted.values()) == int(outcome.stats["frames"]["frames"])
    refused = {verdict: count for verdict, count in counted.items() if verdict != "udp"}
    if "af_packet" in port.where:  # the kernel keeps the pieces back from a group of packet sockets
        del refused["fragment"]
    assert refused == {verdict: forged[verdict] for verdict in refused}
    lines = [int(outcome.stats["mold"]["line"][line]["packets"]) for line in (0, 1)]
    assert counted["udp"] == sum(lines) + forged["other"]


def test_every_hostile_payload_is_counted_under_its_reason_there_too(truth: Truth, port: Port) -> None:
    kinds = [kind for kind in payloads(truth).values() if len(kind[1]) < 1400]
    with world_on(port, truth, "--same-gap", 0.005) as world, Sender() as sender, world.watched() as watcher:
        frames = Frames(world.groups[1], ADDRESS, b"")
        forged: Counter[str] = Counter()
        world.go()
        world.wait_for_messages(2_000)
        for verdict, payload in shuffled(kinds):
            if not world.is_before(truth.messages * 3 // 4):
                break  # after the end of a session another one is believed
            sender.send(bytes(frames.feed(payload, port=26_401)))
            forged[verdict] += 1
            threading.Event().wait(PAUSE_S)
        outcome = world.finish()
    watcher.check()
    assert_lossless(outcome, truth)
    counted = dict(zip(MOLD_VERDICTS, outcome.verdicts(1), strict=True))
    for verdict in forged.keys() - {"late", "heartbeat"}:
        assert counted[verdict] == forged[verdict], verdict
    assert counted["late"] >= forged["late"]


def test_frames_longer_than_the_wire_of_a_feed_carries_harm_nothing(truth: Truth) -> None:
    """Packet sockets cut them to the size of a buffer, and a cut packet is none."""
    port = Port("dpdk", DEVICES[0].format(APPLIANCE))
    with pair(9000), world_on(port, truth) as world, Sender() as sender, world.watched() as watcher:
        frames = Frames(world.groups[0], ADDRESS, b"")
        world.go()
        world.wait_for_messages(2_000)
        for length in (2100, 4000, 8900):
            sender.send(bytes(frames.feed(mold(1, 1, bytes(length)))))
        outcome = world.finish()
    watcher.check()
    assert_lossless(outcome, truth)
    assert frame_verdicts(outcome)["ip_truncated"] == 3
