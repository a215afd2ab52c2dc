"""The errors a user may see; each says what happened, where, and what to do."""

from __future__ import annotations


class ApplianceError(Exception):
    """Base of all errors that end in one clear line and exit status 2."""
