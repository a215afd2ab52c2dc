"""The configuration: what it takes, and that every mistake is told with its line, all at once."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from model.command import appliance, refusal

from appliance.cli.config import summary
from appliance.config import ConfigError, build_plan, load_config, parse_config
from appliance.config.positions import key_lines
from appliance.config.rules import online_cores
from appliance.native import ffi

SHORTEST = 'books.symbols = ["SPY"]\n'
EXAMPLE = (files("appliance.config") / "example.toml").read_text()


def mistakes(text: str, *overrides: str) -> list[str]:
    """List what is wrong with a text that must be refused."""
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "t.toml", overrides)
    return [str(mistake) for mistake in caught.value.mistakes]


def the_mistake(text: str, *overrides: str) -> str:
    """Return what is wrong with a text that has one mistake."""
    (only,) = mistakes(text, *overrides)
    return only


def test_the_shortest_file_receives_what_the_venue_sends_on_this_host() -> None:
    plan = build_plan(parse_config(SHORTEST))
    (port,) = plan.ports
    assert (port.kind, port.where, str(port.interface)) == ("udp", "", "127.0.0.1")
    assert [(str(line.group), line.udp_port, line.port) for line in plan.lines] == [
        ("239.192.1.1", 26400, 0),
        ("239.192.1.2", 26401, 0),
    ]
    assert plan.symbols == ("SPY",)
    assert (plan.feed_core, plan.cold_core, plan.window_packets) == (-1, -1, 16384)
    assert plan.recovery.request == (IPv4Address(0), 0)
    assert plan.die_with_parent
    assert plan.hold, "another session may begin"


def test_the_example_says_the_defaults() -> None:
    example = parse_config(EXAMPLE)
    shortest = parse_config('[books]\nsymbols = ["SPY", "QQQ"]\n[feed]\ninterface = "127.0.0.1"\n[feed.a]\n')
    assert example == shortest


def test_each_key_of_the_example_that_is_commented_out_is_a_key() -> None:
    """With its # taken away, no line is unknown or of the wrong type: what remains are contradictions."""
    text = "\n".join(
        line[2:] if line.startswith("# ") and " = " in line and not line.startswith('# port = "') else line
        for line in EXAMPLE.split("\n")
    )
    words = (
        "only a port of kind", "there is recovery.password too", "has no interface", "cores for the 0 groups",
        "there is gateway.password too",
    )  # fmt: skip
    found = mistakes(text)
    assert [line for line in found if not any(word in line for word in words)] == []
    assert len(found) == 11, found


