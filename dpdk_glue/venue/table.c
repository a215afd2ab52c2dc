#include "venue/table.h"

#include <stdlib.h>

int venue_table_open(struct venue_table *table, uint64_t keys) {
    uint64_t places = 64;
    while (places < 2 * keys)
        places *= 2;
    *table = (struct venue_table){.places = calloc(places, sizeof *table->places), .mask = places - 1};
    return table->places ? 0 : -1;
}

void venue_table_close(struct venue_table *table) {
    free(table->places);
}

static uint64_t home_of(const struct venue_table *table, uint64_t key) {
    return (key * UINT64_C(0x9e3779b97f4a7c15)) >> 20 & table->mask;
}

struct venue_place *venue_table_find(const struct venue_table *table, uint64_t key) {
    for (uint64_t at = home_of(table, key); table->places[at].is_used; at = (at + 1) & table->mask)
        if (table->places[at].key == key)
            return &table->places[at];
    return NULL;
}

bool venue_table_put(struct venue_table *table, uint64_t key, uint32_t value) {
    if (venue_table_is_full(table))
        return false;
    uint64_t at = home_of(table, key);
    while (table->places[at].is_used)
        at = (at + 1) & table->mask;
    table->places[at] = (struct venue_place){.key = key, .value = value, .is_used = 1};
    table->count++;
    return true;
}

/* Closing the hole keeps every key reachable from its home without passing a free place. */
void venue_table_remove(struct venue_table *table, struct venue_place *place) {
    uint64_t hole = (uint64_t)(place - table->places);
    for (uint64_t at = (hole + 1) & table->mask; table->places[at].is_used; at = (at + 1) & table->mask) {
        uint64_t home = home_of(table, table->places[at].key);
        if (((at - home) & table->mask) >= ((at - hole) & table->mask)) {
            table->places[hole] = table->places[at];
            hole = at;
        }
    }
    table->places[hole].is_used = 0;
    table->count--;
}
