#include "port/file.h"

#include "port/format.h"
#include "port/source.h"
#include "port/window.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)WINDOW_BYTES >= (int)FORMAT_BLOCK_MAX &&
                   (int)WINDOW_BYTES >= (int)FORMAT_PACKET_MAX + 16 && (int)WINDOW_BYTES >= 2 + UINT16_MAX,
               "whatever a format wants to see at once fits in the window");

struct file {
    struct port port; /* first: the port is the file */
    struct source *source;
    struct window window;
    struct format format;
};

static unsigned long long offset_of(const struct file *file) {
    return file->window.offset;
}

static const char *of_what(const struct file *file) {
    return source_is_gzip(file->source) ? " of the unpacked data" : "";
}

static int64_t step(struct file *file, struct port_frame *frame) {
    struct format *format = &file->format;
    const uint8_t *at = window_at(&file->window);
    size_t have = window_have(&file->window);
    format->has_frame = false;
    format->ended = file->window.ended;
    switch (format->kind) {
    case FORMAT_ITCH:
        return format_itch_step(format, at, have, frame);
    case FORMAT_PCAP:
        return format_pcap_step(format, at, have, frame);
    default:
        return format_pcapng_step(format, at, have, frame);
    }
}

/* The format wants more than there is, and nothing more comes. */
static int end_of_input(struct file *file) {
    if (file->window.failed)
        return PORT_FAILED; /* the source has said why */
    size_t have = window_have(&file->window);
    if (have == 0 && file->window.skip == 0)
        return PORT_END;
    if (have)
        source_error(
            file->source, "the last %s, at byte %llu%s, is cut off after %zu bytes; all before it is whole",
            file->format.kind == FORMAT_ITCH ? "message" : "packet", offset_of(file), of_what(file), have);
    else
        source_error(file->source, "the last block is cut off at byte %llu%s; all before it is whole",
                     offset_of(file), of_what(file));
    return PORT_FAILED;
}

static int rx_burst(struct port *port, struct port_frame *frames, unsigned room) {
    struct file *file = (struct file *)port;
    unsigned count = 0;
    while (count < room) {
        int64_t taken = step(file, &frames[count]);
        if (taken > 0) {
            window_consume(&file->window, (uint64_t)taken);
            if (file->format.has_frame)
                port->counters.bytes += frames[count++].length;
            continue;
        }
        if (count) /* more to read would move what they point at, and an error comes after them */
            break;
        if (taken == FORMAT_BAD) {
            source_error(file->source, "%s, at byte %llu%s; all before it is whole", file->format.complaint,
                         offset_of(file), of_what(file));
            return PORT_FAILED;
        }
        if (file->window.ended)
            return end_of_input(file);
        window_fill(&file->window, file->source, file->format.wanted);
    }
    port->counters.frames += count;
    port->counters.bursts += count != 0;
    return (int)count;
}

static void close_file(struct port *port) {
    struct file *file = (struct file *)port;
    source_close(file->source);
    window_close(&file->window);
    free(file);
}

/* Reads the beginning, or all of it, and finds out what it is. */
static bool start(struct file *file, unsigned options) {
    struct window *window = &file->window;
    bool memory = window_open(window) == 0;
    if (memory && options & PORT_LOAD)
        memory = window_load(window, file->source) == 0;
    else if (memory)
        window_fill(window, file->source, WINDOW_BYTES);
    if (!memory) {
        source_error(file->source, "no memory to hold it");
        return false;
    }
    const uint8_t *at = window_at(window);
    size_t have = window_have(window);
    if (have == 0) {
        if (!window->failed)
            source_error(file->source, "is empty inside its gzip; a feed file has at least one message");
        return false;
    }
    file->format.kind = format_detect(at, have);
    if (file->format.kind != FORMAT_UNKNOWN)
        return true;
    if (window->failed)
        return false;
    char first[3 * 8 + 1] = "";
    for (size_t i = 0; i < 8 && i < have; i++)
        snprintf(first + 3 * i, 4, " %02x", at[i]);
    source_error(
        file->source,
        "is not a feed file: neither framed ITCH 5.0, pcap nor pcapng, plain or in gzip (byte 0%s:%s)",
        of_what(file), first);
    return false;
}

struct port *port_file_open(const char *path, unsigned options, char *error) {
    struct file *file = calloc(1, sizeof *file);
    if (!file) {
        snprintf(error, PORT_ERROR_BYTES, "no memory to read a file");
        return NULL;
    }
    file->port.driver = &port_file;
    file->source = source_open(path, file->port.error);
    if (file->source && start(file, options))
        return &file->port;
    memcpy(error, file->port.error, PORT_ERROR_BYTES);
    close_file(&file->port);
    return NULL;
}

static struct port *open_planned(const struct plan *plan, unsigned index, unsigned options, char *error) {
    return port_file_open(plan->port[index].where, options, error);
}

void port_file_progress(const struct port *port, uint64_t *done, uint64_t *total) {
    const struct file *file = (const struct file *)port;
    *total = source_size(file->source);
    *done = source_is_gzip(file->source) ? source_position(file->source) : file->window.offset;
}

const struct memory *port_file_memory(const struct port *port) {
    return &((const struct file *)port)->window.memory;
}

const struct port_driver port_file = {
    .name = "file",
    .open = open_planned,
    .rx_burst = rx_burst,
    .close = close_file,
};
