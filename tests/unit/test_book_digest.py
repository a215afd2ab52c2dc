"""The digest's round is SipHash's: checked with the vector its authors published."""

from __future__ import annotations

from model.digest import sip_round
from model.messages import frame, message
from model.native import NativeBooks

WORD = (1 << 64) - 1


def siphash_2_4(key: bytes, data: bytes) -> int:
    """Return SipHash-2-4 over whole 8-byte words, its last holding the length."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    start = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
    v0, v1, v2, v3 = (k ^ word for k, word in zip((k0, k1, k0, k1), start, strict=True))
    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) & 0xFF])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        v0, v1, v2, v3 = sip_round(*sip_round(v0, v1, v2, v3 ^ word))
        v0 ^= word
    v2 ^= 0xFF
    for _ in range(4):
        v0, v1, v2, v3 = sip_round(v0, v1, v2, v3)
    return v0 ^ v1 ^ v2 ^ v3


def test_the_models_round_gives_the_published_siphash_vector() -> None:
    assert siphash_2_4(bytes(range(16)), bytes(range(15))) == 0xA129CA6149BE45E5


def test_the_first_event_folds_as_the_contract_says() -> None:
    """A bid of 300 at 12.3400 on locate 5 as message 1, folded by hand from the definition in abi.h."""
    v0, v1, v2, v3 = sip_round(*sip_round(1, 123_400, 300, 1 ^ 5 << 48))
    with NativeBooks() as book:
        book.feed(frame([message("A", 5, 0, 77, b"B", 300, b"ABC     ", 123_400)]))
        assert book.digest == v0 ^ v1 ^ v2 ^ v3


def test_the_second_event_rotates_the_first() -> None:
    """The same, and then an ask of 40 at 12.3500 as message 2."""
    v0, v1, v2, v3 = sip_round(*sip_round(1, 123_400, 300, 1 ^ 5 << 48))
    first = v0 ^ v1 ^ v2 ^ v3
    v0, v1, v2, v3 = sip_round(
        *sip_round(2, 123_400 | 123_500 << 32, 300 | 40 << 32, (1 | 1 << 32) ^ 5 << 48)
    )
    with NativeBooks() as book:
        book.feed(
            frame(
                [
                    message("A", 5, 0, 77, b"B", 300, b"ABC     ", 123_400),
                    message("A", 5, 0, 78, b"S", 40, b"ABC     ", 123_500),
                ]
            )
        )
        assert book.digest == (first << 5 & WORD | first >> 59) ^ v0 ^ v1 ^ v2 ^ v3
