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
    PLAN_DIE_WITH_PARENT = 4
};

enum plan_placement { PLAN_FUSED = 0 /* all stages on the feed's core */ };

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
    uint32_t placement;
    uint32_t reserved[3];
    char eal[512]; /* further words for DPDK's EAL */
};
ABI_AT(plan, line, 8272);
ABI_AT(plan, recovery, 8288);
ABI_AT(plan, books, 8352);
ABI_AT(plan, eal, 8412);
ABI_SIZE(plan, 8928);

#endif
