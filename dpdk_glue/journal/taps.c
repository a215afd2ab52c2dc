#include "journal/taps.h"

#include "abi_hash.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

enum { PAGE_BYTES = 4096 };

static uint64_t whole_pages(uint64_t bytes) {
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

size_t journal_taps_bytes(const uint64_t ring_bytes[ABI_JOURNAL_STREAMS]) {
    uint64_t bytes = whole_pages(sizeof(struct journal_taps));
    for (int stream = 0; stream < ABI_JOURNAL_STREAMS; stream++) {
        if (!ring_bytes[stream])
            continue;
        if (!records_bytes(ring_bytes[stream]))
            return 0;
        bytes += whole_pages(records_bytes(ring_bytes[stream]));
    }
    return bytes;
}

struct journal_taps *journal_taps_place(void *memory, const uint64_t ring_bytes[ABI_JOURNAL_STREAMS]) {
    static const uint8_t hash[32] = ABI_HASH_BYTES;
    size_t bytes = journal_taps_bytes(ring_bytes);
    struct journal_taps *taps = memory;
    if (!bytes || (uintptr_t)memory % 64) {
        errno = EINVAL;
        return NULL;
    }
    memset(taps, 0, sizeof *taps);
    memcpy(taps->abi_hash, hash, sizeof hash);
    taps->bytes = bytes;
    uint64_t offset = whole_pages(sizeof *taps);
    for (int stream = 0; stream < ABI_JOURNAL_STREAMS; stream++) {
        if (!ring_bytes[stream])
            continue;
        taps->tap[stream].offset = offset;
        taps->tap[stream].ring_bytes = ring_bytes[stream];
        /* Nobody decodes in place what is journalled: no slack. */
        records_place((uint8_t *)memory + offset, ring_bytes[stream], 0);
        offset += whole_pages(records_bytes(ring_bytes[stream]));
    }
    return taps;
}

void journal_taps_publish(struct journal_taps *taps) {
    __atomic_store_n(&taps->magic, ABI_JOURNAL_TAPS, __ATOMIC_RELEASE);
}

static struct journal_taps *refuse(char *error, size_t room, const char *what) {
    snprintf(error, room, "%s; the control plane makes the taps of a journal", what);
    return NULL;
}

struct records *journal_taps_ring(struct journal_taps *taps, uint32_t stream) {
    if (stream >= ABI_JOURNAL_STREAMS || !taps->tap[stream].offset || taps->tap[stream].offset >= taps->bytes)
        return NULL;
    return records_attach((uint8_t *)taps + taps->tap[stream].offset, taps->bytes - taps->tap[stream].offset);
}

struct journal_taps *journal_taps_attach(void *memory, size_t bytes, char *error, size_t room) {
    static const uint8_t hash[32] = ABI_HASH_BYTES;
    struct journal_taps *taps = memory;
    if (bytes < sizeof *taps || (uintptr_t)memory % 64 ||
        __atomic_load_n(&taps->magic, __ATOMIC_ACQUIRE) != ABI_JOURNAL_TAPS)
        return refuse(error, room, "this memory holds no taps");
    if (memcmp(taps->abi_hash, hash, sizeof hash) != 0)
        return refuse(error, room, "these taps were made by another build");
    for (uint32_t stream = 0; stream < ABI_JOURNAL_STREAMS; stream++)
        if (taps->bytes != bytes || (taps->tap[stream].offset && !journal_taps_ring(taps, stream)))
            return refuse(error, room, "these taps have their rings out of place");
    return taps;
}

struct journal_taps *journal_taps_map(int file, char *error, size_t room) {
    struct stat status;
    if (fstat(file, &status) < 0)
        return refuse(error, room, strerror(errno));
    if (!S_ISREG(status.st_mode) || (uint64_t)status.st_size < sizeof(struct journal_taps))
        return refuse(error, room, "this file holds no taps");
    size_t bytes = (size_t)status.st_size;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
    if (memory == MAP_FAILED)
        return refuse(error, room, strerror(errno));
    struct journal_taps *taps = journal_taps_attach(memory, bytes, error, room);
    if (!taps)
        munmap(memory, bytes);
    return taps;
}

void journal_taps_unmap(struct journal_taps *taps) {
    munmap(taps, taps->bytes);
}
