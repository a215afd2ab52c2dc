#include "stage/segment.h"

#include "abi_hash.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* True when the segment's process is gone, or it never became a segment. */
static int is_abandoned(const char *name) {
    struct shm_header header = {0};
    int file = shm_open(name, O_RDONLY, 0);
    if (file < 0)
        return 0;
    ssize_t got = pread(file, &header, sizeof header, 0);
    close(file);
    return got != (ssize_t)sizeof header || header.magic != ABI_MAGIC ||
           (kill((pid_t)header.pid, 0) < 0 && errno == ESRCH);
}

static int create_exclusively(const char *name) {
    int file = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0640);
    if (file < 0 && errno == EEXIST && is_abandoned(name)) {
        shm_unlink(name);
        file = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0640);
    }
    return file;
}

int segment_create(struct segment *segment, const char *name, uint32_t views, char *error, size_t room) {
    static const uint8_t hash[32] = ABI_HASH_BYTES;
    memset(segment, 0, sizeof *segment);
    if (strchr(name, '/') || (size_t)snprintf(segment->name, sizeof segment->name, "/%s", name) >= 100 ||
        !*name) {
        snprintf(error, room, "segment '%s': a name is 1 to 98 characters without a slash", name);
        return -1;
    }
    size_t bytes = sizeof(struct shm_header) + (size_t)views * sizeof(struct book_view);
    int file = create_exclusively(segment->name);
    if (file < 0) {
        snprintf(error, room, "segment '%s': %s", name,
                 errno == EEXIST ? "a data plane of this name is running: stop it or choose another --segment"
                                 : strerror(errno));
        return -1;
    }
    struct shm_header *header = MAP_FAILED;
    if (ftruncate(file, (off_t)bytes) == 0)
        header = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
    int reason = errno;
    close(file);
    if (header == MAP_FAILED) {
        snprintf(error, room, "segment '%s': cannot map %zu bytes of shared memory: %s", name, bytes,
                 strerror(reason));
        shm_unlink(segment->name);
        return -1;
    }
    memcpy(header->abi_hash, hash, sizeof hash);
    header->bytes = bytes;
    header->pid = (uint32_t)getpid();
    header->views_offset = sizeof *header;
    header->views = views;
    header->view_bytes = sizeof(struct book_view);
    segment->header = header;
    segment->views = (struct book_view *)(header + 1);
    __atomic_store_n(&header->magic, ABI_MAGIC, __ATOMIC_RELEASE); /* last: now it is a segment */
    return 0;
}

void segment_set_state(struct segment *segment, enum shm_state state) {
    __atomic_store_n(&segment->header->state, state, __ATOMIC_RELEASE);
}

void segment_remove(struct segment *segment) {
    if (segment->header) {
        shm_unlink(segment->name);
        munmap(segment->header, segment->header->bytes);
    }
    segment->header = NULL;
}
