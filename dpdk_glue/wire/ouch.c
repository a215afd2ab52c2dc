#include "wire/ouch.h"

#include "wire/bytes.h"

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>

/* Offsets within a message, its type at 0, and the lengths of their packets. */
enum {
    ENTER_USER_REF = 1,
    ENTER_SIDE = 5,
    ENTER_QTY = 6,
    ENTER_SYMBOL = 10,
    ENTER_PX = 18,
    ENTER_TIF = 26,
    ENTER_DISPLAY = 27,
    ENTER_CAPACITY = 28,
    ENTER_ISO = 29,
    ENTER_CROSS = 30,
    ENTER_NUMBER = 31,
    ENTER_APPENDAGE = 45,
    ENTER_OPTIONS = 47,

    REPLACE_ORIGINAL = 1,
    REPLACE_USER_REF = 5,
    REPLACE_QTY = 9,
    REPLACE_PX = 13,
    REPLACE_TIF = 21,
    REPLACE_DISPLAY = 22,
    REPLACE_ISO = 23,
    REPLACE_NUMBER = 24,
    REPLACE_BYTES = 40,

    CANCEL_USER_REF = 1,
    CANCEL_QTY = 5,
    CANCEL_BYTES = 9,

    MASS_CANCEL_USER_REF = 1,
    MASS_CANCEL_FIRM = 5,
    MASS_CANCEL_SYMBOL = 9,
    MASS_CANCEL_BYTES = 19,

    OPTION_FIRM = 2,
    FIRM_BYTES = 4,
    SYMBOL_BYTES = 8
};

_Static_assert(OUCH_SOUP_BYTES + ENTER_OPTIONS + 2 + FIRM_BYTES <= OUCH_PACKET_ROOM, "the longest has room");

static void put_be16(uint8_t *at, uint16_t value) {
    value = __builtin_bswap16(value);
    memcpy(at, &value, sizeof value);
}

static void put_be32(uint8_t *at, uint32_t value) {
    value = __builtin_bswap32(value);
    memcpy(at, &value, sizeof value);
}

static void put_px(uint8_t *at, uint32_t px) {
    uint64_t value = __builtin_bswap64(px);
    memcpy(at, &value, sizeof value);
}

/* 56 bits as hexadecimal digits: bytes in order, split into halves, looked up. No division, no loop, and no
 * way through memory. */
static void put_number(uint8_t *at, uint64_t number) {
    const __m128i digits =
        _mm_setr_epi8('0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F');
    __m128i bytes = _mm_cvtsi64_si128((long long)__builtin_bswap64(number << 8));
    __m128i low = _mm_and_si128(bytes, _mm_set1_epi8(15));
    __m128i high = _mm_and_si128(_mm_srli_epi16(bytes, 4), _mm_set1_epi8(15));
    __m128i text = _mm_shuffle_epi8(digits, _mm_unpacklo_epi8(high, low));
    _mm_storeu_si64(at, text);
    _mm_storeu_si64(at + OUCH_NUMBER_DIGITS - 8, _mm_srli_si128(text, OUCH_NUMBER_DIGITS - 8));
}

/* A hexadecimal digit's value; 16 = it is none. */
static uint32_t digit_value(uint8_t digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    return digit >= 'A' && digit <= 'F' ? 10U + digit - 'A' : 16;
}

uint64_t ouch_number(const uint8_t text[OUCH_NUMBER_DIGITS]) {
    uint64_t number = 0;
    for (int at = 0; at < OUCH_NUMBER_DIGITS; at++) {
        uint32_t value = digit_value(text[at]);
        if (value > 15)
            return 0;
        number = number << 4 | value;
    }
    return number;
}

/* --- templates --- */

/* Returns where the message stands. */
static uint8_t *begin(struct ouch_template *template, char type, uint32_t bytes) {
    memset(template->packet, 0, sizeof template->packet);
    put_be16(template->packet, (uint16_t)(1 + bytes));
    template->packet[2] = 'U';
    template->packet[OUCH_SOUP_BYTES] = (uint8_t)type;
    return template->packet + OUCH_SOUP_BYTES;
}

static uint32_t enter_bytes(const struct ouch_options *options) {
    bool firm = memcmp(options->firm, "    ", FIRM_BYTES) != 0;
    return ENTER_OPTIONS + (firm ? 2 + FIRM_BYTES : 0);
}

static void make_enter(struct ouch_template *template, const struct ouch_options *options,
                       const char symbol[SYMBOL_BYTES]) {
    uint32_t bytes = enter_bytes(options);
    uint8_t *message = begin(template, 'O', bytes);
    memcpy(message + ENTER_SYMBOL, symbol, SYMBOL_BYTES);
    message[ENTER_DISPLAY] = (uint8_t)options->display;
    message[ENTER_CAPACITY] = (uint8_t)options->capacity;
    message[ENTER_ISO] = (uint8_t)options->iso;
    message[ENTER_CROSS] = (uint8_t)options->cross;
    put_be16(message + ENTER_APPENDAGE, (uint16_t)(bytes - ENTER_OPTIONS));
    if (bytes > ENTER_OPTIONS) {
        message[ENTER_OPTIONS] = 1 + FIRM_BYTES;
        message[ENTER_OPTIONS + 1] = OPTION_FIRM;
        memcpy(message + ENTER_OPTIONS + 2, options->firm, FIRM_BYTES);
    }
}

