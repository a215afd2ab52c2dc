#include "wire/itch.h"

#include <string.h>

struct itch_shape itch_shapes[256];
struct itch_lanes itch_lanes[256];

enum { UINT = 0, ALPHA = 1 };

const struct itch_field itch_fields[] = {
    {0, 0, 1, ALPHA, 12, "message_type"},
    {0, 1, 2, UINT, 8, "stock_locate"},
    {0, 3, 2, UINT, 10, "tracking_number"},
    {0, 5, 6, UINT, 0, "timestamp"},
#define MESSAGE(type, name, length)
#define FIELD(type, name, offset, length, kind, place) {type, offset, length, kind, place, #name},
#include "wire/itch_messages.def"
};

const unsigned itch_field_count = sizeof itch_fields / sizeof itch_fields[0];

/* The lane's window starts at its first field's first byte. */
static void place_field(uint8_t type, const struct itch_field *field, uint8_t shuffle[4][16]) {
    unsigned lane = field->place / 16;
    unsigned window = itch_shapes[type].lane_offset[lane];
    for (unsigned i = 0; i < field->length; i++) {
        unsigned from = field->is_alpha ? field->offset + i : field->offset + field->length - 1 - i;
        shuffle[lane][field->place % 16 + i] = (uint8_t)(from - window);
    }
}

static void build_type(uint8_t type, uint8_t length) {
    struct itch_shape *shape = &itch_shapes[type];
    shape->length = length;
    for (unsigned lane = 1; lane < 4; lane++) {
        unsigned first = length;
        for (unsigned i = 0; i < itch_field_count; i++)
            if (itch_fields[i].type == type && itch_fields[i].place / 16 == lane &&
                itch_fields[i].offset < first)
                first = itch_fields[i].offset;
        shape->lane_offset[lane] = first == length ? 0 : (uint8_t)first;
    }
    uint8_t shuffle[4][16];
    memset(shuffle, 0x80, sizeof shuffle); /* a set top bit writes zero */
    for (unsigned i = 0; i < itch_field_count; i++)
        if (itch_fields[i].type == type || itch_fields[i].type == 0)
            place_field(type, &itch_fields[i], shuffle);
    memcpy(itch_lanes[type].shuffle, shuffle, sizeof shuffle);
}

__attribute__((constructor)) static void build_tables(void) {
    memset(itch_lanes, 0x80, sizeof itch_lanes);
#define MESSAGE(type, name, length) build_type(type, length);
#define FIELD(type, name, offset, length, kind, place)
#include "wire/itch_messages.def"
}
