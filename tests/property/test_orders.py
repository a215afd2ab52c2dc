"""The order pool against its model: whatever is asked and whatever is replied, quantities are conserved."""

from __future__ import annotations

from collections import defaultdict
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from model.order_pool import STATES, SYMBOLS, Pool
from model.orders import ALL, Effect, Model, Order, Reply, Wish

KINDS = [
    *["ACCEPTED", "EXECUTED"] * 3,
    *["CANCELED", "REPLACED"] * 2,
    *["AIQ_CANCELED", "BROKEN", "CORRECTED", "REJECTED", "CANCEL_PENDING", "CANCEL_REJECTED", "PRIORITY"],
    *["MODIFIED", "RESTATED", "MASS_CANCELED", "SYSTEM", "ACCOUNT", "DISABLED", "ENABLED", "NONE"],
]


class Ledger:
    """What somebody knows who only hears of effects: what each order holds open, and the position."""

    def __init__(self) -> None:
        self.open: dict[int, int] = {}
        self.position: dict[tuple[int, int], int] = defaultdict(int)

    def ask(self, user_ref: int, qty: int) -> None:
        """Reserve for a new order."""
        assert user_ref not in self.open
        self.open[user_ref] = qty

    def hear(self, effects: list[Effect], orders: dict[int, Order]) -> None:
        """Apply effects in the order that the contract says."""
        for effect in effects:
            ref, order = effect.user_ref, orders[effect.user_ref]
            if effect.opens:
                assert ref not in self.open
                self.open[ref] = 0
            # Fills and corrections of an order that is over adopt what they fill.
            left = self.open.get(ref, 0) + effect.adopted - effect.filled - effect.released
            assert left >= 0
            self.position[order.instrument, order.side] += effect.filled - effect.broken
            if effect.closes:
                assert left == 0
                del self.open[ref]
            elif ref in self.open:
                self.open[ref] = left
            else:
                assert left == 0


