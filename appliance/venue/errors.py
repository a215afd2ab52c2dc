"""What can go wrong with the simulated exchange."""

from appliance.errors import ApplianceError


class VenueError(ApplianceError):
    """The exchange was asked for what cannot be, or could not do it."""
