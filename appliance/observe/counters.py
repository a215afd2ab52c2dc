"""What every counter means: one sentence each, for metrics, ``appliance stats --explain`` and the reader.

A counter is named ``group.member``: the group says which struct of the shared segment it is in, the member is
that of ``abi.h``. Metrics whose name ends in ``_total`` only grow; all others go up and down.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.observe.trading_counters import TRADING_GROUPS, TRADING_TABLE

PREFIX = "appliance_"


@dataclass(frozen=True)
class Counter:
    """One counter: where it is in the segment, its metric, and what it counts."""

    group: str
    member: str
    metric: str
    text: str

    @property
    def name(self) -> str:
        """The name that people and ``--json`` use."""
        return f"{self.group}.{self.member}"

    @property
    def grows(self) -> bool:
        """Whether it only ever grows."""
        return self.metric.endswith("_total")


# Group -> (struct of abi.h, label of its metrics, what the group is).
GROUPS = {
    "live": ("shm_live", None, "the data plane as a whole"),
    "port": ("port_counters", "port", "what each port received; 0 is the first"),
    "frame": ("frame_counters", None, "the check of Ethernet, IPv4 and UDP"),
    "line": ("mold64_line", "line", "each line of the feed: a, b, and replies of the retransmission server"),
    "stream": ("mold64_counters", None, "the one stream that the lines make together"),
    "recovery": ("recovery_counters", None, "what was done about missing messages"),
    "recoverer": ("recoverer_counters", None, "the sockets to the servers of the venue"),
    "book": ("book_counters", None, "the order books"),
    "stats": ("shm_stats", None, "whatever else"),
    **TRADING_GROUPS,
}

_TABLE = {
    "live": """
messages        messages_total                 messages that were applied to the books
sequence        sequence_number                number of the last message applied
digest          -                              rolling digest of all changes of a best bid or offer
depth_digest    -                              digest of every resting order, when the feed has ended; else 0
heartbeat_cycles -                             when the feed's thread last came round, by its clock
stage           -                              where the feed's thread is
recovery_state  -                              what is being done about missing messages
stale_books     stale_books                    books that may lack messages: not to be traded on
loops           loops_total                    rounds of the receiving loop, empty ones included
""",
    "port": """
frames          port_frames_total              frames or datagrams received
bytes           port_bytes_total               bytes of them
bursts          port_bursts_total              calls of the port that brought at least one
dropped         port_dropped_frames_total      for lack of room, as the kernel or the card reports
errors          port_errors_total              frames the card refused, and calls to the kernel that failed
no_buffer       port_no_buffer_total           times that the card found no buffer to receive into
truncated       port_truncated_frames_total    longer than the longest buffer, and therefore left out
sent            port_sent_frames_total         frames sent
unsent          port_unsent_frames_total       frames that the card or the kernel did not take
memberships     port_membership_reports_total  IGMP reports sent to the router for the groups (dpdk)
""",
    "frame": """
frames          frames_total                   Ethernet frames looked at (dpdk, captures)
no_ip_checksum  frames_without_ip_checksum_total  taken though the sender computed no IPv4 checksum
no_udp_checksum frames_without_udp_checksum_total taken though the sender computed no UDP checksum
""",
    "line": """
packets         line_packets_total             MoldUDP64 packets of the line; each has one verdict
messages        line_messages_total            messages in them
gaps            line_gaps_total                jumps of the line's own sequence, whoever filled them
gap_messages    line_lost_messages_total       messages that the line skipped in its jumps, late ones included
""",
    "stream": """
messages        stream_messages_total          messages delivered in sequence, once each
gaps            stream_gaps_total              gaps that no line had filled when they were given up
lost            stream_lost_messages_total     messages that nobody brought
sessions        stream_sessions_total          sessions begun
held_peak       stream_held_peak_packets       the most packets that ever waited for a gap
dropped         stream_dropped_packets_total   packets that waited, until others needed their room more
""",
    "recovery": """
gaps            recovery_gaps_total                gaps found
gap_messages    recovery_gap_messages_total        messages missing in them
filled_by_lines recovery_filled_by_lines_total     gaps gone before anybody was asked: the other line had them
filled_by_request recovery_filled_by_request_total gaps filled by the retransmission server
filled_by_snapshot recovery_filled_by_snapshot_total gaps made good by a snapshot
requests        recovery_requests_total            requests wished for
repeats         recovery_repeated_requests_total   of them for the second time or later
given_up        recovery_given_up_gaps_total       gaps that nobody could fill
snapshots_wanted recovery_snapshots_wanted_total   snapshots asked for
snapshots       recovery_snapshots_total           snapshots the feed was joined to
snapshots_failed recovery_snapshots_failed_total   snapshots that came to nothing
missing_first   recovery_missing_first_number      the first message missing now; 0 = none
missing         recovery_missing_messages          messages missing now, as far as is known
unasked         recovery_unasked_replies_total     replies to what nobody had asked: not taken
strange_snapshots recovery_strange_snapshots_total snapshots of another session than the feed's: not taken
""",
    "recoverer": """
