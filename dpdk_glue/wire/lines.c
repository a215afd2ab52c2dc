#include "wire/lines.h"

#include "wire/mold64.h"

enum { LINES = sizeof((struct line_map){0}.port) / sizeof(uint16_t) };

int lines_find(struct line_map *map, const struct frame_udp *udp) {
    for (uint32_t line = 0; line < map->found; line++)
        if (map->ip[line] == udp->ip && map->port[line] == udp->port)
            return (int)line;
    if (map->found == LINES || !mold64_is_well_formed(udp->payload, udp->length)) {
        map->other++;
        return LINES_OTHER;
    }
    map->ip[map->found] = udp->ip;
    map->port[map->found] = udp->port;
    return (int)map->found++;
}
