#include "synth/market.h"

/* The start of the day, message by message: start of messages, the directory, trading actions, restrictions,
 * participants, circuit breaker levels, start of system hours. */

enum {
    NAME_PRIME = 131071, /* above twice the most symbols: names of one to four letters */
    DOLLAR_PX = 10000,
    CENT_PX = 100
};

/* A number as letters, where A is 1 and Z is 26: different numbers, different names. */
static uint64_t name_of(uint32_t number) {
    char text[8] = "        ", letters[8];
    int length = 0;
    for (; number; number = (number - 1) / 26)
        letters[length++] = (char)('A' + (number - 1) % 26);
    for (int i = 0; i < length; i++)
        text[i] = letters[length - 1 - i];
    uint64_t name;
    memcpy(&name, text, sizeof name);
    return name;
}

/* The opening price in ticks: one in 25 below a dollar, one in 50 above 500, the rest evenly over the
 * octaves. */
static uint32_t opening_ticks(struct synth_symbol *symbol, uint64_t random) {
    static const uint16_t octave_dollars[] = {3, 6, 12, 25, 50, 100, 300};
    uint32_t bits = (uint32_t)(random >> 32), kind = random & 1023;
    if (kind < 41) {
        symbol->tick_px = 1;
        return 1000 + synth_scale(bits, 8400);
    }
    symbol->tick_px = CENT_PX;
    if (kind < 61) {
        symbol->spread_shift = 3;
        return 50000 + synth_scale(bits, 450000);
    }
    uint32_t octave = (uint32_t)(random >> 16 & 0xff) * 6 >> 8;
    uint32_t low = octave_dollars[octave] * 100, high = octave_dollars[octave + 1] * 100;
    return low + synth_scale(bits, high - low);
}

static void list_symbol(struct synth_symbol *symbol, uint32_t rank, uint32_t symbols, uint64_t random) {
    symbol->spread_shift = rank < symbols / 8 + 1 ? 0 : rank < symbols / 2 ? 1 : 2;
    uint32_t ticks = opening_ticks(symbol, random), half = (uint32_t)symbol->width / 2;
    uint32_t least = half + 110; /* the ladder ends above a dollar */
    if (ticks < least)
        ticks = least + (uint32_t)(random >> 48 & 255);
    symbol->mid = (int16_t)half;
    symbol->base_px = (ticks - half) * symbol->tick_px;
    symbol->state = 'T';
}

void synth_list_symbols(struct synth_market *market, const uint32_t *rank_of, struct synth_prng *prng) {
    struct synth_store *store = &market->store;
    uint32_t step = 1 + synth_below(prng, NAME_PRIME - 1);
    for (uint32_t i = 0; i < store->symbol_count; i++) {
        struct synth_symbol *symbol = &store->symbols[i + 1];
        symbol->name = name_of((uint32_t)((uint64_t)(i + 1) * step % NAME_PRIME));
        list_symbol(symbol, rank_of[i], store->symbol_count, synth_random(prng));
    }
    uint16_t listings[] = {market->day.ipo_locate, market->day.direct_locate};
    for (int i = 0; i < 2; i++)
        if (listings[i])
            store->symbols[listings[i]].state = 'H';
}

static void write_directory(struct synth_market *market, struct synth_prng *prng, uint16_t locate) {
    static const uint8_t categories[16] = "QQQQQGGGSSSSNNAP", classes[16] = "CCCCCCCCCCOOAPQW";
    const struct synth_symbol *symbol = &market->store.symbols[locate];
    uint64_t random = synth_random(prng);
    uint8_t category = categories[random & 15];
    bool ipo = symbol->state == 'H', fund = (random >> 4 & 3) == 0 && !ipo,
         leveraged = (random >> 6 & 7) == 0;
    bool nasdaq = category == 'Q' || category == 'G' || category == 'S';
    struct synth_listing listing = {
        .name = symbol->name,
        .round_lot = synth_slot_px(symbol, symbol->mid) >= 1000 * DOLLAR_PX ? 10 : 100,
        .category = category,
        .financial_status = !nasdaq                    ? ' '
                            : (random >> 9 & 127) == 0 ? 'D'
                                                       : 'N',
        .classification = fund ? 'Q' : classes[random >> 16 & 15],
        .sub_type = {fund ? 'E' : 'Z', ' '},
        .short_sale_threshold = (random >> 20 & 127) == 0 ? 'Y' : 'N',
        .ipo = ipo      ? 'Y'
               : nasdaq ? 'N'
                        : ' ',
        .luld_tier = random >> 27 & 1 ? '1' : '2',
        .etp = fund ? 'Y' : 'N',
        .leverage = fund && leveraged ? 2 + (random >> 28 & 1) : 0,
        .inverse = fund && leveraged && random >> 29 & 1 ? 'Y' : 'N',
    };
    synth_write_directory(&market->writer, locate, &listing);
}

static void write_participant(struct synth_market *market, struct synth_prng *prng, uint16_t locate) {
    uint64_t random = synth_random(prng);
    synth_write_participant(&market->writer, locate, market->store.symbols[locate].name,
                            synth_attributions[random & (SYNTH_ATTRIBUTIONS - 1)],
                            random >> 8 & 3 ? 'N' : 'Y');
}

/* Levels 7, 13 and 20 % below an index of 3,000 points and a bit. */
static void write_breaker_levels(struct synth_market *market, struct synth_prng *prng) {
    uint64_t index_px8 = 300000000000 + (uint64_t)synth_below(prng, 1000000000) * 100;
    uint64_t levels[3] = {index_px8 / 100 * 93, index_px8 / 100 * 87, index_px8 / 100 * 80};
    synth_write_mwcb_levels(&market->writer, levels);
}

bool synth_write_prologue(struct synth_market *market, struct synth_prng *prng, uint64_t index) {
    struct synth_writer *writer = &market->writer;
    const struct synth_day *day = &market->day;
    const struct synth_symbol *symbols = market->store.symbols;
    uint64_t count = market->store.symbol_count;
    writer->now_ns += 150 + synth_below(prng, 700);
    if (index == 0) {
        synth_write_system_event(writer, 'O');
        return true;
    }
    index -= 1;
    if (index < count) {
        write_directory(market, prng, (uint16_t)(index + 1));
        return true;
    }
    index -= count;
    if (index < count) {
        const struct synth_symbol *symbol = &symbols[index + 1];
        synth_write_trading_action(writer, (uint16_t)(index + 1), symbol->name, symbol->state,
                                   symbol->state == 'T' ? "    " : "IPO1");
        return true;
    }
    index -= count;
    if (index < day->restricted) {
        uint16_t locate = market->by_rank[index];
        synth_write_reg_sho(writer, locate, symbols[locate].name, index % 4 == 0 ? '2' : '0');
        return true;
    }
    index -= day->restricted;
    if (index < day->participants) {
        write_participant(market, prng, market->by_rank[index]);
        return true;
    }
    index -= day->participants;
    if (index == 0 && day->breaker) {
        write_breaker_levels(market, prng);
        return true;
    }
    if (index > day->breaker)
        return false;
    writer->now_ns = SYNTH_SYSTEM_HOURS_NS;
    synth_write_system_event(writer, 'S');
    return true;
}
