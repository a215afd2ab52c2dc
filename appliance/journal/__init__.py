"""The journal as the control plane sees it: what is read from its files, and the program that writes them.

``segment`` is one file, ``reader`` the records of all, ``verify`` what is wrong with them; ``taps`` are the
rings that producers and writer share, ``writer`` the life of that program; ``export`` makes tables.
"""

from appliance.journal.errors import JournalError
from appliance.journal.reader import Journal, Record
from appliance.journal.segment import Segment
from appliance.journal.taps import Tap, Taps
from appliance.journal.verify import Finding, Report, verify
from appliance.journal.writer import JournalWriter, WriterState

__all__ = [
    "Finding",
    "Journal",
    "JournalError",
    "JournalWriter",
    "Record",
    "Report",
    "Segment",
    "Tap",
    "Taps",
    "WriterState",
    "verify",
]
