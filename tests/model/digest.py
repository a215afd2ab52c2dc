"""The digests of the contract, in plain integers."""

from __future__ import annotations

_WORD = 0xFFFFFFFFFFFFFFFF


def sip_round(v0: int, v1: int, v2: int, v3: int) -> tuple[int, int, int, int]:
    """Return SipHash's round (Aumasson and Bernstein, figure 2.1) over four 64-bit words."""
    v0 = (v0 + v1) & _WORD
    v2 = (v2 + v3) & _WORD
    v1 = ((v1 << 13) | (v1 >> 51)) & _WORD ^ v0
    v3 = ((v3 << 16) | (v3 >> 48)) & _WORD ^ v2
    v0 = ((v0 << 32) | (v0 >> 32)) & _WORD
    v2 = (v2 + v1) & _WORD
    v0 = (v0 + v3) & _WORD
    v1 = ((v1 << 17) | (v1 >> 47)) & _WORD ^ v2
    v3 = ((v3 << 21) | (v3 >> 43)) & _WORD ^ v0
    v2 = ((v2 << 32) | (v2 >> 32)) & _WORD
    return v0, v1, v2, v3


def mix(digest: int, v0: int, v1: int, v2: int, v3: int) -> int:
    """Fold four words into a digest: two rounds, a rotate by 5, an exclusive-or."""
    v0, v1, v2, v3 = sip_round(*sip_round(v0, v1, v2, v3))
    return ((digest << 5) | (digest >> 59)) & _WORD ^ v0 ^ v1 ^ v2 ^ v3
