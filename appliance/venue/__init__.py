"""The simulated exchange: a day of messages on two multicast lines, and the servers that fill gaps in it.

``settings`` says what is asked for, ``day`` holds the messages, ``sender`` runs the C program that sends
them, ``requests`` answers retransmission requests, ``snapshots`` serves GLIMPSE, ``books`` knows the state of
the market at the message sent last, and ``exchange`` runs it all.

With an order side the day is made while it is sent: ``market`` is the C engine that matches orders with it,
``ouch`` the messages, ``order_rules`` what is refused, ``account`` what a client's messages do, ``ledger``
what follows from what it is told, ``order_stream`` keeps that, ``soup_server`` brings it, and ``orders`` runs
it all.
"""

from appliance.venue.errors import VenueError
from appliance.venue.exchange import Addresses, Exchange
from appliance.venue.settings import (
    Blackout,
    LineFaults,
    Pace,
    RequestServer,
    Settings,
    SnapshotServer,
)

__all__ = [
    "Addresses",
    "Blackout",
    "Exchange",
    "LineFaults",
    "Pace",
    "RequestServer",
    "Settings",
    "SnapshotServer",
    "VenueError",
]