requests        recoverer_requests_total           requests sent to the retransmission server
replies         recoverer_replies_total            replies of it
strange_replies recoverer_strange_replies_total    from another address, of another session, or no MoldUDP64
send_failures   recoverer_send_failures_total      requests that the kernel did not take
connections     recoverer_connections_total        connections to the snapshot server
connect_failures recoverer_connect_failures_total  connections that it did not take
logins_refused  recoverer_logins_refused_total     logins that it did not take: user, password or session
timeouts        recoverer_timeouts_total           times that it fell silent
broken_snapshots recoverer_broken_snapshots_total  snapshots cut off, or against the protocol
snapshot_messages recoverer_snapshot_messages_total messages of snapshots
snapshot_bytes  recoverer_snapshot_bytes_total     bytes of snapshots
waits_for_room  recoverer_waits_for_room_total     times that the feed's thread was slower than the server
""",
    "book": """
messages        book_messages_total            messages given to the books, snapshots included
events          book_events_total              of them those that changed a best, traded, or changed a state
trades          book_trades_total              trades, hidden ones included
crosses         book_crosses_total             auctions
broken_trades   book_broken_trades_total       trades that the venue took back
unknown_type    book_oddities_total            messages of a type that is not in the table, left out
bad_length      book_oddities_total            messages whose length is not that of their type, left out
bad_side        book_oddities_total            orders neither to buy nor to sell, left out
bad_locate      book_oddities_total            messages of a symbol number out of range, left out
unknown_reference book_oddities_total          changes of an order that does not exist, left out
duplicate_reference book_oddities_total        new orders with the number of a live one, left out
wrong_locate    book_oddities_total            changes of an order under another symbol than its own, left out
zero_quantity   book_oddities_total            orders and changes of no shares, left out
overfill        book_oddities_total            executions of more shares than the order has: it is removed
no_order_page   book_oddities_total            orders without room in the index: their book is untrusted
no_order        book_oddities_total            orders without room in the pool: their book is untrusted
no_level        book_oddities_total            orders without a free price level: their book is untrusted
live_orders     book_live_orders               orders at rest in all books
live_levels     book_live_levels               price levels in all books
symbols         book_symbols                   symbols that the feed has named
untrusted_books book_untrusted_books           books that lack an order for which there was no room
order_pages     book_order_pages               pages of the order index in use
order_nodes     book_order_nodes_peak          the most orders that ever rested
digest          -                              rolling digest of all changes of a best bid or offer
""",
    "stats": """
other_destination other_destination_total      datagrams to nobody's group and port
pool_bytes      pool_bytes                     memory of the books and the window, as the plan has them
""",
    **TRADING_TABLE,
}


def _read_table() -> tuple[Counter, ...]:
    found = []
    for group, text in _TABLE.items():
        for line in text.strip().splitlines():
            member, metric, sentence = line.split(maxsplit=2)
            found.append(Counter(group, member, "" if metric == "-" else PREFIX + metric, sentence))
    return tuple(found)


COUNTERS = _read_table()
BY_NAME = {counter.name: counter for counter in COUNTERS}

# Counters that are one metric with a label `reason`, and what that metric is as a whole.
ODDITIES = "book_oddities_total"

FRAME_VERDICTS = {
    "udp": "a UDP datagram: goes on",
    "short": "ends inside the Ethernet header or a VLAN tag",
    "not_ipv4": "ARP, IPv6 or anything else that is not IPv4",
    "too_many_tags": "more than two VLAN tags",
    "ip_truncated": "ends inside its IPv4 packet",
    "ip_version": "says IPv4 outside and another version inside",
    "ip_options": "carries IPv4 options",
    "ip_length": "a header or total length that cannot be",
    "ip_checksum": "its IPv4 header is damaged",
    "fragment": "a piece of a datagram",
    "not_udp": "TCP, IGMP or another protocol",
    "udp_truncated": "its datagram is longer than its IPv4 packet",
    "udp_length": "its datagram says it is shorter than its own header",
    "udp_checksum": "its datagram is damaged",
}

LINE_VERDICTS = {
    "delivered": "the next messages: this line was first",
    "partial": "some were there before, the rest are the next",
    "held": "ahead of a gap: waits for it to be filled",
    "late": "all of it was there before: the other line was first",
    "duplicate": "all of it waits already",
    "heartbeat": "no message; says which is next",
    "end_of_session": "says that no more will come",
    "other_session": "of a session that is not ours",
    "short": "ends inside the MoldUDP64 header",
    "truncated": "ends inside a message",
    "fewer_blocks": "ends before the messages that it promises",
    "trailing": "goes on behind them",
    "oversized": "longer than UDP allows",
    "bad_sequence": "a number that cannot be",
    "far_ahead": "further ahead than is believed of one packet alone",
    "no_room": "ahead of a gap, and the window is full: not kept",
}

STAGES = {
    "port": "a call of the port that brought frames",
    "wire": "a packet through Ethernet, IP, UDP and the arbitration of lines",
    "book": "a run of messages through the books",
    "event": "from the receipt of a packet until its last event stands",
    "publish": "views and counters into shared memory",
    "recovery": "what was fetched: packets asked for again, snapshots",
    "strategy": "one call of the strategy",
    "risk": "a signal through all checks, and the order made of it",
    "gateway": "an order to its bytes",
    "order": "from the receipt of a packet until the bytes of an order that it led to are complete",
}

LINES = ("a", "b", "replies")
