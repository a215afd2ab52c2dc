/* From the first packet to the last, the way from tick to order allocates nothing and never calls the kernel.
 *
 * A child process opens the path of the benchmark, counts every call of the allocator from then on, and has
 * the kernel kill it for any system call but the one that ends it; then it takes a day of 200,000 packets, on
 * one thread and on two. That the filter kills, and that the allocator is counted, is tried as well.
 */
#include "day.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SKIPPED = 77, PACKETS = 200000, SYMBOLS = 100 };

static uint64_t watched_calls;
static bool watches;

/* A sanitizer has an allocator and a thread of its own, and calls the kernel as it likes. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const bool is_sanitized = true;
#else
static const bool is_sanitized = false;

/* In the place of the C library's, for all that is loaded; the names of both are the linker's business. */
void *counted_malloc(size_t bytes) __asm__("malloc");
void *counted_calloc(size_t count, size_t bytes) __asm__("calloc");
void *counted_realloc(void *old, size_t bytes) __asm__("realloc");
void *counted_aligned_alloc(size_t alignment, size_t bytes) __asm__("aligned_alloc");
void counted_free(void *old) __asm__("free");
extern void *plain_malloc(size_t bytes) __asm__("__libc_malloc");
extern void *plain_calloc(size_t count, size_t bytes) __asm__("__libc_calloc");
extern void *plain_realloc(void *old, size_t bytes) __asm__("__libc_realloc");
extern void *plain_memalign(size_t alignment, size_t bytes) __asm__("__libc_memalign");
extern void plain_free(void *old) __asm__("__libc_free");

static void note(void) {
    if (watches)
        __atomic_fetch_add(&watched_calls, 1, __ATOMIC_RELAXED);
}

void *counted_malloc(size_t bytes) {
    note();
    return plain_malloc(bytes);
}

void *counted_calloc(size_t count, size_t bytes) {
    note();
    return plain_calloc(count, bytes);
}

void *counted_realloc(void *old, size_t bytes) {
    note();
    return plain_realloc(old, bytes);
}

void *counted_aligned_alloc(size_t alignment, size_t bytes) {
    note();
    return plain_memalign(alignment, bytes);
}

void counted_free(void *old) {
    note();
    plain_free(old);
}
#endif

/* What a child leaves behind, in memory that its parent sees. */
struct result {
    uint64_t watched_calls; /* of the allocator, while packets were taken */
    uint64_t own_calls;     /* and of two that were made to be counted */
    uint64_t packets;
    uint64_t orders;
};

/* Every thread of this process dies of its next system call, unless that ends the process. */
static int shut_kernel(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
}

/* Atomic: compilers know that an allocator changes no variable of ours. */
static uint64_t calls_so_far(void) {
    return __atomic_load_n(&watched_calls, __ATOMIC_SEQ_CST);
}

static void allocate_and_free(void) {
    void *volatile held = malloc(1); /* volatile: or the compiler leaves both out */
    free(held);
}

/* ---- Children. ---- */

static void call_the_kernel(struct result *result, void *context) {
    (void)result, (void)context;
    if (shut_kernel())
        _exit(SKIPPED);
    syscall(SYS_getppid);
}

static void take_a_day(struct result *result, struct bench_tick *bench) {
    static uint32_t cycles[PACKETS];
    allocate_and_free(); /* what the allocator asks of the kernel when it is first called is asked now */
    if (shut_kernel())
        _exit(SKIPPED);
    watches = true;
    result->packets = bench_tick_run(bench, PACKETS, cycles);
    result->watched_calls = calls_so_far();
    allocate_and_free();
    result->own_calls = calls_so_far() - result->watched_calls;
    result->orders = bench->run.orders;
}

struct scene {
    struct day day;
    const char *strategy;
    bool is_split;
};

static void open_and_take(struct result *result, void *context) {
    const struct scene *scene = context;
    struct bench_tick_plan plan = day_plan(scene->strategy, 1, SYMBOLS, scene->is_split);
    char error[PORT_ERROR_BYTES];
    struct bench_tick *bench = bench_tick_open(&scene->day.input, &plan, error);
    CHECK(bench);
    take_a_day(result, bench);
}

/* How the child ended; what it found is in `result`. */
static int run_child(void (*child)(struct result *, void *), void *context, struct result *result) {
    struct result *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(shared != MAP_FAILED);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (!pid) {
        child(shared, context);
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(pid, &status, 0) == pid);
    *result = *shared;
    munmap(shared, sizeof *shared);
    return status;
}

static void check_day(struct scene *scene, bool is_split) {
    struct result result;
    scene->is_split = is_split;
    int status = run_child(open_and_take, scene, &result);
    if (WIFSIGNALED(status))
        fprintf(stderr, "%s: died of signal %d\n", is_split ? "split" : "fused", WTERMSIG(status));
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(result.packets == PACKETS);
    CHECK(result.orders > 100);
    CHECK(result.own_calls == 2);
    CHECK(result.watched_calls == 0);
}

int main(int count, char **words) {
    static struct scene scene;
    struct result result;
    if (is_sanitized)
        return SKIPPED;
    int status = run_child(call_the_kernel, NULL, &result);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) {
        fprintf(stderr, "the kernel takes no filter of system calls\n");
        return SKIPPED;
    }
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
    scene.strategy = count > 1 ? words[1] : "";
    day_make(&scene.day, PACKETS, SYMBOLS);
    check_day(&scene, false);
    if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
        check_day(&scene, true);
    return 0;
}
