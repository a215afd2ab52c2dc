"""What a writer makes of the files that it finds: torn, damaged, unchained, or of another build."""

from __future__ import annotations

from pathlib import Path

import pytest
from model.journal import END, FULL, HEAD_BYTES, LINK_BYTES, NO_LINK, Writer, record

from appliance.journal import Journal, JournalError, JournalWriter, verify
from appliance.native import abi_hash

NOTE = 13
RINGS = {0: 4096}
SIZE = 8192
RECORDS = [(NOTE, 0, bytes([number]) * 20) for number in range(5)]
RECORD_BYTES = 32 + 24
FIRST_RECORD = HEAD_BYTES + LINK_BYTES
END_OF_RECORDS = FIRST_RECORD + 5 * RECORD_BYTES


def run_once(directory: Path, expected_next: int) -> None:
    """Start a writer, append one record, and stop it."""
    with JournalWriter.start(directory, RINGS, SIZE) as writer:
        assert writer.tap(0).append(NOTE, b"and on") == expected_next
    report = verify(directory)
    assert report.findings == [], [str(finding) for finding in report.findings]
    assert report.last == {0: expected_next}
    last = list(Journal(directory).records())[-1]
    assert (last.payload, last.number) == (b"and on", expected_next)


def one_open(directory: Path) -> Path:
    """Write a journal of one open segment."""
    writer = Writer(abi_hash(), SIZE)
    writer.segment(RECORDS)
    return writer.write(directory)[0]


def test_an_open_segment_is_gone_on_with(tmp_path: Path) -> None:
    one_open(tmp_path)
    run_once(tmp_path, 6)
    assert verify(tmp_path).segments == 1


@pytest.mark.parametrize("size", range(1, RECORD_BYTES))
def test_a_torn_record_is_cut_off(tmp_path: Path, size: int) -> None:
    """The payload comes first and the header last, or the machine kept any other part of it."""
    file = one_open(tmp_path)
    text = file.read_bytes()
    torn = record(NOTE, 0, 6, b"\xee" * 24)
    kept = torn[-size:].rjust(len(torn), b"\0") if size % 2 else torn[:size]
    file.write_bytes((text[:END_OF_RECORDS] + kept).ljust(SIZE, b"\0"))
    run_once(tmp_path, 6)
    assert len(list(tmp_path.iterdir())) == 1


def test_what_was_cut_off_is_counted(tmp_path: Path) -> None:
    file = one_open(tmp_path)
    text = bytearray(file.read_bytes())
    text[END_OF_RECORDS + 40 : END_OF_RECORDS + 50] = b"x" * 10
    file.write_bytes(text)
    with JournalWriter.start(tmp_path, RINGS, SIZE) as writer:
        assert writer.state.cut == 50


def test_a_last_record_that_was_changed_is_cut_off(tmp_path: Path) -> None:
    """It cannot be told from a torn one."""
    file = one_open(tmp_path)
    text = bytearray(file.read_bytes())
    text[END_OF_RECORDS - 10] ^= 1
    file.write_bytes(text)
    run_once(tmp_path, 5)


def test_whole_records_behind_damage_are_kept_beside(tmp_path: Path) -> None:
    file = one_open(tmp_path)
    text = bytearray(file.read_bytes())
    damaged = FIRST_RECORD + RECORD_BYTES
    text[damaged + 32] ^= 1
    file.write_bytes(text)
    run_once(tmp_path, 2)
    rest = tmp_path / f"journal-000001-from-{damaged}.rest"
    assert rest.read_bytes() == bytes(text[damaged:END_OF_RECORDS]).rstrip(b"\0")


