/* One walk over the script before its day begins: which numbers it uses, and which symbols it has. */
#include "venue/match.h"
#include "wire/bytes.h"

enum { LOCATE_OFFSET = 1, REFERENCE_OFFSET = 11, NEW_REFERENCE_OFFSET = 19 };

/* Where a type has the number of its trade; 0 = it has none. */
static const uint8_t match_offset[256] = {['E'] = 23, ['C'] = 23, ['P'] = 36, ['Q'] = 31};
/* Where a type has the name of its symbol. */
static const uint8_t stock_offset[256] = {
    ['R'] = 11, ['H'] = 11, ['Y'] = 11, ['K'] = 11, ['J'] = 11, ['h'] = 11, ['N'] = 11,
    ['O'] = 11, ['L'] = 15, ['Q'] = 19, ['A'] = 24, ['F'] = 24, ['P'] = 24, ['I'] = 28,
};

static void keep_larger(uint64_t *last, uint64_t number) {
    if (number > *last)
        *last = number;
}

static void survey_message(struct venue_survey *survey, const uint8_t *message) {
    uint8_t type = message[0];
    if (type == 'A' || type == 'F')
        keep_larger(&survey->last_reference, bytes_be64(message + REFERENCE_OFFSET));
    else if (type == 'U')
        keep_larger(&survey->last_reference, bytes_be64(message + NEW_REFERENCE_OFFSET));
    if (match_offset[type])
        keep_larger(&survey->last_match, bytes_be64(message + match_offset[type]));
    char *symbol = survey->symbols[bytes_be16(message + LOCATE_OFFSET)];
    if (stock_offset[type] && (type == 'R' || !symbol[0]))
        memcpy(symbol, message + stock_offset[type], sizeof survey->symbols[0]);
}

void venue_survey(struct venue_survey *survey, const uint8_t *script, uint64_t bytes) {
    for (uint64_t at = 0; at < bytes; at += venue_framed_bytes(script + at)) {
        const uint8_t *message = script + at + 2;
        uint32_t length = venue_framed_bytes(script + at) - 2;
        survey->messages++;
        if (length && itch_length_is_right(message[0], length))
            survey_message(survey, message);
    }
}
