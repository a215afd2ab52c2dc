/* What the recoverer's two halves, requests and snapshots, both do: write a record, name an address. */
#ifndef APPLIANCE_STAGE_RECOVERER_RECORD_H
#define APPLIANCE_STAGE_RECOVERER_RECORD_H

#include "ring/records.h"
#include "stage/recoverer.h"

#include <netinet/in.h>
#include <string.h>

/* `header->length` bytes of data. The caller has seen that there is room. */
static inline void recoverer_put(struct records *ring, const struct recoverer_record *header,
                                 const void *data) {
    uint8_t *to = records_reserve(ring, (uint32_t)sizeof *header + header->length);
    if (!to)
        return;
    memcpy(to, header, sizeof *header);
    memcpy(to + sizeof *header, data, header->length);
    records_commit(ring);
}

static inline struct sockaddr_in recoverer_address(uint32_t ip, uint16_t port) {
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ip)};
}

#endif