@pytest.mark.parametrize("size", [END_OF_RECORDS, END_OF_RECORDS - 1, END_OF_RECORDS + 3, FIRST_RECORD])
def test_a_file_that_was_cut_gets_its_size_again(tmp_path: Path, size: int) -> None:
    file = one_open(tmp_path)
    file.write_bytes(file.read_bytes()[:size])
    run_once(tmp_path, 1 + (size - FIRST_RECORD) // RECORD_BYTES)


def test_a_file_that_is_too_long_is_cut(tmp_path: Path) -> None:
    file = one_open(tmp_path)
    file.write_bytes(file.read_bytes() + b"and something else" * 100)
    run_once(tmp_path, 6)


@pytest.mark.parametrize("content", [b"", bytes(100), bytes(SIZE)])
def test_a_segment_whose_head_never_reached_the_disk_is_set_aside(tmp_path: Path, content: bytes) -> None:
    """The one before is sealed as full: the writer had just begun the next."""
    writer = Writer(abi_hash(), SIZE)
    writer.segment(RECORDS, FULL)
    writer.write(tmp_path)
    (tmp_path / "journal-000002.seg").write_bytes(content)
    run_once(tmp_path, 6)
    assert (tmp_path / "journal-000002.rest").read_bytes() == content
    assert verify(tmp_path).segments == 2


@pytest.mark.parametrize("why", [FULL, END])
def test_behind_a_sealed_segment_the_next_is_begun(tmp_path: Path, why: int) -> None:
    """Also when the sealed one was not cut to its length, and when there is one that was only prepared."""
    writer = Writer(abi_hash(), SIZE)
    writer.segment(RECORDS, why)
    (file,) = writer.write(tmp_path)
    file.write_bytes(file.read_bytes().ljust(SIZE, b"\0"))
    (tmp_path / "journal.next").write_bytes(b"junk")
    run_once(tmp_path, 6)
    assert verify(tmp_path).segments == 2
    assert file.stat().st_size < SIZE
    assert not (tmp_path / "journal.next").exists()


def unlinked(text: bytes) -> bytes:
    """Take the link of a segment away."""
    return text[:HEAD_BYTES] + NO_LINK + text[FIRST_RECORD:]


@pytest.mark.parametrize("last", [0, END])
@pytest.mark.parametrize("first_unlinked", [1, 2, 3, 4])
@pytest.mark.parametrize("torn_link", [False, True])
def test_a_chain_that_was_not_finished_is(
    tmp_path: Path, last: int, first_unlinked: int, torn_link: bool
) -> None:
    """From the first segment without a link on; those behind it have the length that they were made with."""
    writer = Writer(abi_hash(), SIZE)
    for why in (FULL, FULL, FULL, last):
        writer.segment(RECORDS, why)
    files = writer.write(tmp_path)
    # What the hash of a segment covers has its link: so hash what will stand there.
    for file in files[first_unlinked - 1 :]:
        text = file.read_bytes()
        if torn_link and file == files[first_unlinked - 1]:
            file.write_bytes(
                text[: HEAD_BYTES + 9] + bytes(55) + text[FIRST_RECORD:].ljust(SIZE, b"\0")[:7872]
            )
        else:
            file.write_bytes(unlinked(text).ljust(SIZE, b"\0"))
    run_once(tmp_path, 21)
    for file, text in zip(files[:3], writer.segments[:3], strict=True):
        assert file.read_bytes() == text


def test_a_chain_is_not_made_from_a_damaged_segment(tmp_path: Path) -> None:
    writer = Writer(abi_hash(), SIZE)
    for why in (FULL, FULL, END):
        writer.segment(RECORDS, why)
    files = writer.write(tmp_path)
    text = bytearray(unlinked(files[1].read_bytes()))
    text[400] ^= 1
    files[1].write_bytes(text)
    files[2].write_bytes(unlinked(files[2].read_bytes()))
    with pytest.raises(JournalError, match=r"journal-000002\.seg: .*checksum.*cannot be chained"):
        JournalWriter.start(tmp_path, RINGS, SIZE)


def test_older_segments_may_be_archived(tmp_path: Path) -> None:
    writer = Writer(abi_hash(), SIZE)
    for why in (FULL, FULL, END):
        writer.segment(RECORDS, why)
    files = writer.write(tmp_path)
    files[0].unlink()
    files[1].unlink()
    run_once(tmp_path, 16)


@pytest.mark.parametrize("records", [RECORDS, []])
def test_what_another_build_began_is_sealed_and_another_begun(
    tmp_path: Path, records: list[tuple[int, int, bytes]]
) -> None:
    """Its payloads may be laid out otherwise: a segment is of one build."""
    writer = Writer(bytes(32), SIZE)
    writer.segment(records)
    writer.write(tmp_path)
    run_once(tmp_path, 1 + len(records))
    first, second = Journal(tmp_path).segments()
    assert (first.sealed, first.count, first.is_of_this_build) == ("full", len(records), False)
    assert second.is_of_this_build


@pytest.mark.parametrize(
    ("at", "what"),
    [
        (0, "no segment of a journal"),
        (60, "head has another checksum"),
        (252, "head has another checksum"),
    ],
)
def test_a_segment_that_contradicts_itself_is_refused_and_left_alone(
    tmp_path: Path, at: int, what: str
) -> None:
    file = one_open(tmp_path)
    text = bytearray(file.read_bytes())
    text[at] ^= 1
    file.write_bytes(text)
    with pytest.raises(JournalError, match=rf"journal-000001\.seg: byte 0: .*{what}"):
        JournalWriter.start(tmp_path, RINGS, SIZE)
    assert file.read_bytes() == bytes(text)
    assert [path.name for path in tmp_path.iterdir()] == [file.name]


def test_a_number_that_does_not_follow_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = one_open(tmp_path)
    text = file.read_bytes()
    wrong = text[:END_OF_RECORDS] + record(NOTE, 0, 8, b"8 is not 6")
    file.write_bytes(wrong.ljust(SIZE, b"\0"))
    with pytest.raises(JournalError, match="not the record that comes next"):
        JournalWriter.start(tmp_path, RINGS, SIZE)
    assert file.read_bytes() == wrong.ljust(SIZE, b"\0")
