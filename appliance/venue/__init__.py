"""The simulated exchange: a day of messages on two multicast lines, and the servers that fill gaps in it.

``settings`` says what is asked for, ``day`` holds the messages, ``sender`` runs the C program that sends
them, ``requests`` answers retransmission requests, ``snapshots`` serves GLIMPSE, ``books`` knows the state of
the market at the message sent last, and ``exchange`` runs it all.
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