class Story:
    """A random life, told to the pool and to the model."""

    def __init__(self, random: Random, pool: Pool, sensible: bool) -> None:
        self.random = random
        self.pool = pool
        self.model = Model(SYMBOLS)
        self.ledger = Ledger()
        self.sensible = sensible
        self.sequence = 0
        self.matches = 0
        self.connection = 0
        self.told: list[Reply] = []

    def step(self) -> None:
        """Something happens."""
        what = self.random.random()
        if not self.model.connected:
            if what < 0.3:
                self.connect()
            else:
                self.reply()
        elif what < 0.4:
            self.wish()
        elif what < 0.43:
            self.mass_cancel()
        elif what < 0.46:
            self.apply(Reply(self.random.choice(["DISCONNECTED", "DISCONNECTED", "ENDED"])))
        elif what < 0.52 and self.told:
            self.apply(self.random.choice(self.told))  # which was told before
        else:
            self.reply()
        self.check()

    def connect(self) -> None:
        """Begin a session, be caught up."""
        self.connection += 1
        self.apply(Reply("CONNECTED", connection=self.connection))
        self.apply(Reply("CAUGHT_UP", connection=self.connection))
        effects = self.pool.settle()
        assert effects == self.model.settle()
        self.ledger.hear(effects, self.model.orders)

    def wish(self) -> None:
        """Ask for something."""
        random = self.random
        wish = Wish(
            random.choice(["ENTER", "ENTER", "REPLACE", "CANCEL"]),
            random.randrange(3),
            random.randrange(3),
            random.randrange(2),
            random.choice([1, 10, 100, 900]),
            random.randrange(1, 9) * 100,
            random.choice([0, 0, 3]),
        )
        if wish.action == "CANCEL":
            wish = wish._replace(qty=random.choice([0, 0, 5, 50]))
        assert self.pool.look(wish) == self.model.look(wish)
        verdict, sent = self.pool.take(wish)
        assert (verdict, sent) == self.model.take(wish)
        if sent and sent.action != "CANCEL":
            self.ledger.ask(sent.user_ref, sent.qty)

    def mass_cancel(self) -> None:
        """Ask all to go."""
        instrument = self.random.choice([0, 1, 2, ALL])
        assert self.pool.mass_cancel(instrument) == self.model.mass_cancel(instrument)

    def reply(self) -> None:
        """The venue says something."""
        reply = self.make_reply()
        self.told.append(reply)
        self.apply(reply)

    def apply(self, reply: Reply) -> None:
        """Tell both; they must agree on what it did."""
        effects = self.pool.apply(reply)
        assert effects == self.model.apply(reply), reply
        self.ledger.hear(effects, self.model.orders)

    def make_reply(self) -> Reply:
        """Draw a reply, mostly about an order there is."""
        random, orders = self.random, self.model.orders
        self.sequence += random.choice([1, 1, 1, 0]) if not self.sensible else 1
        kind = random.choice(KINDS)
        subjects = self.model.open_orders() if random.random() < 0.8 else list(orders.values())
        order = random.choice(subjects) if subjects else None
        if order is None or (not self.sensible and random.random() < 0.05):
            user_ref, side, symbol = random.randrange(1, 2000), random.choice("BS"), random.choice(SYMBOLS)
            leaves, replaces = 100, random.randrange(1, 50)
        else:
            user_ref, side, symbol = order.user_ref, "BS"[order.side], SYMBOLS[order.instrument]
            leaves, replaces = order.leaves, order.replaces
            if kind == "REPLACED" and not replaces:
                kind = "ACCEPTED"
        if not self.sensible and random.random() < 0.05:
            side, symbol = random.choice("BS"), random.choice([*SYMBOLS, "OTHER   "])
        if kind == "EXECUTED":
            self.matches += 1
        return Reply(
            kind,
            user_ref,
            self.quantity(leaves),
            random.randrange(1, 9) * 100,
            replaces if kind == "REPLACED" else 0,
            random.randrange(self.matches + 1) if kind in {"BROKEN", "CORRECTED"} else self.matches,
            random.randrange(1, 1000),
            self.sequence,
            random.choice([ord("U"), ord("I"), 3]),
            side,
            random.choice("LLLLLD"),
            random.choice("03"),
            symbol,
            random.choice([0, 0, self.model.number]),
        )

    def quantity(self, leaves: int) -> int:
        """All, a part, and at times more."""
        some = [leaves, leaves, max(1, leaves // 2), 1, 10]
        if not self.sensible:
            some += [leaves + 7, 0, 999_999, 1_000_000, 2**32 - 1]
        return self.random.choice(some)

    def check(self) -> None:
        """All that can be seen is the same, and adds up."""
        assert self.pool.next_user_ref == self.model.next_user_ref
        assert self.pool.open_refs() == [order.user_ref for order in self.model.open_orders()]
        assert self.pool.counters.open == len(self.model.open_orders())
        for order in self.model.orders.values():
            view = self.pool.find(order.user_ref)
            assert (view.user_ref, STATES[view.state]) == (order.user_ref, order.state)
            assert (view.entered_qty, view.filled_qty) == (order.entered, order.filled)
            assert (view.cancelled_qty, view.leaves_qty) == (order.cancelled, order.leaves)
            assert view.entered_qty == view.filled_qty + view.cancelled_qty + view.leaves_qty
            assert (view.px, view.resting_px, view.broken_qty) == (order.px, order.resting_px, order.broken)
            assert (view.replaces, view.replaced_by, view.tag) == (
                order.replaces,
                order.replaced_by,
                order.tag,
            )
            assert (view.reason, view.heard, view.accepted) == (order.reason, order.heard, order.accepted)
            assert view.asked_to_go == (order.asked_size is not None)
            assert self.ledger.open.get(order.user_ref, 0) == (order.leaves if order.is_open else 0)
            assert order.is_open == (order.user_ref in self.ledger.open)
        for instrument in range(3):
            for side in (0, 1):
                assert self.pool.best(instrument, side) == self.model.best(instrument, side)
            for tag in range(3):
                assert self.pool.find_tag(instrument, tag) == self.model.tags.get((instrument, tag), 0)


@given(seed=st.integers(0, 2**32), sensible=st.booleans())
@settings(max_examples=150)
def test_the_pool_does_what_its_table_says_and_quantities_are_conserved(seed: int, sensible: bool) -> None:
    with Pool(orders=4096, fills=4096, connected=False) as pool:
        story = Story(Random(seed), pool, sensible)
        for _ in range(120):
            story.step()


def replayed(replies: list[Reply]) -> dict[int, tuple[str, int, int, int]]:
    """State, filled, cancelled and left of each order after these replies, from nothing."""
    with Pool(orders=1024, fills=1024, connected=False) as pool:
        for reply in replies:
            pool.apply(reply)
        found = {}
        for user_ref in range(1, 40):
            if view := pool.find(user_ref):
                state = STATES[view.state]
                found[user_ref] = (state, view.filled_qty, view.cancelled_qty, view.leaves_qty)
        return found


@given(seed=st.integers(0, 2**32), orders=st.integers(2, 8))
def test_replies_to_independent_orders_come_to_the_same_in_any_order(seed: int, orders: int) -> None:
    """A venue may interleave its orders as it likes; only the replies to one come one behind the other."""
    random = Random(seed)
    lives = [life(random, user_ref) for user_ref in range(1, orders + 1)]
    one_by_one = [reply for replies in lives for reply in replies]
    mixed: list[Reply] = []
    waiting = [list(replies) for replies in lives]
    while any(waiting):
        mixed.append(random.choice([replies for replies in waiting if replies]).pop(0))
    assert replayed(mixed) == replayed(one_by_one)


def life(random: Random, user_ref: int) -> list[Reply]:
    """Tell of an order from Accepted to its end, or not quite."""
    left = entered = random.choice([10, 100, 500])
    symbol = random.choice(SYMBOLS)
    replies = [Reply("ACCEPTED", user_ref, entered, 500, symbol=symbol, side=random.choice("BS"))]
    while left and random.random() < 0.8:
        qty = random.choice([left, max(1, left // 3)])
        kind = random.choice(["EXECUTED", "CANCELED"])
        replies.append(Reply(kind, user_ref, qty, 500, match=user_ref * 1000 + left))
        left -= qty
    return replies


@given(seed=st.integers(0, 2**32), duplicates=st.integers(1, 30))
def test_messages_told_twice_change_nothing(seed: int, duplicates: int) -> None:
    """Under their old numbers all; under new ones what has an identity: Accepted, and each fill."""
    random = Random(seed)
    plain = [reply for user_ref in range(1, 6) for reply in life(random, user_ref)]
    numbered = [reply._replace(sequence=sequence) for sequence, reply in enumerate(plain, 1)]
    again = list(numbered)
    for _ in range(duplicates):
        at = random.randrange(len(again))
        again.insert(random.randrange(at, len(again)) + 1, again[at])
    assert replayed(again) == replayed(numbered)
    fills = [reply for reply in plain if reply.kind in {"ACCEPTED", "EXECUTED"}]
    assert replayed([*plain, *fills]) == replayed(plain)
