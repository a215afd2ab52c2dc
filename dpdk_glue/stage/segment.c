#include "stage/segment.h"

#include "abi_hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* True while the name still leads to this file. */
static bool is_ours(const char *name, int file) {
    struct stat opened;
    struct stat named;
    int again = shm_open(name, O_RDONLY | O_CLOEXEC, 0);
    if (again < 0)
        return false;
    bool same = fstat(file, &opened) == 0 && fstat(again, &named) == 0 && opened.st_ino == named.st_ino;
    close(again);
    return same;
}

/* Whoever holds the lock on the file of this name runs under it, and the kernel lets go when that process
 * dies. So a file whose lock can be had is abandoned (or a hair's breadth old: its maker then finds it gone
 * and tries again). Returns a new, locked file, or -1 with errno: EWOULDBLOCK = somebody runs under this
 * name. */
static int take_name(const char *name) {
    for (int attempt = 0; attempt < 100; attempt++) {
        int file = shm_open(name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0640);
        bool fresh = file >= 0;
        if (!fresh && errno == EEXIST)
            file = shm_open(name, O_RDWR | O_CLOEXEC, 0);
        if (file < 0 && errno == ENOENT)
            continue;
        if (file < 0)
            return -1;
        bool locked = flock(file, LOCK_EX | LOCK_NB) == 0;
        if (locked && is_ours(name, file)) {
            if (fresh)
                return file;
            shm_unlink(name);
        }
        close(file);
        if (!locked && !fresh) {
            errno = EWOULDBLOCK;
            return -1;
        }
    }
    errno = EAGAIN;
    return -1;
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
    int file = take_name(segment->name);
    if (file < 0) {
        snprintf(error, room, "segment '%s': %s", name,
                 errno == EWOULDBLOCK
                     ? "a data plane of this name is running: stop it or choose another --segment"
                     : strerror(errno));
        return -1;
    }
    struct shm_header *header = MAP_FAILED;
    if (ftruncate(file, (off_t)bytes) == 0)
        header = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file, 0);
    int reason = errno;
    if (header == MAP_FAILED) {
        snprintf(error, room, "segment '%s': cannot map %zu bytes of shared memory: %s", name, bytes,
                 strerror(reason));
        shm_unlink(segment->name);
        close(file);
        return -1;
    }
    segment->file = file; /* open, and locked, for as long as we live */
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
        if (is_ours(segment->name, segment->file))
            shm_unlink(segment->name);
        close(segment->file);
        munmap(segment->header, segment->header->bytes);
    }
    segment->header = NULL;
}
