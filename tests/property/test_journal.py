"""Any records of any streams, with writers killed in between: each stands in the files, and once."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st
from model.journal import END, FULL, SEAL, STREAMS, Writer

from appliance.journal import Journal, JournalWriter, verify
from appliance.native import abi_hash

RINGS = {0: 8192, 3: 4096, 7: 4096}
SEGMENT = 8192

KINDS = st.one_of(st.integers(1, 14), st.integers(100, SEAL - 1))
PAYLOADS = st.one_of(st.binary(max_size=40), st.integers(0, 900).map(bytes))
RECORDS = st.tuples(KINDS, st.sampled_from(sorted(RINGS)), PAYLOADS)
STEPS = st.lists(st.one_of(RECORDS, st.sampled_from(["kill", "stop", "reopen"])), max_size=60)


@given(STEPS)
@settings(max_examples=40)
def test_what_was_accepted_stands_in_the_files_in_the_order_of_its_stream(
    steps: list[tuple[int, int, bytes] | str],
) -> None:
    accepted: dict[int, list[tuple[int, bytes]]] = {stream: [] for stream in RINGS}
    with TemporaryDirectory() as place:
        directory = Path(place)
        writer = JournalWriter.start(directory, RINGS, SEGMENT, sync_s=0.001)
        try:
            taps = {stream: writer.taps.open(stream) for stream in RINGS}
            for step in steps:
                if step == "kill":
                    writer.kill()
                    writer.restart()
                elif step == "stop":
                    for tap in taps.values():
                        tap.close()
                    assert writer.stop().state == "stopped"
                    writer.restart()
                    taps = {stream: writer.taps.open(stream) for stream in RINGS}
                elif step == "reopen":
                    for stream in RINGS:
                        taps[stream].close()
                        taps[stream] = writer.taps.open(stream)
                else:
                    assert not isinstance(step, str)
                    kind, stream, payload = step
                    number = taps[stream].append(kind, payload)
                    if number:
                        accepted[stream].append((kind, payload))
                        assert number == len(accepted[stream])
            for tap in taps.values():
                tap.close()
            assert writer.stop().state == "stopped"
        finally:
            writer.close()
        report = verify(directory)
        assert report.findings == [], [str(finding) for finding in report.findings]
        found: dict[int, list[tuple[int, bytes]]] = {stream: [] for stream in RINGS}
        for record in Journal(directory).records():
            found[record.stream].append((record.kind, record.payload))
            assert record.number == len(found[record.stream])
        assert found == accepted


@given(
    st.lists(st.lists(st.tuples(KINDS, st.integers(0, STREAMS - 1), PAYLOADS), max_size=6), max_size=4),
    st.booleans(),
    st.data(),
)
def test_one_changed_byte_anywhere_is_found(
    segments: list[list[tuple[int, int, bytes]]], is_open: bool, data: st.DataObject
) -> None:
    writer = Writer(abi_hash())
    for records in segments:
        writer.segment(records, FULL)
    writer.segment([], 0 if is_open else END)
    with TemporaryDirectory() as place:
        files = writer.write(Path(place))
        assert verify(Path(place)).findings == []
        read = [(record.kind, record.stream, record.payload) for record in Journal(Path(place)).records()]
        assert read == [record for records in segments for record in records]

        which = data.draw(st.integers(0, len(files) - 1))
        text = bytearray(files[which].read_bytes())
        at = data.draw(st.integers(0, len(text) - 1))
        text[at] ^= data.draw(st.integers(1, 255))
        files[which].write_bytes(text)
        findings = verify(Path(place)).findings
        assert any(finding.file == files[which].name for finding in findings), (which, at)
