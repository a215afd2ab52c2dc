/* The plan: all that a data plane is told. Addresses have their first number in the highest byte. */
#ifndef APPLIANCE_ABI_PLAN_H
#define APPLIANCE_ABI_PLAN_H

#include "abi/book.h"

enum plan_port_kind { PLAN_PORT_FILE = 0, PLAN_PORT_UDP = 1, PLAN_PORT_DPDK = 2 };

enum plan_pace {
    PLAN_PACE_FLAT = 0,     /* as fast as it goes */
    PLAN_PACE_RECORDED = 1, /* as the times in the file say */
    PLAN_PACE_RATE = 2      /* `pace_rate` messages a second */
};

struct plan_port {
    uint32_t kind;
    uint32_t pace; /* of a file */
    uint64_t pace_rate;
    uint32_t interface_ip;         /* udp: the address whose interface joins; dpdk: source of the reports */
    uint32_t receive_buffer_bytes; /* udp; 0 = as the kernel has it */
    uint32_t busy_poll_us;         /* udp; 0 = none */
    uint32_t rx_queues;            /* dpdk */
    uint32_t sends;                /* 1: the port is to send, and joins no group */
    uint32_t reserved;
    char where[4096]; /* file: its path; udp: the interface, or empty; dpdk: the device, as EAL names it */
};
ABI_SIZE(plan_port, 4136);
ABI_AT(plan_port, where, 40);

struct plan_line {
    uint32_t group;
    uint16_t udp_port;
    uint16_t port; /* index of its plan_port */
};
ABI_SIZE(plan_line, 8);

struct plan_recovery {
    uint32_t request_ip; /* 0 = there is no retransmission server */
    uint32_t snapshot_ip;
    uint16_t request_port;
    uint16_t snapshot_port;
    char user[6];
    char password[10];
    uint32_t gap_wait_us;        /* for the other line to fill a gap */
    uint32_t request_timeout_us; /* for a reply */
    uint32_t request_tries;      /* before the gap is given up, or a snapshot wanted */
    uint32_t request_messages;   /* in one request */
    uint32_t request_longest;    /* a longer gap is not asked for: a snapshot is quicker */
    uint32_t snapshot_timeout_ms;
    uint32_t snapshot_retry_ms;
    uint32_t silence_ms;   /* a session silent for so long is over when another begins */
    uint32_t far_messages; /* a packet further ahead is not believed alone */
};
ABI_SIZE(plan_recovery, 64);

enum plan_flag {
    PLAN_HOLD = 1,        /* stay when the feed has ended, until told to stop */
    PLAN_LOCK_MEMORY = 2, /* mlockall, and refuse to start without */
    PLAN_DIE_WITH_PARENT = 4,
    PLAN_ANY_SNAPSHOT = 8 /* the snapshot server's session has a name of its own: it need not be the feed's */
};

enum trading_mode {
    TRADING_OFF = 0,   /* books only */
    TRADING_LIVE = 1,  /* orders go to the venue */
    TRADING_PAPER = 2, /* orders are filled by a model of their place in the queue, and never sent */
    TRADING_REPLAY = 3 /* what a journal holds comes again; orders are compared, and never sent */
};

enum trading_stage { TRADING_FEED = 0, TRADING_STRATEGY = 1, TRADING_RISK = 2, TRADING_GATEWAY = 3 };

struct plan_trading {
    uint32_t mode;   /* enum trading_mode */
    uint32_t groups; /* threads, 1 .. 4 */
    uint32_t
        group[4];    /* of each enum trading_stage; the feed's is 0, and each is that before it or the next */
    int32_t core[4]; /* of each group's thread; -1: wherever the kernel puts it. The feed's is feed_core */
    uint32_t orders; /* that may be open at once */
    uint32_t call_budget_us; /* that a strategy may take for one call */
    uint32_t gateway_ip;     /* of the venue's OUCH server */
    uint16_t gateway_port;
    uint16_t busy_poll_us;
    char user[6];
    char password[10];
    char session[10]; /* blank = the current one */
    char firm[4];     /* blank = the port's own */
    uint8_t capacity; /* as on the wire */
    uint8_t display;
    uint32_t params_bytes; /* 0 = the strategy's own initial values */
    uint32_t reserved[2];
    uint8_t params[256];
    char strategy[4096]; /* path of the shared object; empty = none is called */
};

struct plan {
    struct plan_port port[2];
    struct plan_line line[2];
    struct plan_recovery recovery;
    struct book_limits books;
    uint32_t ports;
    uint32_t lines;
    uint32_t window_packets; /* that can wait for a gap or a snapshot */
    uint32_t flags;          /* enum plan_flag */
    int32_t feed_core;       /* -1: wherever the kernel puts it */
    int32_t cold_core;
    char eal[512]; /* further words for DPDK's EAL */
    struct plan_trading trading;
};
ABI_AT(plan, line, 8272);
ABI_AT(plan, recovery, 8288);
ABI_AT(plan, books, 8352);
ABI_AT(plan, eal, 8396);
ABI_AT(plan, trading, 8908);
ABI_SIZE(plan, 13360);

#endif
