#include "journal/flaws.h"

#include "abi.h"

const char *journal_flaw_name(uint32_t flaw) {
    static const char *const names[] = {
        [JOURNAL_FINE] = "nothing is wrong",
        [JOURNAL_NO_HEAD] = "this is no segment of a journal",
        [JOURNAL_HEAD_CRC] = "the head has another checksum than it says",
        [JOURNAL_CUT_OFF] = "the file ends too early",
        [JOURNAL_BAD_LENGTH] = "no record can be as long as this one says",
        [JOURNAL_BAD_CRC] = "the record has another checksum than it says",
        [JOURNAL_BAD_STREAM] = "there is no such stream or kind",
        [JOURNAL_BAD_NUMBER] = "this is not the record that comes next in its stream",
        [JOURNAL_BAD_SEAL] = "the seal contradicts what it seals",
        [JOURNAL_BAD_REST] = "something stands behind the last record",
        [JOURNAL_BAD_LINK] = "the link to the segment before is damaged",
    };
    return flaw < sizeof names / sizeof *names ? names[flaw] : 0;
}
