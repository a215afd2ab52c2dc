#include "wire/bytes.h"
#include "wire/ouch.h"

#include <string.h>

enum appendage {
    ALWAYS = 0,    /* its length is there, though it may be 0 */
    SOMETIMES = 1, /* the message may also end without one */
    NEVER = 2
};

/* One type: how long its body is, and where in it what stands; 0 = nowhere. */
struct shape {
    uint8_t body; /* 0 = there is no such type */
    uint8_t appendage;
    uint8_t user_ref;
    uint8_t replaces;
    uint8_t qty;
    uint8_t px;
    uint8_t match;
    uint8_t order_ref;
    uint8_t letter; /* a reason of one character */
    uint8_t reason; /* or of two bytes */
    uint8_t side;
    uint8_t tif;
    uint8_t state;
    uint8_t liquidity;
    uint8_t symbol;
    uint8_t prevented;
    uint8_t number; /* ClOrdID */
};

enum { TIMESTAMP = 1, AIQ_CANCELED_SHORT = 31 };

static const struct shape shapes[256] = {
    ['S'] = {.body = 10, .appendage = NEVER, .letter = 9},
    ['A'] = {.body = 62,
             .user_ref = 9,
             .side = 13,
             .qty = 14,
             .symbol = 18,
             .px = 26,
             .tif = 34,
             .order_ref = 36,
             .state = 47,
             .number = 48},
    ['U'] = {.body = 66,
             .replaces = 9,
             .user_ref = 13,
             .side = 17,
             .qty = 18,
             .symbol = 22,
             .px = 30,
             .tif = 38,
             .order_ref = 40,
             .state = 51,
             .number = 52},
    ['C'] = {.body = 18, .appendage = SOMETIMES, .user_ref = 9, .qty = 13, .letter = 17},
    ['D'] = {.body = 32,
             .appendage = SOMETIMES,
             .user_ref = 9,
             .qty = 13,
             .letter = 17,
             .prevented = 18,
             .px = 22,
             .liquidity = 30},
    ['E'] = {.body = 34, .user_ref = 9, .qty = 13, .px = 17, .liquidity = 25, .match = 26},
    ['B'] = {.body = 36, .appendage = SOMETIMES, .user_ref = 9, .match = 13, .letter = 21, .number = 22},
    ['F'] = {.body = 49,
             .appendage = SOMETIMES,
             .user_ref = 9,
             .qty = 13,
             .px = 17,
             .liquidity = 25,
             .match = 26,
             .letter = 34,
             .number = 35},
    ['J'] = {.body = 29, .appendage = SOMETIMES, .user_ref = 9, .reason = 13, .number = 15},
    ['P'] = {.body = 13, .appendage = SOMETIMES, .user_ref = 9},
    ['I'] = {.body = 13, .appendage = SOMETIMES, .user_ref = 9},
    ['T'] = {.body = 30, .appendage = SOMETIMES, .user_ref = 9, .px = 13, .order_ref = 22},
    ['M'] = {.body = 18, .appendage = SOMETIMES, .user_ref = 9, .side = 13, .qty = 14},
    ['R'] = {.body = 14, .user_ref = 9, .letter = 13},
    ['X'] = {.body = 25, .user_ref = 9, .symbol = 17},
    ['G'] = {.body = 17, .user_ref = 9},
    ['K'] = {.body = 17, .user_ref = 9},
    ['Q'] = {.body = 13, .appendage = SOMETIMES, .user_ref = 9},
};

static enum ouch_verdict judge_appendage(const uint8_t *appendage, uint32_t length) {
    if (length < 2)
        return OUCH_TRUNCATED;
    uint32_t bytes = bytes_be16(appendage);
    if (length < 2 + bytes)
        return OUCH_TRUNCATED;
    if (length > 2 + bytes)
        return OUCH_OVERSIZED;
    for (uint32_t at = 2; at < length; at += 1U + appendage[at])
        if (!appendage[at] || at + 1 + appendage[at] > length) /* an element has a tag, and lies within */
            return OUCH_BAD_APPENDAGE;
    return OUCH_TAKEN;
}

static enum ouch_verdict judge(const struct shape *shape, const uint8_t *message, uint32_t length) {
    if (!shape->body)
        return OUCH_UNKNOWN_TYPE;
    if (message[0] == EXECUTION_AIQ_CANCELED && length == AIQ_CANCELED_SHORT)
        return OUCH_TAKEN;
    if (length < shape->body)
        return OUCH_TRUNCATED;
    if (length == shape->body && shape->appendage != ALWAYS)
        return OUCH_TAKEN;
    if (shape->appendage == NEVER)
        return OUCH_OVERSIZED;
    return judge_appendage(message + shape->body, length - shape->body);
}

static uint32_t u32_at(const uint8_t *message, uint8_t offset) {
    return offset ? bytes_be32(message + offset) : 0;
}

static uint64_t u64_at(const uint8_t *message, uint8_t offset) {
    return offset ? bytes_be64(message + offset) : 0;
}

static uint8_t byte_at(const uint8_t *message, uint8_t offset) {
    return offset ? message[offset] : 0;
}

enum ouch_verdict ouch_decode(const uint8_t *message, uint32_t length, struct execution *execution) {
    memset(execution, 0, sizeof *execution);
    if (!length)
        return OUCH_EMPTY;
    const struct shape *shape = &shapes[message[0]];
    enum ouch_verdict verdict = judge(shape, message, length);
    if (verdict != OUCH_TAKEN)
        return verdict;
    execution->kind = message[0];
    execution->venue_ns = bytes_be64(message + TIMESTAMP);
    execution->user_ref = u32_at(message, shape->user_ref);
    execution->replaces = u32_at(message, shape->replaces);
    execution->qty = u32_at(message, shape->qty);
    execution->px = u64_at(message, shape->px);
    execution->match = u64_at(message, shape->match);
    execution->order_ref = u64_at(message, shape->order_ref);
    execution->reason = shape->reason ? bytes_be16(message + shape->reason) : byte_at(message, shape->letter);
    execution->side = byte_at(message, shape->side);
    execution->tif = byte_at(message, shape->tif);
    execution->state = byte_at(message, shape->state);
    execution->liquidity = byte_at(message, shape->liquidity);
    execution->prevented_qty = u32_at(message, shape->prevented);
    if (shape->symbol)
        memcpy(execution->symbol, message + shape->symbol, sizeof execution->symbol);
    if (shape->number)
        execution->number = ouch_number(message + shape->number);
    return OUCH_TAKEN;
}

const char *ouch_verdict_name(enum ouch_verdict verdict) {
    static const char *const names[OUCH_VERDICTS] = {
        [OUCH_TAKEN] = "taken",
        [OUCH_EMPTY] = "empty",
        [OUCH_UNKNOWN_TYPE] = "unknown type",
        [OUCH_TRUNCATED] = "truncated",
        [OUCH_OVERSIZED] = "oversized",
        [OUCH_BAD_APPENDAGE] = "bad appendage",
    };
    return (unsigned)verdict < OUCH_VERDICTS ? names[verdict] : NULL;
}
