/* Preloaded into the writer of the journal: msync fails with EIO for as long as the file that
 * JOURNAL_TEST_FAILS names is there, and leaves behind what a kernel does: pages that it calls clean. */
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int msync(void *at, size_t bytes, int how) {
    static int (*original)(void *, size_t, int);
    const char *file = getenv("JOURNAL_TEST_FAILS");
    if (file && access(file, F_OK) == 0) {
        errno = EIO;
        return -1;
    }
    if (!original)
        original = (int (*)(void *, size_t, int))dlsym(RTLD_NEXT, "msync");
    return original(at, bytes, how);
}
