"""What every counter of trading means; ``counters`` says how these tables are read."""

from __future__ import annotations

TRADING_GROUPS: dict[str, tuple[str, str | None, str]] = {
    "strategy": ("shm_strategy", None, "the strategy, with trading"),
    "decider": ("decider_counters", None, "the decision stage: risk and the order pool, with trading"),
    "risk": ("risk_totals", None, "the risk gate, with trading"),
    "pool": ("order_pool_counters", None, "the orders, with trading"),
    "gateway": ("gateway_counters", None, "the session with the venue, with trading"),
}

TRADING_TABLE = {
    "strategy": """
ticks           strategy_ticks_total           calls of the strategy
intents         strategy_intents_total         orders, changes and cancels that it wanted
fault_tick      -                              the tick at which one failed last
switches        strategy_switches_total        changes to another one, or to none
fault           strategy_fault_state           what is wrong with the last: 1 returned, 2 overlong, 3 overfull
active          strategy_active                1 while one is called
waits           -                              not used: ring_waits_total counts
""",
    "decider": """
orders          orders_total                   handed to the gateway, cancels included
executions      executions_total               messages and events of the session that were applied
rejects         rejects_total                  orders that risk refused; risk_rejects_total says why
unwritten       journal_unwritten_total        inputs for which the journal had no room
""",
    "risk": """
gross           -                              exposure in ten-thousandths of a dollar
earned_cycles   -                              when all messages are earned that have been sent
gate            gate_state                     what goes: 0 all, 1 what reduces, 2 nothing
own_gate        -                              the same without the kill word
open_orders     risk_open_orders               open orders as risk counts them
instruments     risk_instruments               symbols that it knows
cancels         risk_cancels_total             cancels counted
surprises       risk_surprises_total           fills, releases and ends of what was not open
overflows       risk_overflows_total           quantities that cannot be kept: each has killed the gate
""",
    "pool": """
open            open_orders                    orders that are not over
taken           pool_orders_total              orders made of intents
replies         pool_replies_total             messages of the venue about orders
fills           pool_fills_total               fills
filled_qty      pool_filled_shares_total       shares of them
rebuilt         pool_rebuilt_orders_total      orders of an earlier life, out of the venue's replay
never_arrived   pool_never_arrived_total       orders that a broken connection has swallowed
originals_gone  pool_originals_gone_total      replacements of orders that were over
repeats         pool_repeats_total             told twice: no effect
senseless       pool_senseless_total           fits no state of its order: no effect
strangers       pool_strangers_total           about an order that is not known: no effect
strange_fills   pool_strange_fills_total       fills among them: the position is not ours to tell
no_room         pool_no_room_total             orders of an earlier life that found no place, likewise
foreign         pool_foreign_total             orders of an earlier life in symbols not planned for, likewise
unreadable      pool_unreadable_total          messages that could not be decoded, likewise
odd             pool_odd_total                 believed, though not what was asked for
revived         pool_revived_total             orders that the venue had after all
broken_trades   pool_broken_trades_total       trades that the venue took back
corrected_trades pool_corrected_trades_total   trades that the venue corrected
unknown_trades  pool_unknown_trades_total      broken or corrected, and not remembered
mass_cancels    pool_mass_cancels_total        mass cancels asked for
""",
    "gateway": """
syscalls        gateway_syscalls_total         calls to the kernel
connects        gateway_connects_total         connections asked for
logins          gateway_logins_total           logins that the venue took
caught_up       gateway_caught_up_total        replays that were followed to their end
rx_bytes        gateway_received_bytes_total   bytes received
tx_bytes        gateway_sent_bytes_total       bytes sent
would_block     gateway_would_block_total      times that the socket did not take all there was
full            gateway_full_total             orders that had to wait for room
late            gateway_late_orders_total      orders of an earlier connection: not sent
tx_heartbeats   gateway_sent_heartbeats_total  heartbeats sent
rx_heartbeats   gateway_received_heartbeats_total heartbeats received
repeats         gateway_repeats_total          sequenced messages that had been seen
busy_poll_refused gateway_busy_poll_refused_total times that the kernel refused busy polling
""",
}
