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

/* Why no order leaves; all bits clear is an open gate. */
enum shut_cause {
    SHUT_STARTING = 1,     /* positions and open orders are not yet compared with the venue's */
    SHUT_DISCONNECTED = 2, /* there is no session with the venue, or its replay is not over */
    SHUT_KILLED = 4,       /* an operator said so, and only one with the risk role takes it back */
    SHUT_JOURNAL = 8,      /* what happens can not be written down */
    SHUT_REDUCE = 16,      /* only orders that shrink a position */
    SHUT_ENDED = 32        /* the venue has ended the day */
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

/* `scope` of a COMMAND_KILL in the journal that stands for a change of the kill word, to `index`. */
#define COMMAND_OF_THE_WORD 0xffffffff

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
        kill; /* enum risk_gate; the stricter of this and the gate's own counts, from the next order on */
    uint32_t reserved[15];
    struct command command;
};
ABI_AT(shm_control, command, 64);

/* Written by the decision stage alone, while it runs. */
struct decider_counters {
    uint64_t orders; /* handed to the gateway, cancels included */
    uint64_t executions;
    uint64_t rejects;    /* by risk; risk_totals says why */
    uint64_t refused[9]; /* by the pool: enum order_take */
    uint64_t unwritten;  /* inputs for which the journal had no room */
    uint64_t reserved[3];
};
ABI_SIZE(decider_counters, 128);

#define ABI_SHOWN_REJECTS 64
#define ABI_SHOWN_ORDERS  256
#define ABI_ANSWER_BYTES  256

/* One instrument, as risk and the pool have it. */
struct shown_position {
    int64_t position;
    uint64_t open_qty[2]; /* by side */
    uint64_t bought_qty;
    uint64_t sold_qty;
    uint64_t bought_notional; /* at the prices of the fills */
    uint64_t sold_notional;
    uint32_t open_orders;
    uint32_t permitted;
};
ABI_SIZE(shown_position, 64);

/* What trading shows. Each part has one writer; `version` is odd while the decision stage writes its part. */
struct shm_decisions {
    uint64_t version;
    uint64_t answered; /* the number of the last command that was taken */
    uint32_t refused;  /* 1: it was not done, and `answer` says why */
    uint32_t causes;   /* enum shut_cause */
    uint64_t intents;
    uint64_t next_user_ref;
    uint64_t venue_sequence; /* of the last message of the venue */
    uint32_t connection;     /* counts them */
    uint32_t open_orders;
    uint64_t shown_cycles;
    char answer[256];
    struct decider_counters counters;
    struct risk_totals risk;
    struct order_pool_counters pool;
    struct shown_position position[1024];
    struct risk_reject reject[64]; /* the latest, in a ring by counters.rejects */
    struct order_view order[256];  /* open ones, the oldest first, as many as there is room for */
    uint64_t listed_sequence;      /* of the venue, when `order` and `open_orders` were written */
    uint64_t reserved[7];
};
ABI_AT(shm_decisions, answer, 64);
ABI_AT(shm_decisions, position, 944);

struct shm_strategy {
    uint64_t ticks;
    uint64_t intents;
    uint64_t fault_tick;
    uint64_t switches;
    uint32_t fault;  /* enum strategy_fault: of the last one that was left */
    uint32_t active; /* 1: one is called */
    char name[32];   /* of the one that is called, or was last */
    uint64_t waits;  /* rounds in which a ring before the next stage had no room */
    uint64_t reserved[6];
};
ABI_SIZE(shm_strategy, 128);

struct shm_trading {
    struct shm_control control;
    struct risk_limits limits[1026]; /* at the start: the account's, the strategy's, each symbol's */
    struct shm_strategy strategy;
    struct shm_decisions decisions;
    struct gateway_counters gateway;
    uint64_t waits[4]; /* of each enum trading_stage: rounds in which the next one had no room */
};

#endif
