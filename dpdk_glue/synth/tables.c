#include "synth/tables.h"

#include <stdlib.h>

/* P(X >= k) = sum of weight * (numerator / denominator)^k: a mixture of geometric distributions. The weights
 * are in 1/2^32 and are scaled down in place as k grows. */
struct component {
    uint64_t weight;
    uint32_t numerator;
    uint32_t denominator;
};

static uint64_t survive(struct component *mixture, unsigned components) {
    uint64_t survival = 0;
    for (unsigned i = 0; i < components; i++) {
        mixture[i].weight = mixture[i].weight * mixture[i].numerator / mixture[i].denominator;
        survival += mixture[i].weight;
    }
    return survival;
}

/* Calls `put` with the value at each of `count` equal steps of probability, the largest first. */
static void quantiles(struct component *mixture, unsigned components, unsigned cap, unsigned count,
                      uint16_t *values) {
    unsigned value = 0;
    uint64_t survival = survive(mixture, components);
    for (unsigned i = count; i-- > 0;) {
        uint64_t tail = ((uint64_t)(2 * i + 1) << 31) / count;
        while (survival > tail && value < cap) {
            value++;
            survival = survive(mixture, components);
        }
        values[i] = (uint16_t)value;
    }
}

#define ONE_PERCENT ((uint64_t)42949673)

static void build_distances(struct synth_tables *tables) {
    static uint16_t values[SYNTH_DISTANCES];
    struct component mixture[] = {{80 * ONE_PERCENT, 3, 4}, {20 * ONE_PERCENT, 15, 16}};
    quantiles(mixture, 2, 63, SYNTH_DISTANCES, values);
    for (unsigned i = 0; i < SYNTH_DISTANCES; i++)
        tables->distance[i] = (uint8_t)values[i];
}

static void build_bursts(struct synth_tables *tables) {
    uint16_t values[SYNTH_QUANTILES];
    struct component mixture[] = {{100 * ONE_PERCENT, 7, 8}};
    quantiles(mixture, 1, 27, SYNTH_QUANTILES, values);
    for (unsigned i = 0; i < SYNTH_QUANTILES; i++)
        tables->burst[i] = (uint8_t)(3 + values[i]);
}

/* (255/256)^k falls to 1/e at k = 256: an exponential in steps of 1/256 of its mean. */
static void build_gaps(struct synth_tables *tables) {
    struct component mixture[] = {{100 * ONE_PERCENT, 255, 256}};
    quantiles(mixture, 1, UINT16_MAX, SYNTH_QUANTILES, tables->gap);
}

static void build_shares(struct synth_tables *tables) {
    static const struct {
        uint16_t shares;
        uint16_t count;
    } sizes[] = {{100, 112},
                 {200, 32},
                 {300, 20},
                 {400, 8},
                 {500, 14},
                 {1000, 12},
                 {2000, 3},
                 {5000, 2},
                 {10000, 1},
                 {SYNTH_SHARES_MIXED, 12},
                 {SYNTH_SHARES_ODD, 40}};
    unsigned at = 0;
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        for (unsigned n = 0; n < sizes[i].count && at < SYNTH_QUANTILES; n++)
            tables->shares[at++] = sizes[i].shares;
}

/* Zipf's law, flattened at the head (1 / (rank + 5)): the busiest of 8,000 symbols has 2.7 % of the flow. */
static uint64_t zipf_weight(uint32_t rank) {
    return ((uint64_t)1 << 40) / (rank + 5);
}

static bool build_activity(struct synth_tables *tables, uint32_t symbols, const uint32_t *rank_of) {
    uint64_t *mass = malloc(symbols * sizeof *mass); /* 2^32 = an even share */
    uint32_t *small = malloc(2 * sizeof *small * symbols);
    if (!mass || !small) {
        free(mass);
        free(small);
        return false;
    }
    uint32_t *large = small + symbols;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < symbols; i++)
        sum += zipf_weight(i);
    uint32_t smalls = 0, larges = 0;
    for (uint32_t i = 0; i < symbols; i++) {
        unsigned __int128 scaled = (unsigned __int128)zipf_weight(rank_of[i]) * symbols << 32;
        mass[i] = (uint64_t)(scaled / sum);
        if (mass[i] >> 32)
            large[larges++] = i;
        else
            small[smalls++] = i;
    }
    while (smalls && larges) {
        uint32_t poor = small[--smalls], rich = large[larges - 1];
        tables->activity[poor] = (struct synth_alias){(uint32_t)mass[poor], rich};
        mass[rich] -= ((uint64_t)1 << 32) - mass[poor];
        if (mass[rich] >> 32 == 0) {
            larges--;
            small[smalls++] = rich;
        }
    }
    while (larges--) /* rounding leaves a few: each keeps its own share */
        tables->activity[large[larges]] = (struct synth_alias){UINT32_MAX, large[larges]};
    while (smalls--)
        tables->activity[small[smalls]] = (struct synth_alias){UINT32_MAX, small[smalls]};
    free(mass);
    free(small);
    return true;
}

bool synth_tables_build(struct synth_tables *tables, uint32_t symbols, const uint32_t *rank_of) {
    tables->symbols = symbols;
    tables->activity = malloc(symbols * sizeof *tables->activity);
    if (!tables->activity || !build_activity(tables, symbols, rank_of))
        return false;
    build_distances(tables);
    build_bursts(tables);
    build_gaps(tables);
    build_shares(tables);
    return true;
}

void synth_tables_free(struct synth_tables *tables) {
    free(tables->activity);
}
