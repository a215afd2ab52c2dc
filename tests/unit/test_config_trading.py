"""The sections of trading: what they take, and that their mistakes are told with their line."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest

from appliance.config import ConfigError, build_plan, parse_config
from appliance.config.rules import online_cores

LIVE = """\
[books]
symbols = ["SPY", "QQQ"]
[trading]
mode = "live"
[strategy]
name = "imbalance"
params = { percent = 70 }
[gateway]
server = "127.0.0.1:26502"
[limits.account]
gross_dollars = 1000000
[limits.symbol]
order_qty = 100
collar_bps = 500
[limits.symbols.SPY]
order_qty = 300
"""
SHORTEST = 'books.symbols = ["SPY"]\n'


def mistakes(text: str, *overrides: str) -> list[str]:
    """List what is wrong with a text that must be refused."""
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "t.toml", overrides)
    return [str(mistake) for mistake in caught.value.mistakes]


def the_mistake(text: str, *overrides: str) -> str:
    """Return what is wrong with a text that has one mistake."""
    (only,) = mistakes(text, *overrides)
    return only


def test_books_only_is_the_default_and_then_nothing_of_trading_is_planned() -> None:
    assert build_plan(parse_config(SHORTEST)).trading is None
    assert build_plan(parse_config(LIVE, overrides=["trading.mode=off"])).trading is None


def test_a_live_configuration_says_all_that_the_stages_are_told() -> None:
    trading = build_plan(parse_config(LIVE)).trading
    assert trading is not None
    assert (trading.mode, trading.groups) == ("live", (("feed", "strategy", "risk", "gateway"),))
    assert trading.gateway == (IPv4Address("127.0.0.1"), 26502)
    assert trading.strategy.endswith("/imbalance.so")
    # The members in the order of the strategy's source: percent, qty, spread_px, rests; four bytes each.
    assert trading.params == b"".join(value.to_bytes(4, "little") for value in (70, 100, 200, 0))
    limits = trading.limits
    assert (limits.account.gross_dollars, limits.account.order_qty) == (1_000_000, None)
    assert (limits.of("SPY").order_qty, limits.of("SPY").collar_bps) == (300, 500)
    assert (limits.of("QQQ").order_qty, limits.of("QQQ").collar_bps) == (100, 500)


def test_trading_is_journalled_beside_the_file_unless_it_says_otherwise(tmp_path: Path) -> None:
    live = parse_config(LIVE, "t.toml", (), tmp_path)
    assert live.journal_directory == tmp_path / "appliance.journal"
    named = parse_config(LIVE, "t.toml", ["journal.directory=day", "name=other"], tmp_path)
    assert named.journal_directory == tmp_path / "day"
    assert parse_config(LIVE, "t.toml", ["journal.enabled=false"], tmp_path).journal_directory is None
    assert parse_config(SHORTEST, "t.toml", (), tmp_path).journal_directory is None
    assert (live.journal.sync_ms, live.cores.journal) == (1000, -1)


def test_the_journal_has_no_core_whose_thread_never_sleeps() -> None:
    if {0, 1} <= online_cores():
        assert "nothing would be written" in the_mistake(LIVE, "cores.feed=1", "cores.journal=1")
        parse_config(LIVE, "", ["cores.feed=1", "cores.journal=0"])


def test_a_symbol_without_limits_is_not_tradable() -> None:
    text = LIVE.replace("[limits.symbol]\norder_qty = 100\ncollar_bps = 500\n", "")
    trading = build_plan(parse_config(text)).trading
    assert trading is not None
    assert (trading.limits.of("SPY").order_qty, trading.limits.of("QQQ").order_qty) == (300, 0)


def test_live_without_strategy_gateway_or_limits_says_what_to_add() -> None:
    found = mistakes(SHORTEST + 'trading.mode = "live"\n')
    assert len(found) == 3
    assert all(line.startswith('t.toml:2: trading.mode is "live", and') for line in found)
    for words in ('[strategy] name = "imbalance"', '[gateway] server = "127', "add [limits.symbol]"):
        assert any(words in line for line in found), words


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("trading.placement", '["feed+risk"]', "every stage stands once, and in order"),
        ("trading.placement", '["feed+strategy", "gateway", "risk"]', "every stage stands once"),
        ("trading.placement", '["feed+tea"]', '"tea" is not a stage'),
        ("trading.placement", '"feed"', "is not a list of groups"),
        ("trading.orders", "1000", "1000 is not a power of two"),
        ("trading.mode", '"paper please"', 'is not one of "off", "live"'),
        ("strategy.params", "{ percent = 20 }", "it takes 50 to 100"),
        ("strategy.params", "{ percnt = 80 }", "has no parameter 'percnt'"),
        ("strategy.params", '{ percent = "x" }', "is not a whole number"),
        ("strategy.name", '"nothing-like-it"', "neither one of imbalance"),
        ("gateway.user", '"longer than six"', "text of 1 to 6 ASCII characters"),
        ("gateway.capacity", '"X"', 'is not one of "A", "P", "R", "O"'),
        ("limits.symbol.order_qtty", "1", "did you mean order_qty?"),
        ("limits.symbol.order_qty", "-1", "is not a whole number from 0"),
        ("limits.symbol.gross_dollars", "1", "only the account and the strategy have one"),
        ("limits.symbols.IBM.order_qty", "1", "books.symbols has no IBM"),
        ("limits.symbols.SPY.order_q", "1", "did you mean order_qty?"),
        ("limits.account.orders_per_s", "10", "it is missing: how many orders may go at once"),
        ("limits.account.burst", "10", "it means nothing without orders_per_s"),
        ("roles.risk", '["two words"]', "is not a login name"),
        ("roles.operator", '"alice"', "is not a list of login names"),
        ("cores.trading", "[0]", "1 cores for the 0 groups"),
        ("cores.journal", "1000", "this machine has no core 1000"),
        ("journal.enabled", '"yes"', "is not true or false"),
        ("journal.sync_ms", "60001", "is not a whole number from 0 to 60,000"),
        ("journal.directry", '"x"', "did you mean directory?"),
    ],
)
def test_each_mistake_of_trading_is_told(key: str, value: str, words: str) -> None:
    assert words in the_mistake(LIVE, f"{key}={value}")


def test_mistakes_in_tables_of_symbols_have_their_line() -> None:
    found = the_mistake(LIVE + 'long_qty = "many"\n')
    assert found.startswith('t.toml:17: limits.symbols.SPY.long_qty: "many" is not a whole number')


def test_groups_behind_the_first_have_cores_of_their_own() -> None:
    split = ['trading.placement=["feed+strategy", "risk+gateway"]']
    if {0, 1} <= online_cores():
        plan = build_plan(parse_config(LIVE, "", [*split, "cores.feed=0", "cores.trading=[1]"]))
        assert plan.trading is not None
        assert plan.trading.groups == (("feed", "strategy"), ("risk", "gateway"))
        assert plan.trading.cores == (1,)
    assert "core 0 is the feed's" in the_mistake(LIVE, *split, "cores.feed=0", "cores.trading=[0]")
