/* The journal: every input and output of the trading process, as records in segment files.
 *
 *     each thread -> its tap, a ring in shared memory -> journal-writer -> journal-000001.seg, ...
 *
 * A stream is what one thread writes. Its records are numbered from 1, over all sessions of a journal, so
 * that none can be missing or come twice without being seen. In a ring and in a file a record is the same: a
 * header, and the payload behind it.
 */
#ifndef APPLIANCE_ABI_JOURNAL_H
#define APPLIANCE_ABI_JOURNAL_H

#include "abi/trade.h"
#include "abi/trading.h"

#define ABI_JOURNAL_MAGIC   0x314e524a4c505041
#define ABI_JOURNAL_TAPS    0x31535041544e524a
#define ABI_JOURNAL_STREAMS 8

enum journal_stream {
    JOURNAL_FEED = 0,
    JOURNAL_STRATEGY = 1,
    JOURNAL_DECISION = 2,
    JOURNAL_GATEWAY = 3,
    JOURNAL_CONTROL = 4 /* the control plane */
};

enum journal_kind {
    JOURNAL_NOTHING = 0,   /* no record: the end of what is written */
    JOURNAL_SESSION = 1,   /* struct journal_session: a process starts */
    JOURNAL_PACKET = 2,    /* struct journal_packet, and the datagram */
    JOURNAL_TAKE = 3,      /* struct journal_step: runs that were taken later than their packet came */
    JOURNAL_REPAIR = 4,    /* struct journal_step: what the recovery did */
    JOURNAL_SNAPSHOT = 5,  /* struct journal_step: the begin, a run (behind it), or the end of one */
    JOURNAL_STALE = 6,     /* struct journal_step: the recovery calls the books stale, or fresh again */
    JOURNAL_COMMAND = 7,   /* struct journal_command */
    JOURNAL_EXECUTION = 8, /* struct journal_execution */
    JOURNAL_ORDER = 9,     /* struct journal_order, and the bytes that were sent */
    JOURNAL_REJECT = 10,   /* an order that risk refused, and why */
    JOURNAL_CLOCK = 11,    /* cycles and a clock on the wall, read together */
    JOURNAL_LIMIT = 12,    /* a limit as it stands */
    JOURNAL_NOTE = 13,     /* text for people */
    JOURNAL_INTENT = 14,   /* struct intent */
    JOURNAL_SWITCH = 15,   /* struct journal_switch */
    JOURNAL_FAULT = 16,    /* struct journal_fault */
    JOURNAL_LOST = 17,     /* struct journal_lost */
    JOURNAL_KINDS = 18,    /* kinds from here to 99 are not given */
    JOURNAL_OWN = 100,     /* from here on kinds are an appliance's own */
    JOURNAL_SEAL = 65535   /* struct journal_seal: the segment is whole */
};

/* In front of every payload. In a file each record begins at a multiple of 8, with zeros in front if need be;
 * `crc32c` (Castagnoli) is of the header with 0 in this place, the payload, and the zeros that follow it. */
struct journal_record {
    uint32_t bytes;  /* of the payload */
    uint16_t kind;   /* enum journal_kind */
    uint16_t stream; /* enum journal_stream */
    uint64_t number; /* of the stream */
    uint64_t cycles; /* when it was written, by the clock of its session */
    uint32_t crc32c;
    uint32_t reserved;
};
ABI_SIZE(journal_record, 32);
ABI_AT(journal_record, number, 8);
ABI_AT(journal_record, crc32c, 24);

struct journal_session {
    uint8_t abi_hash[32];  /* of the contract that the payloads follow */
    uint8_t plan_hash[32]; /* SHA-256 of the plan */
    uint64_t cycles_per_s;
    uint64_t cycles;  /* read together with `wall_ns` */
    uint64_t wall_ns; /* since 1970, UTC */
    uint32_t pid;
    uint32_t placement; /* how many threads the stages had */
    char name[32];
};
ABI_SIZE(journal_session, 128);
ABI_AT(journal_session, cycles_per_s, 64);
ABI_AT(journal_session, name, 96);

struct journal_packet {
    uint64_t rx_cycles;
    uint32_t bytes; /* of the MoldUDP64 datagram behind it */
    uint16_t line;
    uint16_t reserved;
};
ABI_SIZE(journal_packet, 16);

