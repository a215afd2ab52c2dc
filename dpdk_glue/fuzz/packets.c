/* Bytes -> frames and MoldUDP64 packets of several lines -> arbitration -> decoder -> books; and the same
 * packets through the arbitration of a live feed, with its recovery and all that its caller may decide.
 *
 * The input is a list: a byte that says how, a length of two bytes, a packet of that length. Bit 7: a whole
 * Ethernet frame; bit 6: a decision about the live feed, whose argument is the length, and there is no
 * packet; else a UDP payload on the line of bits 0 and 1. */
#include "fuzz/checked.h"
#include "fuzz/checked_live.h"
#include "wire/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    enum { FRAME = 0x80, DECISION = 0x40, LINE = 3 };
    struct checked_stream stream;
    struct checked_live live;
    checked_open(&stream);
    checked_live_open(&live);
    while (size >= 3) {
        uint8_t how = input[0];
        uint32_t length = bytes_be16(input + 1);
        input += 3;
        size -= 3;
        if ((how & (FRAME | DECISION)) == DECISION) {
            checked_live_act(&live, how & ~DECISION, length);
            continue;
        }
        if (length > size)
            length = (uint32_t)size;
        if (how & FRAME) {
            checked_frame(&stream, input, length);
        } else {
            checked_payload(&stream, input, length, how & LINE);
            checked_live_payload(&live, input, length, how & LINE);
        }
        input += length;
        size -= length;
    }
    checked_close(&stream);
    checked_live_close(&live);
    return 0;
}
