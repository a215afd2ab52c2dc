"""Segments made by hand, as the contract lays them out: read back, and every damage to them is told."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest
from model.journal import END, FULL, HEAD_BYTES, LINK_BYTES, NO_LINK, Writer, crc32c, head, link, record, seal

from appliance.journal import Journal, JournalError, Report, verify
from appliance.native import abi_hash, ffi, library

PACKET, EXECUTION, NOTE = 2, 8, 13
FIRST = [(PACKET, 0, b"first"), (EXECUTION, 2, bytes(range(16))), (PACKET, 0, b""), (NOTE, 4, b"x" * 21)]
SECOND = [(PACKET, 0, b"of the second"), (EXECUTION, 2, b"12345678")]
FIRST_RECORD = HEAD_BYTES + LINK_BYTES


def two_segments(folder: Path, last: int) -> list[Path]:
    """Write a journal of two segments; the last one is sealed for this reason, or open."""
    writer = Writer(abi_hash())
    writer.segment(FIRST, FULL)
    writer.segment(SECOND, last)
    return writer.write(folder)


def told(report: Report) -> str:
    return "\n".join(map(str, report.findings))


@pytest.mark.parametrize(
    ("data", "expected"),
    # The check value of the catalogue of CRCs, and the examples of RFC 3720, B.4.
    [
        (b"", 0),
        (b"123456789", 0xE3069283),
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_the_checksum_is_castagnolis(data: bytes, expected: int) -> None:
    assert library().api_crc32c(0, data, len(data)) == expected
    assert crc32c(data) == expected  # the model's, too
    for cut in range(len(data)):
        begun = library().api_crc32c(0, data[:cut], cut)
        assert library().api_crc32c(begun, data[cut:], len(data) - cut) == expected


@pytest.mark.parametrize("plain", [0, 1])
def test_the_hash_is_sha_256_in_whatever_pieces(plain: int) -> None:
    seed = random.randrange(1 << 32)
    data = random.Random(seed).randbytes(1000)
    digest = ffi().new("uint8_t[32]")
    for size in [*range(200), 999, 1000]:
        for piece in (1, 3, 63, 64, 65, 1000):
            library().api_sha256(data, size, piece, plain, digest)
            expected = hashlib.sha256(data[:size]).digest()
            assert bytes(digest) == expected, f"seed {seed}, {size} bytes in pieces of {piece}"


@pytest.mark.parametrize("last", [0, END])
def test_a_journal_made_by_hand_is_whole_and_reads_back(tmp_path: Path, last: int) -> None:
    two_segments(tmp_path, last)
    report = verify(tmp_path)
    assert told(report) == ""
    assert (report.segments, report.records, report.last) == (2, 6, {0: 3, 2: 2, 4: 1})
    found = [(found.kind, found.stream, found.payload) for found in Journal(tmp_path).records()]
    assert found == FIRST + SECOND
    numbers = [(found.segment, found.stream, found.number) for found in Journal(tmp_path).records()]
    assert numbers == [(1, 0, 1), (1, 2, 1), (1, 0, 2), (1, 4, 1), (2, 0, 3), (2, 2, 2)]


def test_records_of_some_kinds_and_streams_are_found(tmp_path: Path) -> None:
    two_segments(tmp_path, END)
    journal = Journal(tmp_path)
    assert [found.payload for found in journal.records(kinds=[EXECUTION])] == [bytes(range(16)), b"12345678"]
    assert [found.payload for found in journal.records(streams=[4])] == [b"x" * 21]
    assert [found.offset for found in journal.records([PACKET], [0])] == [320, 320 + 40 + 48, 320]
    assert list(journal.records(kinds=[77])) == []


@pytest.mark.parametrize("last", [0, END])
@pytest.mark.parametrize("which", [0, 1])
def test_a_change_of_any_byte_is_found_and_told(tmp_path: Path, last: int, which: int) -> None:
    """One bit, another one in each byte; the finding names the file that was changed."""
    damaged = two_segments(tmp_path, last)[which]
    text = bytearray(damaged.read_bytes())
    # Of the zeros of an open segment, every byte of the first words and of the last, and one in each line.
    ends = [at for at in range(len(text)) if text[at]][-1] + 64
    for at in [*range(min(ends, len(text))), *range(ends, len(text), 64), *range(len(text) - 9, len(text))]:
        text[at] ^= 1 << at % 8
        damaged.write_bytes(text)
        report = verify(tmp_path)
        assert report.findings, f"byte {at}"
        assert any(finding.file == damaged.name for finding in report.findings), f"byte {at}: {told(report)}"
        text[at] ^= 1 << at % 8


@pytest.mark.parametrize("last", [0, END])
@pytest.mark.parametrize("which", [0, 1])
def test_a_cut_at_any_length_is_found_and_told(tmp_path: Path, last: int, which: int) -> None:
    damaged = two_segments(tmp_path, last)[which]
    text = damaged.read_bytes()
    for size in [*range(min(len(text), 700)), *range(700, len(text), 61), len(text) - 1]:
        damaged.write_bytes(text[:size])
        report = verify(tmp_path)
        assert not report.is_whole, f"{size} bytes"
        assert any(finding.file == damaged.name for finding in report.findings), f"{size}: {told(report)}"


def test_damage_names_the_file_the_byte_and_the_record_and_reading_ends_there(tmp_path: Path) -> None:
    (first, _) = two_segments(tmp_path, END)
    text = bytearray(first.read_bytes())
    text[320 + 40 + 40] ^= 1  # in the payload of the second record
    first.write_bytes(text)
    expected = "journal-000001.seg: byte 360, behind record 1: the record has another checksum than it says"
    assert told(verify(tmp_path)) == expected
    with pytest.raises(JournalError) as refused:
        list(Journal(tmp_path).records())
    assert str(refused.value) == expected


def test_a_torn_record_at_the_end_is_told_and_is_no_damage(tmp_path: Path) -> None:
    """A killed writer leaves a record begun. With a whole record behind it, it was not torn."""
    (_, last) = two_segments(tmp_path, 0)
    whole = last.read_bytes()
    behind = record(PACKET, 0, 4, b"one more")
    end = 320 + 48 + 40
    last.write_bytes(whole[: end + 32] + behind[32:] + whole[end + len(behind) :])
    report = verify(tmp_path)
    assert report.is_whole
    assert "byte 440" in told(report)
    assert "40 bytes of a torn record" in told(report)
    assert len(list(Journal(tmp_path).records())) == 6

    text = bytearray(whole)
    text[320] ^= 1
    last.write_bytes(text)
    assert not verify(tmp_path).is_whole


def test_numbers_that_do_not_follow_are_told(tmp_path: Path) -> None:
    for numbers, expected in (
        ([2], "1 should stand there, and 2 does"),
        ([1, 1], "2 should stand there, and 1 does"),
        ([1, 3], "2 should stand there, and 3 does"),
    ):
        text = head(1, 4096, [1] * 8, abi_hash()) + link(0, bytes(32))
        text += b"".join(record(NOTE, 3, number, b"") for number in numbers)
        (tmp_path / "journal-000001.seg").write_bytes(text.ljust(4096, b"\0"))
        assert expected in told(verify(tmp_path))
        assert not verify(tmp_path).is_whole


def test_streams_and_kinds_that_there_are_not_are_told(tmp_path: Path) -> None:
    start = head(1, 4096, [1] * 8, abi_hash()) + link(0, bytes(32))
    for body in (record(NOTE, 8, 1, b""), record(NOTE, 65535, 1, b""), record(0, 0, 1, b"")):
        (tmp_path / "journal-000001.seg").write_bytes((start + body).ljust(4096, b"\0"))
        assert "no such stream or kind" in told(verify(tmp_path))


@pytest.mark.parametrize(
    "contradiction",
    [
        seal(2, 1, [2, *[1] * 7], END),
        seal(1, 2, [2, *[1] * 7], END),
        seal(1, 1, [1] * 8, END),
        seal(1, 1, [2, *[1] * 7], 3),
        record(65535, 0, 0, b"short"),
        record(65535, 0, 1, seal(1, 1, [2, *[1] * 7], END)[32:]),
    ],
)
def test_a_seal_that_contradicts_its_segment_is_told(tmp_path: Path, contradiction: bytes) -> None:
    start = head(1, 4096, [1] * 8, abi_hash()) + link(0, bytes(32)) + record(NOTE, 0, 1, b"")
    (tmp_path / "journal-000001.seg").write_bytes(start + contradiction)
    assert "the seal contradicts" in told(verify(tmp_path))


def test_a_segment_that_was_exchanged_breaks_the_chain(tmp_path: Path) -> None:
    """Both are whole, and their numbers follow; only the hash tells."""
    (first, _) = two_segments(tmp_path, END)
    other = Writer(abi_hash())
    first.write_bytes(other.segment([(kind, stream, payload[::-1]) for kind, stream, payload in FIRST], FULL))
    assert told(verify(tmp_path)) == (
        "journal-000002.seg: byte 256: it carries another SHA-256 of journal-000001.seg than that has now"
    )
    with pytest.raises(JournalError, match="another SHA-256"):
        list(Journal(tmp_path).records())


def test_a_segment_not_yet_chained_is_no_damage(tmp_path: Path) -> None:
    """The link is empty until the segment before has been hashed."""
    (_, last) = two_segments(tmp_path, 0)
    text = last.read_bytes()
    last.write_bytes(text[:HEAD_BYTES] + NO_LINK + text[FIRST_RECORD:])
    report = verify(tmp_path)
    assert report.is_whole
    assert "not chained" in told(report)


def test_a_chain_that_goes_on_behind_an_empty_link_is_broken(tmp_path: Path) -> None:
    writer = Writer(abi_hash())
    for why in (FULL, FULL, END):
        writer.segment(SECOND, why)
    files = writer.write(tmp_path)
    text = files[1].read_bytes()
    files[1].write_bytes(text[:HEAD_BYTES] + NO_LINK + text[FIRST_RECORD:])
    assert not verify(tmp_path).is_whole


def test_missing_renamed_and_doubled_segments_are_told(tmp_path: Path) -> None:
    writer = Writer(abi_hash())
    for why in (FULL, FULL, END):
        writer.segment(SECOND, why)
    first, second, third = writer.write(tmp_path)

    kept = second.read_bytes()
    second.unlink()
    assert "journal-000003.seg: segment 2 should stand before it, and is missing" in told(verify(tmp_path))
    second.write_bytes(third.read_bytes())
    assert "journal-000002.seg: byte 40: it says that it is segment 3" in told(verify(tmp_path))
    second.write_bytes(kept)
    assert told(verify(tmp_path)) == ""

    third.unlink()
    assert "segment 3 is missing behind it" in told(verify(tmp_path))
    third.write_bytes(writer.segments[2])
    first.unlink()  # archived: what is left is whole, and says where it begins
    report = verify(tmp_path)
    assert told(report) == ""
    assert report.first_segment == 2


def test_numbers_go_on_from_segment_to_segment(tmp_path: Path) -> None:
    writer = Writer(abi_hash())
    writer.segment(FIRST, FULL)
    writer.next[2] += 1
    writer.segment(SECOND, END)
    writer.write(tmp_path)
    assert (
        "journal-000002.seg: byte 72: its records of stream decision begin with number 3, and 2 comes next"
        in told(verify(tmp_path))
    )


@pytest.mark.parametrize("content", [b"", b"short", bytes(8192), b"no journal" * 1000])
def test_what_is_no_segment_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "journal-000001.seg").write_bytes(content)
    assert told(verify(tmp_path)) == "journal-000001.seg: byte 0: this is no segment of a journal"


def test_a_directory_without_a_journal_is_told(tmp_path: Path) -> None:
    (tmp_path / "journal-1.seg").touch()
    assert "no journal" in told(verify(tmp_path))
    with pytest.raises(JournalError, match="no journal"):
        Journal(tmp_path)
    with pytest.raises(JournalError, match="No such file"):
        verify(tmp_path / "nowhere")