/* What the feed's thread did that no packet says: TAKE, REPAIR, SNAPSHOT and STALE. */
struct journal_step {
    uint64_t rx_cycles; /* the time that events of it carry */
    uint64_t sequence;  /* SNAPSHOT, its end: of the first message that follows it */
    uint32_t what;      /* REPAIR: enum recovery_action; SNAPSHOT: enum journal_snapshot; STALE: 1 or 0 */
    uint32_t bytes;     /* SNAPSHOT, a run: framed messages behind this */
    char session[10];   /* SNAPSHOT, its end */
    uint8_t reserved[6];
};
ABI_SIZE(journal_step, 40);

enum journal_snapshot { JOURNAL_SNAPSHOT_BEGIN = 1, JOURNAL_SNAPSHOT_RUN = 2, JOURNAL_SNAPSHOT_END = 3 };

/* Another strategy is called from the tick behind this one on; of the feed's stream. */
struct journal_switch {
    uint64_t tick;
    uint32_t params_bytes;
    uint32_t reserved;
    uint8_t params[256];
    char path[1024];
};
ABI_SIZE(journal_switch, 1296);

/* The strategy is not called any more, since the call for this tick failed; of the strategy's stream. */
struct journal_fault {
    uint64_t tick;
    uint32_t fault; /* enum strategy_fault */
    uint32_t reserved;
};
ABI_SIZE(journal_fault, 16);

/* The journal had no room: these records are not there. What was decided meanwhile can not be replayed. */
struct journal_lost {
    uint64_t records;
};
ABI_SIZE(journal_lost, 8);

/* An input of the decisions stands where it was taken: behind so many intents. */
struct journal_execution {
    uint64_t position; /* intents taken before */
    struct execution execution;
};
ABI_SIZE(journal_execution, 136);

struct journal_order {
    struct order order;
    uint32_t bytes; /* of what was sent, which follows */
    uint32_t reserved;
};
ABI_SIZE(journal_order, 72);

/* What somebody told a running appliance to do. */
struct journal_command {
    uint64_t position; /* intents taken before */
    struct command command;
};

/* The start of a segment file; a link follows it, and records begin at 320. */
struct journal_head {
    uint64_t magic;       /* ABI_JOURNAL_MAGIC */
    uint8_t abi_hash[32]; /* of the build that wrote it */
    uint64_t segment;     /* its number, from 1 */
    uint64_t bytes;       /* of the file, until it is sealed and cut to its length */
    uint64_t first[8];    /* per stream: the number of its first record from here on */
    uint64_t wall_ns;     /* when it was begun, since 1970, UTC */
    uint8_t reserved[124];
    uint32_t crc32c; /* of all before it */
};
ABI_SIZE(journal_head, 256);
ABI_AT(journal_head, segment, 40);
ABI_AT(journal_head, first, 56);
ABI_AT(journal_head, crc32c, 252);

/* What chains a segment to the one before. All of it is 0 until that one has been hashed, which may be later
 * than this one is begun: hashing takes longer than writing. */
struct journal_link {
    uint8_t
        sha256[32]; /* of the segment before, from its first byte to the end of its seal; 0 = there is none */
    uint64_t previous; /* its number; 0 = this is the first */
    uint8_t reserved[20];
    uint32_t crc32c; /* of all before it */
};
ABI_SIZE(journal_link, 64);
ABI_AT(journal_link, previous, 32);
ABI_AT(journal_link, crc32c, 60);

enum journal_seal_why {
    JOURNAL_SEAL_FULL = 1, /* another segment follows */
    JOURNAL_SEAL_END = 2   /* the writer was told to stop; another may follow */
};

/* The payload of a segment's last record, which belongs to no stream. */
struct journal_seal {
    uint64_t segment;
    uint64_t records; /* this one not counted */
    uint64_t next[8]; /* per stream: the number that comes next */
    uint32_t why;     /* enum journal_seal_why */
    uint32_t reserved;
};
ABI_SIZE(journal_seal, 88);

