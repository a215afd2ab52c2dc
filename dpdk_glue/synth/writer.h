/* The bytes of each ITCH 5.0 message, framed: a 2-byte length, then the message. One small function a type.
 *
 * The writer counts what it wrote by type. It never checks for room: the caller leaves SYNTH_STEP_BYTES, more
 * than the longest run of messages that one step of the market writes.
 */
#ifndef APPLIANCE_SYNTH_WRITER_H
#define APPLIANCE_SYNTH_WRITER_H

#include <stdint.h>
#include <string.h>

enum synth_length {
#define MESSAGE(type, name, length) SYNTH_BYTES_##name = length,
#define FIELD(type, name, offset, length, kind, place)
#include "wire/itch_messages.def"
};

enum {
    SYNTH_FRAME_BYTES = 2,
    SYNTH_LONGEST_FRAMED = 52,
    SYNTH_STEP_MESSAGES = 40,
    SYNTH_STEP_BYTES = SYNTH_STEP_MESSAGES * SYNTH_LONGEST_FRAMED
};

struct synth_writer {
    uint8_t *at;
    uint64_t now_ns;
    uint64_t written; /* messages since the start of the day */
    uint16_t tracking;
    uint64_t by_type[256];
};

static inline void synth_put16(uint8_t *at, uint16_t value) {
    value = __builtin_bswap16(value);
    memcpy(at, &value, sizeof value);
}

static inline void synth_put32(uint8_t *at, uint32_t value) {
    value = __builtin_bswap32(value);
    memcpy(at, &value, sizeof value);
}

static inline void synth_put64(uint8_t *at, uint64_t value) {
    value = __builtin_bswap64(value);
    memcpy(at, &value, sizeof value);
}

/* Names are kept as their 8 bytes on the wire. */
static inline void synth_put_name(uint8_t *at, uint64_t name) {
    memcpy(at, &name, sizeof name);
}

/* Writes length and header, and returns where the message type stands: offsets below are as in the protocol.
 * The 6-byte time is written with its 2 bytes of padding; the body comes after and covers them. */
static inline uint8_t *synth_begin(struct synth_writer *writer, uint8_t type, uint16_t length,
                                   uint16_t locate) {
    uint8_t *message = writer->at + SYNTH_FRAME_BYTES;
    synth_put16(writer->at, length);
    message[0] = type;
    synth_put16(message + 1, locate);
    synth_put16(message + 3, writer->tracking);
    synth_put64(message + 5, writer->now_ns << 16);
    writer->at = message + length;
    writer->written++;
    writer->by_type[type]++;
    return message;
}

static inline void synth_write_system_event(struct synth_writer *writer, uint8_t code) {
    uint8_t *m = synth_begin(writer, 'S', SYNTH_BYTES_system_event, 0);
    m[11] = code;
}

struct synth_listing {
    uint64_t name;
    uint32_t round_lot;
    uint8_t category;
    uint8_t financial_status;
    uint8_t classification;
    uint8_t sub_type[2];
    uint8_t short_sale_threshold;
    uint8_t ipo;
    uint8_t luld_tier;
    uint8_t etp;
    uint8_t leverage;
    uint8_t inverse;
};

static inline void synth_write_directory(struct synth_writer *writer, uint16_t locate,
                                         const struct synth_listing *listing) {
    uint8_t *m = synth_begin(writer, 'R', SYNTH_BYTES_stock_directory, locate);
    synth_put_name(m + 11, listing->name);
    m[19] = listing->category;
    m[20] = listing->financial_status;
    synth_put32(m + 21, listing->round_lot);
    m[25] = 'N';
    m[26] = listing->classification;
    memcpy(m + 27, listing->sub_type, 2);
    m[29] = 'P';
    m[30] = listing->short_sale_threshold;
    m[31] = listing->ipo;
    m[32] = listing->luld_tier;
    m[33] = listing->etp;
    synth_put32(m + 34, listing->leverage);
    m[38] = listing->inverse;
}

static inline void synth_write_trading_action(struct synth_writer *writer, uint16_t locate, uint64_t name,
                                              uint8_t state, const char reason[4]) {
    uint8_t *m = synth_begin(writer, 'H', SYNTH_BYTES_stock_trading_action, locate);
    synth_put_name(m + 11, name);
    m[19] = state;
    m[20] = ' ';
    memcpy(m + 21, reason, 4);
}

