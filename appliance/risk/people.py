"""Who somebody is, and what he may do."""

from __future__ import annotations

import os
import pwd

from appliance.errors import ApplianceError
from appliance.risk.state import State

OPERATOR, RISK = "operator", "risk"


class RoleError(ApplianceError):
    """A person may not do that."""


def whoami(named: str | None = None) -> str:
    """Return the login name of the real user; under sudo, of who called it. Root may name another."""
    user = os.getuid()
    if named is not None:
        if user != 0:
            raise RoleError(f"--as {named}: only root may speak for somebody else")
        return named
    if user == 0 and os.environ.get("SUDO_USER"):
        return os.environ["SUDO_USER"]
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return str(user)


def demand(state: State, who: str, *roles: str) -> None:
    """Refuse who has none of these roles. A role that nobody was given is everybody's."""
    given = (state.read("settings.json") or {}).get("roles", {})
    holders = {role: given.get(role, []) for role in roles}
    if any(not people or who in people for people in holders.values()):
        return
    allowed = sorted({person for people in holders.values() for person in people})
    raise RoleError(
        f"{who} has not the role {' or '.join(roles)}, which this needs: {', '.join(allowed)} may do it "
        "([roles] of the configuration)"
    )