enum journal_flaw {
    JOURNAL_FINE = 0,
    JOURNAL_NO_HEAD = 1, /* too short for one, or another magic */
    JOURNAL_HEAD_CRC = 2,
    JOURNAL_CUT_OFF = 3,    /* the file ends inside a record, or unsealed before its full size */
    JOURNAL_BAD_LENGTH = 4, /* no record can be so long */
    JOURNAL_BAD_CRC = 5,
    JOURNAL_BAD_STREAM = 6, /* there is no such stream */
    JOURNAL_BAD_NUMBER = 7, /* not the one that comes next */
    JOURNAL_BAD_SEAL = 8,   /* it contradicts what it seals */
    JOURNAL_BAD_REST = 9,   /* something stands behind the end */
    JOURNAL_BAD_LINK = 10   /* not empty, and no link to the segment before */
};

/* What a walk over one segment has found; journal/scan.h says how it goes. */
struct journal_scan {
    uint64_t end; /* of the last record that is whole */
    uint64_t records;
    uint64_t next[8]; /* per stream: the number that comes next */
    uint32_t flaw;    /* enum journal_flaw: what is wrong at `end`, or at the first byte that is wrong */
    uint32_t sealed;  /* enum journal_seal_why, or 0 */
    uint64_t flaw_at;
    uint64_t expected; /* JOURNAL_BAD_NUMBER: the number that should stand there */
    uint64_t found;
    uint64_t linked; /* 1: it carries the hash of the segment before */
};
ABI_SIZE(journal_scan, 120);

enum journal_writer_state {
    JOURNAL_WRITER_STARTING = 0,
    JOURNAL_WRITER_OK = 1,
    JOURNAL_WRITER_FULL = 2,   /* there is no room on the disk: it tries again and again */
    JOURNAL_WRITER_FAILED = 3, /* `message` says why; it tries again, unless it has ended */
    JOURNAL_WRITER_STOPPED = 4 /* all that was in the rings is written and sealed */
};

/* Of the writer, which alone writes here. */
struct journal_state {
    uint32_t state; /* enum journal_writer_state */
    uint32_t pid;
    uint64_t heartbeat_cycles;
    uint64_t starts;       /* writers that have begun on these rings */
    uint64_t segment;      /* the one that is being written */
    uint64_t segment_room; /* bytes that are left in it */
    uint64_t records;      /* appended since the rings were made */
    uint64_t bytes;        /* appended, headers included */
    uint64_t doubles;      /* found in a ring that were in the file already: a writer was killed between */
    uint64_t lag_bytes;    /* that waited in the rings at the last round */
    uint64_t cut_bytes;    /* of torn records, cut off at the start */
    uint64_t syncs;
    uint64_t stalls;     /* times that it had to wait for a segment */
    uint64_t written[8]; /* per stream: the last number in the file */
    uint64_t synced[8];  /* per stream: the last number that is safe on the disk */
    uint64_t reserved[4];
    char message[512];
};
ABI_SIZE(journal_state, 768);
ABI_AT(journal_state, written, 96);
ABI_AT(journal_state, message, 256);

/* A tap: where its ring lies, and what its producer says of itself. */
struct journal_tap_place {
    uint64_t offset;     /* of the ring in the segment of taps; 0 = this stream has none */
    uint64_t ring_bytes; /* room for records: a power of two */
    uint8_t reserved_place[48];
    uint64_t refused; /* records for which there was no room. The producer's line */
    uint32_t pid;     /* of the producer; 0 = it has ended in order, or has not begun */
    uint32_t reserved;
    uint8_t reserved_line[48];
};
ABI_SIZE(journal_tap_place, 128);
ABI_AT(journal_tap_place, refused, 64);

/* The shared segment of the taps: this, and the rings. The control plane makes it, with `magic` last, and
 * gives it to the data plane and to the writer as an open file. It outlives both. */
struct journal_taps {
    uint64_t magic; /* ABI_JOURNAL_TAPS */
    uint8_t abi_hash[32];
    uint64_t bytes;
    uint64_t segment_bytes; /* of a segment file */
    uint32_t sync_ms;       /* how often what is written is brought to the disk; 0 = at each segment's end */
    int32_t writer_core;    /* -1: wherever the kernel puts it */
    uint64_t parent_pid;    /* whose end is the writer's, once the rings are empty; 0 = nobody's */
    uint64_t reserved[7];
    struct journal_state state;
    struct journal_tap_place tap[8];
};
ABI_AT(journal_taps, segment_bytes, 48);
ABI_AT(journal_taps, state, 128);
ABI_AT(journal_taps, tap, 896);
ABI_SIZE(journal_taps, 1920);

#endif