static inline void synth_write_reg_sho(struct synth_writer *writer, uint16_t locate, uint64_t name,
                                       uint8_t action) {
    uint8_t *m = synth_begin(writer, 'Y', SYNTH_BYTES_reg_sho_restriction, locate);
    synth_put_name(m + 11, name);
    m[19] = action;
}

static inline void synth_write_participant(struct synth_writer *writer, uint16_t locate, uint64_t name,
                                           const char mpid[4], uint8_t primary) {
    uint8_t *m = synth_begin(writer, 'L', SYNTH_BYTES_market_participant_position, locate);
    memcpy(m + 11, mpid, 4);
    synth_put_name(m + 15, name);
    m[23] = primary;
    m[24] = 'N';
    m[25] = 'A';
}

/* MWCB levels have 8 implied decimals. */
static inline void synth_write_mwcb_levels(struct synth_writer *writer, const uint64_t level_px8[3]) {
    uint8_t *m = synth_begin(writer, 'V', SYNTH_BYTES_mwcb_decline_level, 0);
    for (uint32_t i = 0; i < 3; i++)
        synth_put64(m + 11 + sizeof level_px8[0] * i, level_px8[i]);
}

static inline void synth_write_mwcb_status(struct synth_writer *writer, uint8_t level) {
    uint8_t *m = synth_begin(writer, 'W', SYNTH_BYTES_mwcb_status, 0);
    m[11] = level;
}

static inline void synth_write_ipo_update(struct synth_writer *writer, uint16_t locate, uint64_t name,
                                          uint32_t release_s, uint32_t px) {
    uint8_t *m = synth_begin(writer, 'K', SYNTH_BYTES_ipo_quoting_period_update, locate);
    synth_put_name(m + 11, name);
    synth_put32(m + 19, release_s);
    m[23] = 'A';
    synth_put32(m + 24, px);
}

static inline void synth_write_collar(struct synth_writer *writer, uint16_t locate, uint64_t name,
                                      uint32_t reference_px, uint32_t upper_px, uint32_t lower_px) {
    uint8_t *m = synth_begin(writer, 'J', SYNTH_BYTES_luld_auction_collar, locate);
    synth_put_name(m + 11, name);
    synth_put32(m + 19, reference_px);
    synth_put32(m + 23, upper_px);
    synth_put32(m + 27, lower_px);
    synth_put32(m + 31, 0);
}

static inline void synth_write_operational_halt(struct synth_writer *writer, uint16_t locate, uint64_t name,
                                                uint8_t market, uint8_t action) {
    uint8_t *m = synth_begin(writer, 'h', SYNTH_BYTES_operational_halt, locate);
    synth_put_name(m + 11, name);
    m[19] = market;
    m[20] = action;
}

static inline void synth_write_add(struct synth_writer *writer, uint16_t locate, uint64_t name,
                                   uint64_t reference, uint8_t side, uint32_t qty, uint32_t px,
                                   const char *mpid) {
    uint8_t *m = mpid ? synth_begin(writer, 'F', SYNTH_BYTES_add_order_mpid, locate)
                      : synth_begin(writer, 'A', SYNTH_BYTES_add_order, locate);
    synth_put64(m + 11, reference);
    m[19] = side;
    synth_put32(m + 20, qty);
    synth_put_name(m + 24, name);
    synth_put32(m + 32, px);
    if (mpid)
        memcpy(m + 36, mpid, 4);
}

static inline void synth_write_executed(struct synth_writer *writer, uint16_t locate, uint64_t reference,
                                        uint32_t qty, uint64_t match) {
    uint8_t *m = synth_begin(writer, 'E', SYNTH_BYTES_order_executed, locate);
    synth_put64(m + 11, reference);
    synth_put32(m + 19, qty);
    synth_put64(m + 23, match);
}

static inline void synth_write_executed_at(struct synth_writer *writer, uint16_t locate, uint64_t reference,
                                           uint32_t qty, uint64_t match, uint8_t printable, uint32_t px) {
    uint8_t *m = synth_begin(writer, 'C', SYNTH_BYTES_order_executed_with_price, locate);
    synth_put64(m + 11, reference);
    synth_put32(m + 19, qty);
    synth_put64(m + 23, match);
    m[31] = printable;
    synth_put32(m + 32, px);
}

