"""What can be wrong with a journal."""

from appliance.errors import ApplianceError


class JournalError(ApplianceError):
    """A journal that cannot be read or written."""