def test_every_mistake_is_told_at_once_and_with_its_line() -> None:
    text = """\
name = "no spaces please"
[feed]
prot = "udp"
queues = "two"
[feed.a]
group = "10.1.1.1:26400"
[recovery]
snapshot = "server"
gap_wait_us = -1
[books]
symbols = [
    "SPY",
    "TOOLONGNAME",
    "SPY",
]
[cores]
feed = true
[metrics]
listen = "0.0.0.0:9464"
[nonsense]
"""
    found = mistakes(text)
    assert [line.split(": ")[0] for line in found] == [
        f"t.toml:{line}" for line in (1, 3, 4, 4, 6, 8, 9, 13, 14, 17, 19, 20)
    ]
    for part, line in (
        ('name: "no spaces please" is not a name', found[0]),
        ("feed.prot is not known: did you mean port?", found[1]),
        ('feed.queues: "two" is not a whole number from 1 to 16', found[2]),
        ("feed.queues: only a port of kind dpdk has it", found[3]),
        ("10.1.1.1 is not a multicast address", found[4]),
        ('"server" is not ADDRESS:PORT', found[5]),
        ("-1 is not a whole number from 0", found[6]),
        ('books.symbols[2]: "TOOLONGNAME" is not a symbol', found[7]),
        ('books.symbols[3]: "SPY" is there already, as number 1', found[8]),
        ("true is not a whole number", found[9]),
        ("0.0.0.0 is not a loopback address", found[10]),
        ("nonsense is not known: known here: books, name, feed", found[11]),
    ):
        assert part in line


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "t.toml: books.symbols is missing"),
        ("\n[books]\norders = 3", "t.toml:2: books.symbols is missing"),
        ("books = 3", "t.toml:1: books: 3 is not a section: write [books]"),
        ("books.symbols = []", "0 symbols: a data plane publishes 1 to 1,024"),
        ('books.symbols = "SPY"', 'a list of symbols, e.g. ["SPY", "QQQ"]'),
        ('books.symbols = ["A B"]', '"A B" is not a symbol'),
        (f"books.symbols = {[f'S{n}' for n in range(1025)]}", "1,025 symbols"),
        (SHORTEST + 'feed.port = "tcp"', '"tcp" is not one of "udp", "dpdk", "file"'),
        (SHORTEST + 'feed.port = "dpdk"', "feed.device is missing: a dpdk port needs one for line A"),
        (SHORTEST + '[feed]\nport = "dpdk"\na.device = "net_null0"', "needs one for line B"),
        (SHORTEST + 'feed.port = "file"', "feed.file is missing"),
        (SHORTEST + '[feed]\nport = "file"\nfile = "/none"', "t.toml:4: feed.file: /none: no such file"),
        (SHORTEST + '[feed]\nport = "file"\nfile = "/dev/null"\npace = "rate"', "feed.rate is missing"),
        (SHORTEST + '[feed]\nport = "file"\nfile = "/dev/null"\nrate = 5', 'only pace = "rate" has one'),
        (SHORTEST + '[feed]\nport = "file"\nfile = "/tmp"', "t.toml:4: feed.file: /tmp: a directory: "),
        (SHORTEST + 'feed.device = "x"', "only a port of kind dpdk has it"),
        (SHORTEST + 'feed.interface = "eth999"', 'this machine has no interface "eth999"; there are '),
        (SHORTEST + 'feed.interface = "192.0.2.77"', 'no interface with the address "192.0.2.77"; '),
        (SHORTEST + 'feed.a.interface = "192.0.2.77"', "t.toml:2: feed.a.interface: this machine has no"),
        (SHORTEST + '[feed]\nport = "dpdk"\ndevice = "net_af_xdp0,iface=eth999"',
         't.toml:4: feed.device: this machine has no interface "eth999"; there are '),
        (SHORTEST + '[feed]\nport = "dpdk"\ndevice = "net_null0"\nb.device = "net_af_packet0,iface=eth999"',
         't.toml:5: feed.b.device: this machine has no interface "eth999"'),
        (SHORTEST + '[feed]\nport = "dpdk"\ndevice = "net_af_xdp0"', "no interface: net_af_xdp0,iface=NAME"),
        (SHORTEST + 'feed.interface = "10.0.0"', "the name of an interface or its IPv4 address"),
        (SHORTEST + 'feed.b.group = "239.192.1.1:26400"', "both lines are 239.192.1.1:26400"),
        (SHORTEST + 'feed.a.group = "239.192.1.2:26401"', "t.toml:2: feed.a.group: both lines"),
        (SHORTEST + 'feed.a.group = "239.192.1.2"', "is not ADDRESS:PORT of a multicast group"),
        (SHORTEST + 'feed.a.group = "239.192.1.2:0"', "is not ADDRESS:PORT of a multicast group"),
        (SHORTEST + 'feed.a.group = "239.192.1.2:65536"', "is not ADDRESS:PORT of a multicast group"),
        (SHORTEST + '[feed]\nlines = 1\n[feed.b]', "there is no line B when feed.lines is 1"),
        (SHORTEST + 'feed.receive_buffer = "8 MB"', 'as "8 MiB" or "512 KiB"'),
        (SHORTEST + 'recovery.user = "me"', "there is no recovery.snapshot to log in to"),
        (SHORTEST + '[recovery]\nsnapshot = "1.2.3.4:5"\nuser = "toolong"', "text of 1 to 6 ASCII"),
        (SHORTEST + '[recovery]\nsnapshot = "1.2.3.4:5"\npassword = "a"\npassword_file = "b"', "keep one"),
        (SHORTEST + '[recovery]\nsnapshot = "1.2.3.4:5"\npassword_file = "/b"', "/b: No such file"),
        (SHORTEST + '[recovery]\nsnapshot = "1.2.3.4:5"\npassword_file = "/dev/null"', "not a password"),
        (SHORTEST + 'recovery.snapshot = "239.1.1.1:5"', "no server's address"),
        (SHORTEST + "recovery.request_longest = 10", "less than the 500 messages of one request"),
        (SHORTEST + "recovery.window_packets = 65537", "from 1 to 65,536"),
        (SHORTEST + "recovery.request_tires = 3", "did you mean request_tries?"),
        (SHORTEST + 'recovery.device = "x"', "recovery.device is not known: did you mean feed.device?"),
        (SHORTEST + "cores.feed = 1023", "this machine has no core 1023"),
        (SHORTEST + "[cores]\nfeed = 0\ncold = 0", "core 0 is the feed's"),
        (SHORTEST + 'metrics.listen = "127.0.0.1"', 'ADDRESS:PORT or "off"'),
        (SHORTEST + 'metrics.listen = "8.8.8.8:53"', "not a loopback address"),
        (SHORTEST + 'name = "a/b"', "is not a name"),
        (SHORTEST + 'name = ".hidden"', "is not a name"),
        (SHORTEST + "memory.lock = 1", "1 is not true or false"),
        (SHORTEST + "feed = [1]", "a list of 1 is not a section"),
    ],
)  # fmt: skip
def test_one_mistake_is_one_line_that_says_what_to_do(text: str, words: str) -> None:
    assert words in the_mistake(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = [1,\n2\n", 3),
        ("[x\n", 1),
        ('a = "x\ny"\n', 1),
        ("\n\na = 1\na = 2\n", 4),
        ("=\n", 1),
    ],
)
def test_what_is_not_toml_is_told_with_its_line(text: str, line: int) -> None:
    assert the_mistake(text).startswith(f"t.toml:{line}: not TOML: ")