static inline void synth_write_cancel(struct synth_writer *writer, uint16_t locate, uint64_t reference,
                                      uint32_t qty) {
    uint8_t *m = synth_begin(writer, 'X', SYNTH_BYTES_order_cancel, locate);
    synth_put64(m + 11, reference);
    synth_put32(m + 19, qty);
}

static inline void synth_write_delete(struct synth_writer *writer, uint16_t locate, uint64_t reference) {
    uint8_t *m = synth_begin(writer, 'D', SYNTH_BYTES_order_delete, locate);
    synth_put64(m + 11, reference);
}

static inline void synth_write_replace(struct synth_writer *writer, uint16_t locate, uint64_t reference,
                                       uint64_t new_reference, uint32_t qty, uint32_t px) {
    uint8_t *m = synth_begin(writer, 'U', SYNTH_BYTES_order_replace, locate);
    synth_put64(m + 11, reference);
    synth_put64(m + 19, new_reference);
    synth_put32(m + 27, qty);
    synth_put32(m + 31, px);
}

/* The order behind a hidden trade is not named: its reference number is 0. */
static inline void synth_write_hidden_trade(struct synth_writer *writer, uint16_t locate, uint64_t name,
                                            uint8_t side, uint32_t qty, uint32_t px, uint64_t match) {
    uint8_t *m = synth_begin(writer, 'P', SYNTH_BYTES_trade, locate);
    synth_put64(m + 11, 0);
    m[19] = side;
    synth_put32(m + 20, qty);
    synth_put_name(m + 24, name);
    synth_put32(m + 32, px);
    synth_put64(m + 36, match);
}

static inline void synth_write_cross(struct synth_writer *writer, uint16_t locate, uint64_t name,
                                     uint64_t qty, uint32_t px, uint64_t match, uint8_t type) {
    uint8_t *m = synth_begin(writer, 'Q', SYNTH_BYTES_cross_trade, locate);
    synth_put64(m + 11, qty);
    synth_put_name(m + 19, name);
    synth_put32(m + 27, px);
    synth_put64(m + 31, match);
    m[39] = type;
}

static inline void synth_write_broken(struct synth_writer *writer, uint16_t locate, uint64_t match) {
    uint8_t *m = synth_begin(writer, 'B', SYNTH_BYTES_broken_trade, locate);
    synth_put64(m + 11, match);
}

struct synth_imbalance {
    uint64_t paired_qty;
    uint64_t imbalance_qty;
    uint32_t far_px;
    uint32_t near_px;
    uint32_t reference_px;
    uint8_t direction;
    uint8_t cross;
    uint8_t variation;
};

static inline void synth_write_imbalance(struct synth_writer *writer, uint16_t locate, uint64_t name,
                                         const struct synth_imbalance *imbalance) {
    uint8_t *m = synth_begin(writer, 'I', SYNTH_BYTES_net_order_imbalance, locate);
    synth_put64(m + 11, imbalance->paired_qty);
    synth_put64(m + 19, imbalance->imbalance_qty);
    m[27] = imbalance->direction;
    synth_put_name(m + 28, name);
    synth_put32(m + 36, imbalance->far_px);
    synth_put32(m + 40, imbalance->near_px);
    synth_put32(m + 44, imbalance->reference_px);
    m[48] = imbalance->cross;
    m[49] = imbalance->variation;
}

static inline void synth_write_retail(struct synth_writer *writer, uint16_t locate, uint64_t name,
                                      uint8_t interest) {
    uint8_t *m = synth_begin(writer, 'N', SYNTH_BYTES_retail_price_improvement, locate);
    synth_put_name(m + 11, name);
    m[19] = interest;
}

static inline void synth_write_direct_listing(struct synth_writer *writer, uint16_t locate, uint64_t name,
                                              uint32_t px, uint64_t near_ns) {
    uint8_t *m = synth_begin(writer, 'O', SYNTH_BYTES_direct_listing_with_capital_raise, locate);
    synth_put_name(m + 11, name);
    m[19] = 'Y';
    synth_put32(m + 20, px / 10 * 8);
    synth_put32(m + 24, px / 10 * 18);
    synth_put32(m + 28, px);
    synth_put64(m + 32, near_ns);
    synth_put32(m + 40, px / 10 * 9);
    synth_put32(m + 44, px / 10 * 11);
}

#endif
