#include "stage/segment.h"

#include "abi_hash.h"
#include "stats/clock.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static int refuse(char *error, size_t room, int file, const char *what) {
    snprintf(error, room,
             "file descriptor %d: %s; the data plane is started by the control plane: appliance run", file,
             what);
    return -1;
}

/* Whether `bytes` from `offset` on lie inside the segment, and where a cache line begins. */
static bool is_inside(const struct shm_header *header, uint64_t offset, uint64_t bytes) {
    return offset % 64 == 0 && offset >= sizeof *header && offset <= header->bytes &&
           bytes <= header->bytes - offset;
}

static bool is_laid_out(const struct shm_header *header, uint64_t bytes) {
    return header->bytes == bytes && header->views && header->views <= ABI_MAX_VIEWS &&
           header->view_bytes == sizeof(struct book_view) &&
           is_inside(header, header->plan_offset, sizeof(struct plan)) &&
           is_inside(header, header->views_offset, (uint64_t)header->views * sizeof(struct book_view)) &&
           is_inside(header, header->stats_offset, sizeof(struct shm_stats)) &&
           (!header->trading_offset || is_inside(header, header->trading_offset, sizeof(struct shm_trading)));
}

int segment_attach(struct segment *segment, int file, char *error, size_t room) {
    static const uint8_t hash[32] = ABI_HASH_BYTES;
    struct stat status;
    memset(segment, 0, sizeof *segment);
    if (fstat(file, &status) < 0)
        return refuse(error, room, file, strerror(errno));
    size_t bytes = (size_t)status.st_size;
    if (!S_ISREG(status.st_mode) || bytes < sizeof(struct shm_header))
        return refuse(error, room, file, "is no segment");
    struct shm_header *header = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
    if (header == MAP_FAILED)
        return refuse(error, room, file, strerror(errno));
    const char *what = header->magic != ABI_MAGIC                             ? "is no segment"
                       : memcmp(header->abi_hash, hash, sizeof hash) != 0     ? "was made by another build"
                       : !is_laid_out(header, bytes)                          ? "has its parts out of place"
                       : header->state != SHM_PLANNED                         ? "was used before"
                       : memchr(header->name, 0, sizeof header->name) == NULL ? "has a name without end"
                                                                              : NULL;
    if (what) {
        munmap(header, bytes);
        return refuse(error, room, file, what);
    }
    uint8_t *base = (uint8_t *)header;
    *segment = (struct segment){
        .file = file,
        .header = header,
        .plan = (const void *)(base + header->plan_offset),
        .views = (void *)(base + header->views_offset),
        .stats = (void *)(base + header->stats_offset),
        .trading = header->trading_offset ? (void *)(base + header->trading_offset) : NULL,
    };
    header->started_cycles = clock_cycles();
    header->cycles_per_s = (uint64_t)(clock_cycles_per_ns() * 1e9);
    __atomic_store_n(&header->pid, (uint32_t)getpid(), __ATOMIC_RELAXED);
    segment_set_state(segment, SHM_STARTING);
    return 0;
}

void segment_set_state(struct segment *segment, enum shm_state state) {
    __atomic_store_n(&segment->header->state, state, __ATOMIC_RELEASE);
}

void segment_fail(struct segment *segment, const char *why) {
    snprintf(segment->header->message, sizeof segment->header->message, "%s", why);
    segment_set_state(segment, SHM_FAILED);
}

void segment_detach(struct segment *segment) {
    if (segment->header)
        munmap(segment->header, segment->header->bytes);
    segment->header = NULL;
}