int ouch_templates_open(struct ouch_templates *templates, const struct ouch_options *options,
                        const char (*symbols)[8], uint32_t instruments) {
    size_t bytes = (instruments ? instruments : 1) * sizeof *templates->enter;
    memset(templates, 0, sizeof *templates);
    templates->enter = aligned_alloc(_Alignof(struct ouch_template), bytes);
    if (!templates->enter)
        return -1;
    templates->instruments = instruments;
    templates->enter_bytes = OUCH_SOUP_BYTES + enter_bytes(options);
    for (uint32_t instrument = 0; instrument < instruments; instrument++)
        make_enter(&templates->enter[instrument], options, symbols[instrument]);
    uint8_t *message = begin(&templates->replace, 'U', REPLACE_BYTES);
    message[REPLACE_DISPLAY] = (uint8_t)options->display;
    message[REPLACE_ISO] = (uint8_t)options->iso;
    begin(&templates->cancel, 'X', CANCEL_BYTES);
    message = begin(&templates->mass_cancel, 'C', MASS_CANCEL_BYTES);
    memcpy(message + MASS_CANCEL_FIRM, options->firm, FIRM_BYTES);
    return 0;
}

void ouch_templates_close(struct ouch_templates *templates) {
    free(templates->enter);
    templates->enter = NULL;
}

/* --- encoding --- */

static uint32_t encode_enter(const struct ouch_templates *templates, const struct order *order, uint8_t *to) {
    uint8_t *message = to + OUCH_SOUP_BYTES;
    memcpy(to, templates->enter[order->instrument].packet, OUCH_PACKET_ROOM);
    put_be32(message + ENTER_USER_REF, order->user_ref);
    message[ENTER_SIDE] = order->side == SIDE_BID ? 'B' : 'S';
    put_be32(message + ENTER_QTY, order->qty);
    put_px(message + ENTER_PX, order->px);
    message[ENTER_TIF] = '0' + order->tif;
    put_number(message + ENTER_NUMBER, order->number);
    return templates->enter_bytes;
}

static uint32_t encode_replace(const struct ouch_templates *templates, const struct order *order,
                               uint8_t *to) {
    uint8_t *message = to + OUCH_SOUP_BYTES;
    memcpy(to, templates->replace.packet, OUCH_PACKET_ROOM);
    put_be32(message + REPLACE_ORIGINAL, order->replaces);
    put_be32(message + REPLACE_USER_REF, order->user_ref);
    put_be32(message + REPLACE_QTY, order->qty);
    put_px(message + REPLACE_PX, order->px);
    message[REPLACE_TIF] = '0' + order->tif;
    put_number(message + REPLACE_NUMBER, order->number);
    return OUCH_SOUP_BYTES + REPLACE_BYTES;
}

uint32_t ouch_encode(const struct ouch_templates *templates, const struct order *order, uint8_t *to) {
    uint8_t *message = to + OUCH_SOUP_BYTES;
    switch (order->action) {
    case ORDER_ENTER:
        return encode_enter(templates, order, to);
    case ORDER_REPLACE:
        return encode_replace(templates, order, to);
    case ORDER_CANCEL:
        memcpy(to, templates->cancel.packet, OUCH_PACKET_ROOM);
        put_be32(message + CANCEL_USER_REF, order->user_ref);
        put_be32(message + CANCEL_QTY, order->qty);
        return OUCH_SOUP_BYTES + CANCEL_BYTES;
    case ORDER_MASS_CANCEL:
        memcpy(to, templates->mass_cancel.packet, OUCH_PACKET_ROOM);
        put_be32(message + MASS_CANCEL_USER_REF, order->user_ref);
        memcpy(message + MASS_CANCEL_SYMBOL, order->symbol, SYMBOL_BYTES);
        return OUCH_SOUP_BYTES + MASS_CANCEL_BYTES;
    default:
        return 0;
    }
}

uint32_t ouch_datagram(const struct ouch_templates *templates, const struct order *order, uint8_t *to) {
    uint8_t packet[OUCH_PACKET_ROOM];
    uint32_t bytes = ouch_encode(templates, order, packet);
    if (!bytes)
        return 0;
    memcpy(to, packet + OUCH_SOUP_BYTES, OUCH_PACKET_ROOM - OUCH_SOUP_BYTES);
    return bytes - OUCH_SOUP_BYTES;
}

void ouch_account_query(uint8_t packet[OUCH_QUERY_BYTES]) {
    put_be16(packet, 2);
    packet[2] = 'U';
    packet[3] = 'Q';
}
