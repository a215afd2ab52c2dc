#include "port/source.h"

#include "build_config.h"
#include "port/port.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_ZLIB
#include <zlib.h>
#endif

enum { INPUT_BYTES = 256 << 10, PATH_SHOWN = 240 };

struct source {
    int descriptor;
    bool is_gzip;
    uint64_t position; /* bytes read from the file */
    uint64_t size;
    char path[PATH_SHOWN];
    char *error;
    uint8_t *input; /* read ahead to know the format, and the packed bytes of gzip */
    size_t input_at;
    size_t input_end;
#ifdef HAVE_ZLIB
    z_stream inflater;
    bool in_member; /* between the header and the trailer of a gzip member */
#endif
};

void source_error(struct source *source, const char *format, ...) {
    int used = snprintf(source->error, PORT_ERROR_BYTES, "%s: ", source->path);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(source->error + used, (size_t)(PORT_ERROR_BYTES - used), format, arguments);
    va_end(arguments);
}

/* The end of a long path says more than its start; a line break in it would make two lines of one. */
static void show_path(struct source *source, const char *path) {
    size_t length = strlen(path);
    if (length < sizeof source->path)
        snprintf(source->path, sizeof source->path, "%s", path);
    else
        snprintf(source->path, sizeof source->path, "...%s", path + length - (sizeof source->path - 4));
    for (char *at = source->path; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
}

static const char *why_not_opened(int error) {
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return "no such file; check the path";
    case EACCES:
    case EPERM:
        return "no permission to read it; ask its owner, or run as a user who may";
    default:
        return strerror(error);
    }
}

/* Reads from the file itself. */
static ssize_t read_file(struct source *source, uint8_t *to, size_t room) {
    ssize_t got = read(source->descriptor, to, room);
    if (got < 0) {
        if (errno == EISDIR)
            source_error(source, "is a directory, not a feed file; name a file in it");
        else if (errno == EINTR) /* a signal: an idle pipe must not keep us from stopping */
            source_error(source, "interrupted at byte %llu", (unsigned long long)source->position);
        else
            source_error(source, "cannot be read at byte %llu: %s", (unsigned long long)source->position,
                         strerror(errno));
        return -1;
    }
    source->position += (uint64_t)got;
    return got;
}

/* Takes from what was read ahead, 0 if there is nothing left of it. */
static size_t take_input(struct source *source, uint8_t *to, size_t room) {
    size_t left = source->input_end - source->input_at;
    size_t taken = left < room ? left : room;
    memcpy(to, source->input + source->input_at, taken);
    source->input_at += taken;
    return taken;
}

#ifdef HAVE_ZLIB

static bool start_gzip(struct source *source) {
    if (inflateInit2(&source->inflater, 15 + 16) == Z_OK)
        return true;
    source_error(source, "no memory to unpack gzip");
    return false;
}

/* A new member starts where one ended: `gzip` and `pigz` files may be concatenated. */
static ssize_t read_gzip(struct source *source, uint8_t *to, size_t room) {
    z_stream *inflater = &source->inflater;
    inflater->next_out = to;
    inflater->avail_out = (uInt)room;
    while (inflater->avail_out == room) {
        if (source->input_at == source->input_end) {
            ssize_t got = read_file(source, source->input, INPUT_BYTES);
            if (got < 0)
                return -1;
            if (got == 0 && !source->in_member)
                return 0;
            if (got == 0) {
                source_error(source,
                             "the gzip data breaks off at byte %llu of the file; fetch the file again",
                             (unsigned long long)source->position);
                return -1;
            }
            source->input_at = 0;
            source->input_end = (size_t)got;
        }
        inflater->next_in = source->input + source->input_at;
        inflater->avail_in = (uInt)(source->input_end - source->input_at);
        source->in_member = true;
        int result = inflate(inflater, Z_NO_FLUSH);
        source->input_at = source->input_end - inflater->avail_in;
        if (result == Z_STREAM_END) {
            source->in_member = false;
            inflateReset(inflater);
        } else if (result != Z_OK && result != Z_BUF_ERROR) {
            if (inflater->avail_out < room)
                break; /* what came before the damage is good; the next call fails again */
            uint64_t at = source->position - (source->input_end - source->input_at);
            source_error(source,
                         "the gzip data is damaged at byte %llu of the file (%s); fetch the file again",
                         (unsigned long long)at, inflater->msg ? inflater->msg : "zlib gives no reason");
            return -1;
        }
    }
    return (ssize_t)(room - inflater->avail_out);
}

static void end_gzip(struct source *source) {
    inflateEnd(&source->inflater);
}

#else

static bool start_gzip(struct source *source) {
    source_error(source, "is gzip, and this build has no zlib; unpack it first with gunzip");
    return false;
}

static ssize_t read_gzip(struct source *source, uint8_t *to, size_t room) {
    (void)source, (void)to, (void)room;
    return -1;
}

static void end_gzip(struct source *source) {
    (void)source;
}

#endif

ssize_t source_read(struct source *source, uint8_t *to, size_t room) {
    if (room > 1 << 30)
        room = 1 << 30; /* zlib counts in 32 bits, and read(2) would stop at 2 GiB */
    if (source->is_gzip)
        return read_gzip(source, to, room);
    size_t ahead = take_input(source, to, room);
    return ahead ? (ssize_t)ahead : read_file(source, to, room);
}

/* Reads ahead until the first two bytes say whether this is gzip. */
static bool start(struct source *source) {
    while (source->input_end < 2) {
        ssize_t got = read_file(source, source->input + source->input_end, INPUT_BYTES - source->input_end);
        if (got < 0)
            return false;
        if (got == 0)
            break;
        source->input_end += (size_t)got;
    }
    if (source->input_end == 0) {
        source_error(source, "is empty; a feed file has at least one message");
        return false;
    }
    if (source->input_end < 2 || source->input[0] != 0x1f || source->input[1] != 0x8b)
        return true;
    source->is_gzip = start_gzip(source);
    return source->is_gzip;
}

struct source *source_open(const char *path, char *error) {
    struct source *source = calloc(1, sizeof *source);
    uint8_t *input = malloc(INPUT_BYTES);
    if (!source || !input) {
        snprintf(error, PORT_ERROR_BYTES, "no memory to read a file");
        free(source);
        free(input);
        return NULL;
    }
    source->error = error;
    source->input = input;
    show_path(source, path);
    source->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat status;
    if (source->descriptor < 0 || fstat(source->descriptor, &status) < 0) {
        source_error(source, "%s", why_not_opened(errno));
    } else {
        source->size = S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0;
        posix_fadvise(source->descriptor, 0, 0, POSIX_FADV_SEQUENTIAL);
        if (start(source))
            return source;
    }
    source_close(source);
    return NULL;
}

void source_close(struct source *source) {
    if (!source)
        return;
    if (source->is_gzip)
        end_gzip(source);
    if (source->descriptor >= 0)
        close(source->descriptor);
    free(source->input);
    free(source);
}

bool source_is_gzip(const struct source *source) {
    return source->is_gzip;
}

uint64_t source_position(const struct source *source) {
    return source->position;
}

uint64_t source_size(const struct source *source) {
    return source->size;
}
