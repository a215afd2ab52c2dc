#include "synth/packer.h"

#include <string.h>

#include "synth/writer.h"

void synth_packer_open(struct synth_packer *packer, const char session[10], uint64_t first_sequence) {
    memcpy(packer->session, session, sizeof packer->session);
    packer->sequence = first_sequence;
    packer->count = 0;
    packer->bytes = SYNTH_MOLD_HEADER_BYTES;
}

bool synth_packer_takes(const struct synth_packer *packer, uint32_t bytes, uint64_t ns) {
    return packer->count == 0 ||
           (packer->count < SYNTH_PACKET_MESSAGES && packer->bytes + bytes <= SYNTH_PAYLOAD_BYTES &&
            ns - packer->first_ns <= SYNTH_PACKET_WINDOW_NS);
}

void synth_packer_add(struct synth_packer *packer, const uint8_t *framed, uint32_t bytes, uint64_t ns) {
    if (packer->count == 0)
        packer->first_ns = ns;
    packer->last_ns = ns;
    memcpy(packer->payload + packer->bytes, framed, bytes);
    packer->bytes += bytes;
    packer->count++;
}

static void write_header(struct synth_packer *packer, uint16_t count) {
    memcpy(packer->payload, packer->session, sizeof packer->session);
    synth_put64(packer->payload + 10, packer->sequence);
    synth_put16(packer->payload + 18, count);
}

uint32_t synth_packer_seal(struct synth_packer *packer) {
    uint32_t bytes = packer->bytes;
    write_header(packer, packer->count);
    packer->sequence += packer->count;
    packer->count = 0;
    packer->bytes = SYNTH_MOLD_HEADER_BYTES;
    return bytes;
}

uint32_t synth_packer_signal(struct synth_packer *packer, uint16_t count) {
    write_header(packer, count);
    return SYNTH_MOLD_HEADER_BYTES;
}
