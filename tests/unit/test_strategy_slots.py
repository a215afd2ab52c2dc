"""Compiled strategies: loaded, refused, called, switched while they run, and left when they fail."""

from __future__ import annotations

from pathlib import Path

import pytest
from model.records import HALTED, STALE
from model.strategy import Signal, Slots, compile_strategy, view

from appliance.strategy import CompiledStrategy, StrategyError, find_strategy

ENTER, REPLACE, CANCEL = 1, 2, 3
BUY, SELL = 0, 1
DAY, IOC = 0, 3
IMBALANCE = find_strategy("imbalance")


def counting(folder: Path, name: str, state: dict[str, str], step: str = "1") -> Path:
    """Count the calls of a book in its state, and tell the count as a quantity."""
    signal = "strategy_signal(out, &(struct signal){.qty = (uint32_t)state->calls});"
    body = f"state->calls += {step}; {signal} return 0;"
    return compile_strategy(folder, body, name, state)


def quantities(slots: Slots, instrument: int = 0) -> list[int]:
    return [signal.qty for signal in slots.call(view((100, 1), (101, 1)), instrument)[1]]


def test_imbalance_takes_the_offer_when_the_bid_outweighs_and_only_once_at_a_price() -> None:
    with Slots() as slots:
        assert slots.load(IMBALANCE) == ""
        heavy_bid = view((100_0000, 900), (100_0100, 100))
        buy = Signal(ENTER, 0, BUY, IOC, 100_0100, 100)
        assert slots.call(heavy_bid) == ("fine", [buy])
        assert slots.call(heavy_bid) == ("fine", [])
        assert slots.call(view((100_0000, 900), (100_0050, 100))) == ("fine", [buy._replace(px=100_0050)])
        sell = Signal(ENTER, 1, SELL, IOC, 100_0000, 100)
        assert slots.call(view((100_0000, 100), (100_0100, 900))) == ("fine", [sell])
        assert slots.call(heavy_bid, instrument=1) == ("fine", [buy])


@pytest.mark.parametrize(
    "book",
    [
        view((100_0000, 799), (100_0100, 201)),
        view((100_0000, 900), (100_0300, 100)),
        view((100_0000, 900), None),
        view((100_0000, 900), (100_0100, 100), STALE),
        view((100_0000, 900), (100_0100, 100), HALTED),
    ],
    ids=["less than 80 percent", "a wide spread", "one side", "stale", "halted"],
)
def test_imbalance_stays_out_of(book: object) -> None:
    with Slots() as slots:
        slots.load(IMBALANCE)
        assert slots.call(book) == ("fine", [])


def test_imbalance_that_rests_moves_its_order_along_and_takes_it_away() -> None:
    with Slots() as slots:
        assert slots.load(IMBALANCE, CompiledStrategy.load(IMBALANCE).packed({"rests": 1, "qty": 7})) == ""
        enter = Signal(ENTER, 0, BUY, DAY, 100_0000, 7)
        assert slots.call(view((100_0000, 900), (100_0100, 100)))[1] == [enter]
        assert slots.call(view((100_0000, 950), (100_0100, 100)))[1] == []
        assert slots.call(view((100_0050, 900), (100_0100, 100)))[1] == [
            enter._replace(action=REPLACE, px=100_0050)
        ]
        assert slots.call(view((100_0050, 500), (100_0100, 500)))[1] == [
            enter._replace(action=CANCEL, px=0, qty=0)
        ]


def test_a_strategy_says_what_it_takes() -> None:
    strategy = CompiledStrategy.load(IMBALANCE)
    assert (strategy.name, strategy.depth, strategy.every_event) == ("imbalance", 1, False)
    assert [field.name for field in strategy.params] == ["percent", "qty", "spread_px", "rests"]
    assert strategy.packed({}) == b"".join(value.to_bytes(4, "little") for value in (80, 100, 200, 0))
    with pytest.raises(StrategyError, match=r"has no parameter 'size': it has percent, qty"):
        strategy.packed({"size": 1})
    with pytest.raises(StrategyError, match=r"'percent' of strategy 'imbalance' is 101: it takes 50 to 100"):
        strategy.packed({"percent": 101})


def test_a_new_strategy_takes_over_the_state_of_every_book_by_name(tmp_path: Path) -> None:
    first = counting(tmp_path, "first", {"calls": "int64_t", "other": "int32_t"})
    second = counting(
        tmp_path, "second", {"fresh": "int32_t", "padding": "int32_t", "calls": "int64_t"}, "100"
    )
    with Slots() as slots:
        slots.load(first)
        assert [quantities(slots), quantities(slots), quantities(slots, 1)] == [[1], [2], [1]]
        slots.load(second)
        assert [quantities(slots), quantities(slots, 1)] == [[102], [101]]
        slots.load(first)
        assert quantities(slots) == [103]


def test_a_field_of_the_same_name_and_another_size_begins_anew(tmp_path: Path) -> None:
    with Slots() as slots:
        slots.load(counting(tmp_path, "wide", {"calls": "int64_t"}))
        assert [quantities(slots), quantities(slots)] == [[1], [2]]
        slots.load(counting(tmp_path, "narrow", {"calls": "int32_t"}))
        assert quantities(slots) == [1]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("strategy_signal(out, &(struct signal){.qty = 1}); return -1;", "returned"),
        ("for (volatile long i = 0; i < 20000000; i++) {} return 0;", "overlong"),
        ("out->count = 16; return 0;", "overfull"),
    ],
)
def test_a_call_that_fails_counts_for_nothing(tmp_path: Path, body: str, fault: str) -> None:
    with Slots(budget_cycles=1_000_000) as slots:
        slots.load(compile_strategy(tmp_path, body))
        assert slots.call(view(None, None)) == (fault, [])


def test_there_is_room_for_fifteen_signals_and_no_more(tmp_path: Path) -> None:
    body = "int fit = 0; while (strategy_signal(out, &(struct signal){.qty = 1})) fit++; return fit - 15;"
    with Slots() as slots:
        slots.load(compile_strategy(tmp_path, body))
        fault, signals = slots.call(view(None, None))
        assert (fault, len(signals)) == ("fine", 15)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (".depth = 0", "reads a depth that is not 1 to 10"),
        (".depth = 11", "reads a depth that is not 1 to 10"),
        (".depth = 2, .every_event = 1", "wants every event and more than the best level"),
        (".depth = 1, .abi_hash = {0}", "was compiled for another build"),
        (".depth = 1, .state_bytes = 4097", "has a state or parameters that are too large"),
        (".depth = 1, .state_bytes = 1", "has a field outside of its struct"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_cannot_be_called_is_refused_with_its_reason(tmp_path: Path, options: str, message: str) -> None:
    path = compile_strategy(tmp_path, "return 0;", options=options)
    with Slots() as slots:
        assert message in slots.load(path)
        assert slots.call(view(None, None)) == ("none", [])
    with pytest.raises(StrategyError, match=message[:20]):
        CompiledStrategy.load(path)


def test_a_refused_strategy_leaves_the_one_before_in_its_place(tmp_path: Path) -> None:
    not_one = tmp_path / "not-one.so"
    not_one.write_bytes(b"text")
    with Slots() as slots:
        slots.load(counting(tmp_path, "good", {"calls": "int32_t"}))
        assert "invalid ELF header" in slots.load(not_one) or "file too short" in slots.load(not_one)
        assert "parameters of another size" in slots.load(tmp_path / "good.so", b"123")
        assert quantities(slots) == [1]
