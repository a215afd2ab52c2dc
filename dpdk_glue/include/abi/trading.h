/* Trading in a running data plane: what it is told, what others may ask of it, what it shows.
 *
 * Stages stand in a row, feed -> strategy -> risk -> gateway, and run on one or more threads: a group of
 * neighbours is a thread. All on one is `fused`: direct calls, no ring.
 */
#ifndef APPLIANCE_ABI_TRADING_H
#define APPLIANCE_ABI_TRADING_H

#include "abi/gateway.h"
#include "abi/risk.h"
#include "abi/segment.h"
#include "abi/strategy.h"
#include "abi/trade.h"

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

/* Why no order leaves; all bits clear is an open gate. */
enum gate_cause {
    GATE_STARTING = 1,     /* positions and open orders are not yet compared with the venue's */
    GATE_DISCONNECTED = 2, /* there is no session with the venue, or its replay is not over */
    GATE_KILLED = 4,       /* an operator said so, and only one with the risk role takes it back */
    GATE_JOURNAL = 8,      /* what happens can not be written down */
    GATE_REDUCE = 16,      /* only orders that shrink a position */
    GATE_ENDED = 32        /* the venue has ended the day */
};

/* What an operator may ask for. Commands are taken one at a time, between two intents. */
enum command_kind {
    COMMAND_NOTHING = 0,
    COMMAND_KILL = 1,   /* the kill word has been stored before it: this says by whom */
    COMMAND_REDUCE = 2, /* only reducing orders */
    COMMAND_OPEN = 3,   /* the gate opens, if nothing but an operator's or the start's word keeps it shut */
    COMMAND_LIMITS = 4, /* `limits` of a scope */
    COMMAND_PERMIT = 5, /* `index` may be traded, or with `off` may not */
    COMMAND_CANCEL_ALL = 6,
    COMMAND_STRATEGY = 7, /* load `path` with `params`, and switch to it; without a path, to none */
    COMMAND_RESERVED = 8
};

struct command {
    uint64_t number; /* counts up; stored last */
    uint32_t kind;   /* enum command_kind */
    uint32_t scope;  /* enum risk_scope */
    uint32_t index;
    uint32_t off;
    uint64_t wall_ns; /* since 1970 */
    char who[32];
    struct risk_limits limits;
    struct risk_limits before; /* what the limits were, for the journal */
    uint32_t params_bytes;
    uint32_t reserved;
    uint8_t params[256];
    char path[1024];
};

/* Written by the control plane while the data plane runs. */
struct shm_control {
    uint32_t
        kill; /* enum risk_state; the stricter of this and the gate's own counts, from the next order on */
    uint32_t reserved[15];
    struct command command;
};
ABI_AT(shm_control, command, 64);

#endif