def test_a_file_that_is_not_utf8_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    path.write_bytes(b'name = "x"\nname = "\xff"\n')
    with pytest.raises(ConfigError, match=r"t\.toml:2: not UTF-8"):
        load_config(path)


def test_overrides_win_over_the_file_and_are_named_when_wrong() -> None:
    config = parse_config(
        SHORTEST + 'name = "one"',
        "t",
        ["name=two", "feed.lines=1", "books.symbols=['A', 'B']", "cores.feed=0"],
    )
    assert (config.name, config.feed.lines, config.books.symbols, config.cores.feed) == (
        "two",
        1,
        ("A", "B"),
        0,
    )
    assert mistakes(SHORTEST, "feed.lines=3", "feed", "nmae=x", "name.x=1") == [
        "-- feed: write section.key=VALUE, e.g. feed.port=udp",
    ]
    assert mistakes(SHORTEST + "cores.feed = true", "feed.lines=3", "feed.a.gruop=x") == [
        "t.toml:2: cores.feed: true is not a whole number from -1 to 1,023",
        "-- feed.lines=3: feed.lines: 3 is not a whole number from 1 to 2",
        "-- feed.a.gruop=x: feed.a.gruop is not known: did you mean group?",
    ]
    assert "name is not a section" in the_mistake(SHORTEST + 'name = "x"', "name.y=1")


def test_another_port_for_one_run_leaves_aside_what_only_the_files_port_has() -> None:
    config = parse_config(EXAMPLE, "t", ["feed.port=dpdk", "feed.device=net_null0", "feed.queues=2"])
    assert (config.feed.port, config.feed.device, config.feed.queues) == ("dpdk", "net_null0", 2)
    assert config.left_aside == ("feed.busy_poll_us", "feed.receive_buffer")
    assert "not used, as it is for another port: feed.busy_poll_us, feed.receive_buffer" in summary(config)
    port = build_plan(config).ports[0]
    assert (port.kind, port.interface) == ("dpdk", IPv4Address(0)), "127.0.0.1 is nobody's on a wire"
    asks = SHORTEST + 'recovery.snapshot = "127.0.0.1:26501"\nfeed.a.interface = "lo"'
    config = parse_config(asks, "t", ["feed.port=file", "feed.file=/dev/null", "feed.b.group=239.192.1.2:1"])
    assert config.left_aside == ("feed.a.interface", "recovery.snapshot")
    back = SHORTEST + '[feed]\nport = "file"\nfile = "/none"\npace = "rate"'
    assert parse_config(back, "t", ["feed.port=udp"]).left_aside == ("feed.file", "feed.pace")


