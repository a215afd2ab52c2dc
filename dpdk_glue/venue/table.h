/* Numbers by numbers: open addressing in room that is fixed when it is opened, a power of two of places. At
 * most half of them are ever used; who puts more in is told, and nothing is lost.
 */
#ifndef APPLIANCE_VENUE_TABLE_H
#define APPLIANCE_VENUE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

struct venue_place {
    uint64_t key;
    uint32_t value;
    uint32_t is_used;
};

struct venue_table {
    struct venue_place *places;
    uint64_t mask;
    uint64_t count;
};

/* Room for so many keys; -1 without memory. */
int venue_table_open(struct venue_table *table, uint64_t keys);
void venue_table_close(struct venue_table *table);

static inline bool venue_table_is_full(const struct venue_table *table) {
    return 2 * table->count > table->mask;
}

/* NULL = it is not there. */
struct venue_place *venue_table_find(const struct venue_table *table, uint64_t key);
/* A key that is not there; false = no room. */
bool venue_table_put(struct venue_table *table, uint64_t key, uint32_t value);
void venue_table_remove(struct venue_table *table, struct venue_place *place);

#endif
