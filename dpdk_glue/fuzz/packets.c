/* Bytes -> frames and MoldUDP64 packets of several lines -> arbitration -> decoder -> books.
 *
 * The input is a list of packets: a byte that says how (bit 7: a whole Ethernet frame; else a UDP payload on
 * the line of bits 0 and 1), a length of two bytes, the packet. */
#include "fuzz/checked.h"
#include "wire/bytes.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    struct checked_stream stream;
    checked_open(&stream);
    while (size >= 3) {
        uint8_t how = input[0];
        uint32_t length = bytes_be16(input + 1);
        input += 3;
        size -= 3;
        if (length > size)
            length = (uint32_t)size;
        if (how & 0x80)
            checked_frame(&stream, input, length);
        else
            checked_payload(&stream, input, length, how & 3);
        input += length;
        size -= length;
    }
    checked_close(&stream);
    return 0;
}
