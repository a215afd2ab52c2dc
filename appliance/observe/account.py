"""What a data plane has done by its end: nothing that came in is left out."""

from __future__ import annotations

from appliance.observe.reading import Reading
from appliance.observe.status import dropped, duration


def account(reading: Reading, seconds: float | None = None) -> str:
    """Say in a few lines what became of everything."""
    live, recovery, stream = reading.live, reading.recovery, reading.stream
    how = f" in {seconds * 1000:.0f} ms" if seconds is not None else ""
    if not reading.ready_cycles:
        return f"{reading.name}: {reading.state}{how}, before it was ready"
    lines = [
        f"{reading.name}: {reading.state}{how} after {duration(reading.uptime_s)}: "
        f"{live['messages']:,} messages, last sequence {live['sequence']:,}, digest {live['digest']:016x}",
        f"  lost {stream['lost']:,}, missing {recovery['missing']:,}, {reading.trust}, "
        f"untrusted {reading.book['untrusted_books']:,}, dropped by the port {dropped(reading):,}",
    ]
    if recovery["gaps"]:
        lines.append(
            f"  gaps {recovery['gaps']:,}: filled by the other line {recovery['filled_by_lines']:,}, "
            f"by request {recovery['filled_by_request']:,}, by snapshot {recovery['filled_by_snapshot']:,}, "
            f"given up {recovery['given_up']:,}"
        )
    if live["depth_digest"]:
        lines.append(f"  every order: digest {live['depth_digest']:016x}")
    return "\n".join(lines)