def test_an_override_that_does_not_fit_the_port_is_refused_as_before() -> None:
    assert "only a port of kind udp has it" in the_mistake(
        EXAMPLE, "feed.port=dpdk", "feed.device=net_null0", "feed.busy_poll_us=5"
    )
    assert "only a port of kind udp has it" in the_mistake(
        SHORTEST + '[feed]\nport = "dpdk"\ndevice = "net_null0"\nbusy_poll_us = 5', "feed.port=dpdk"
    )
    assert "only a port of kind file has it" in the_mistake(
        SHORTEST + 'feed.pace = "flat"', "feed.port=dpdk", "feed.device=net_null0"
    )


def test_everything_of_a_full_configuration_reaches_the_plan(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    (tmp_path / "t.toml").write_text("""\
name = "es"
[feed]
port = "dpdk"
device = "net_af_xdp0,iface=lo"
queues = 3
eal = "--no-huge"
a.group = "239.1.1.1:1000"
[feed.b]
group = "239.1.1.2:1000"
device = "0000:03:00.0"
interface = "10.1.2.3"
[recovery]
retransmission = "10.0.0.1:2000"
snapshot = "10.0.0.2:3000"
user = "me"
password_file = "secret"
gap_wait_us = 1
request_timeout_ms = 2
request_tries = 3
request_messages = 4
request_longest = 5
snapshot_timeout_ms = 6
snapshot_retry_ms = 7
silence_ms = 8
far_messages = 9
window_packets = 10
[books]
symbols = ["A", "B.C"]
orders = 11
order_pages = 12
levels = 13
locates = 14
[cores]
feed = 0
[memory]
lock = true
""")
    record = build_plan(load_config(tmp_path / "t.toml")).record()
    names = ffi()
    kinds = names.typeof("enum plan_port_kind").relements
    assert int(record["ports"]) == int(record["lines"]) == 2
    assert [bytes(port["where"]) for port in record["port"]] == [b"net_af_xdp0,iface=lo", b"0000:03:00.0"]
    assert {int(port["kind"]) for port in record["port"]} == {kinds["PLAN_PORT_DPDK"]}
    assert [int(port["rx_queues"]) for port in record["port"]] == [3, 3]
    assert [int(port["interface_ip"]) for port in record["port"]] == [0x7F000001, 0x0A010203]
    assert record["line"].tolist() == [(0xEF010101, 1000, 0), (0xEF010102, 1000, 1)]
    recovery = record["recovery"]
    assert [int(recovery[name]) for name in ("request_ip", "request_port")] == [0x0A000001, 2000]
    assert [int(recovery[name]) for name in ("snapshot_ip", "snapshot_port")] == [0x0A000002, 3000]
    assert bytes(recovery["user"]) == b"me    "
    assert bytes(recovery["password"]) == b"hunter2   "
    assert [int(recovery[name]) for name in recovery.dtype.names[6:]] == [1, 2000, 3, 4, 5, 6, 7, 8, 9]
    assert record["books"].tolist() == (11, 12, 13, 14, 1)
    assert (int(record["window_packets"]), int(record["feed_core"]), int(record["cold_core"])) == (10, 0, -1)
    assert bytes(record["eal"]) == b"--no-huge"
    flags = names.typeof("enum plan_flag").relements
    assert int(record["flags"]) == sum(
        flags[f"PLAN_{name}"] for name in ("LOCK_MEMORY", "DIE_WITH_PARENT", "HOLD")
    )


def test_a_file_feed_finds_its_lines_in_the_file_unless_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "day").touch()
    text = SHORTEST + '[feed]\nport = "file"\nfile = "day"\npace = "rate"\nrate = 7\nhold = true\n'
    plan = build_plan(parse_config(text, folder=tmp_path))
    (port,) = plan.ports
    assert (port.where, port.pace, port.pace_rate, plan.lines) == (str(tmp_path / "day"), "rate", 7, ())
    assert plan.hold
    assert not build_plan(parse_config(text.replace("hold = true\n", ""), folder=tmp_path)).hold
    named = build_plan(parse_config(text + "[feed.a]\n[feed.b]\n", folder=tmp_path))
    assert [line.udp_port for line in named.lines] == [26400, 26401]


