/* Bytes as a feed file, streamed and loaded: both must give the same frames and the same end, and what they
 * give goes on to the books. */
#include "port/file.h"
#include "fuzz/checked.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BURST = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size);

/* What was read, whatever way it was cut into frames. */
struct reading {
    uint64_t bytes;
    uint64_t hash;
    char error[PORT_ERROR_BYTES];
};

static void take_frame(struct checked_stream *stream, const struct port_frame *frame,
                       struct reading *reading) {
    volatile uint8_t slack = 0;
    for (unsigned i = 0; i < PORT_SLACK; i++)
        slack ^= frame->data[frame->length + i];
    (void)slack;
    for (uint32_t i = 0; i < frame->length; i++)
        reading->hash = (reading->hash ^ frame->data[i]) * 0x100000001b3;
    reading->bytes += frame->length;
    if (frame->kind == PORT_ETHERNET)
        checked_frame(stream, frame->data, frame->length);
    else
        checked_feed(stream->books, frame->data, frame->length, 0);
}

static void read_file(const char *path, unsigned options, struct reading *reading) {
    struct port *port = port_file.open(path, options, reading->error);
    if (!port)
        return;
    struct checked_stream stream;
    checked_open(&stream);
    struct port_frame frames[BURST];
    int count;
    while ((count = port->driver->rx_burst(port, frames, BURST)) >= 0)
        for (int i = 0; i < count; i++)
            take_frame(&stream, &frames[i], reading);
    if (count == PORT_FAILED)
        memcpy(reading->error, port->error, sizeof reading->error);
    CHECK((count == PORT_FAILED) == (reading->error[0] != 0));
    checked_close(&stream);
    port->driver->close(port);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    int descriptor = memfd_create("feed", 0);
    CHECK(descriptor >= 0 && write(descriptor, input, size) == (ssize_t)size);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    struct reading streamed = {0};
    struct reading loaded = {0};
    read_file(path, 0, &streamed);
    read_file(path, PORT_LOAD, &loaded);
    CHECK(streamed.bytes == loaded.bytes && streamed.hash == loaded.hash);
    CHECK(strcmp(streamed.error, loaded.error) == 0);
    close(descriptor);
    return 0;
}