def test_lines_on_two_interfaces_come_in_at_two_ports() -> None:
    plan = build_plan(parse_config(SHORTEST + '[feed]\na.interface = "lo"\nb.interface = "127.0.0.1"\n'))
    assert [(port.where, str(port.interface)) for port in plan.ports] == [
        ("lo", "0.0.0.0"),
        ("", "127.0.0.1"),
    ]
    assert [line.port for line in plan.lines] == [0, 1]


def test_the_cores_of_this_machine_are_those_it_runs_on() -> None:
    assert 0 in online_cores() or online_cores()
    assert online_cores() <= set(range(1024))


NAMES = st.text("abcxyz-_09", min_size=1, max_size=4)
SCALARS = st.sampled_from(
    [
        "1",
        "-0.5e3",
        "true",
        '"a#]=[\\"b"',
        "'c#=\"'",
        '"""\nm#ulti"\n= [\n"""',
        "'''\nx = \n'''",
        "1979-05-27 07:32:00",
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3).map(lambda parts: "[ # [\n" + ",\n".join(parts) + "\n]"),
    max_leaves=4,
)


SECTIONS = st.lists(
    st.tuples(NAMES, st.lists(st.tuples(NAMES, VALUES), max_size=4, unique_by=lambda pair: pair[0])),
    max_size=4,
    unique_by=lambda section: section[0],
)


@given(SECTIONS)
def test_every_key_is_found_on_the_line_it_was_written_on(
    sections: list[tuple[str, list[tuple[str, str]]]],
) -> None:
    text = "# first\n\n"
    wanted: dict[tuple[str, ...], int] = {}
    for section, pairs in sections:
        wanted[section,] = text.count("\n") + 1
        text += f"[{section}] # =\n"
        for name, value in pairs:
            wanted[section, name] = text.count("\n") + 1
            text += f'  "{name}"  = {value}  # "\n\n'
    tomllib.loads(text)
    found = key_lines(text)
    assert {path: line for path, line in found.items() if not isinstance(path[-1], int)} == wanted


def test_dotted_keys_inline_tables_and_lists_have_lines_too() -> None:
    text = (
        'a.b = 1\nc = {d = [\n1,\n2], "e.f" = {g = 3}}\n[[h]]\ni = 1\n[[h]]\n\ni = 2\n[h.j]\nk = 1\r\nl = 2\n'
    )
    assert key_lines(text) == {
        ("a",): 1, ("a", "b"): 1, ("c",): 2, ("c", "d"): 2, ("c", "d", 0): 3, ("c", "d", 1): 4,
        ("c", "e.f"): 4, ("c", "e.f", "g"): 4, ("h",): 5, ("h", 0): 5, ("h", 0, "i"): 6, ("h", 1): 7,
        ("h", 1, "i"): 9, ("h", 1, "j"): 10, ("h", 1, "j", "k"): 11, ("h", 1, "j", "l"): 12,
    }  # fmt: skip


def test_the_command_checks_a_file_and_prints_an_example_that_passes(tmp_path: Path) -> None:
    path = tmp_path / "t.toml"
    path.write_text(appliance("config", "example").stdout)
    assert "no mistakes: appliance: port udp" in appliance("config", "check", path).stdout
    assert "t.toml:2: nmae is not known: did you mean name?" in refusal(
        "config", "check", _written(path, "\nnmae = 1\n" + SHORTEST)
    )
    assert "no such file" in refusal("config", "check", tmp_path / "none.toml")
    done = appliance("config", "check", _written(path, "nmae = 1\nfeeed = 2\n" + SHORTEST))
    assert done.returncode == 2
    assert done.stderr.splitlines()[0].endswith("2 mistakes, and nothing was started")
    assert len(done.stderr.splitlines()) == 3


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path
