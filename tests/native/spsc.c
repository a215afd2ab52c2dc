/* A producer and a consumer on a ring of items, both flat out, as threads and as processes: each item comes
 * once, whole, and in order, also where the indices pass 2^64; and a consumer that is killed again and again
 * is followed by one that goes on.
 */
#include "ring/spsc.h"
#include "check.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_AT_ONCE = 40 };

struct scene {
    struct spsc *ring;
    uint32_t item_bytes;
    uint64_t end_ns;
};

/* Every eight bytes of item `number` tell which it is, and where in it they stand. */
static void fill_item(uint8_t *item, uint32_t bytes, uint64_t number) {
    for (uint32_t at = 0; at < bytes; at += 8) {
        uint64_t word = number * 0x9e3779b97f4a7c15 + at;
        memcpy(item + at, &word, sizeof word);
    }
}

static void check_item(const uint8_t *item, uint32_t bytes, uint64_t number) {
    for (uint32_t at = 0; at < bytes; at += 8) {
        uint64_t word;
        memcpy(&word, item + at, sizeof word);
        CHECK(word == number * 0x9e3779b97f4a7c15 + at);
    }
}

/* Produces items from `number` on until the time is over; the number of the next. */
static uint64_t produce(const struct scene *scene, uint64_t number) {
    uint64_t dice = number + 1;
    while (check_now_ns() < scene->end_ns) {
        for (int turn = 0; turn < 64; turn++) {
            uint32_t count;
            uint32_t want = (uint32_t)(check_random(&dice) % MOST_AT_ONCE) + 1;
            uint8_t *to = spsc_reserve(scene->ring, want, &count);
            if (!to) {
                sched_yield();
                continue;
            }
            CHECK(count && count <= want);
            uint32_t kept = (uint32_t)(check_random(&dice) % (count + 1)); /* the rest is thought better of */
            for (uint32_t i = 0; i < count; i++)
                fill_item(to + (size_t)i * scene->item_bytes, scene->item_bytes, number + i);
            spsc_commit(scene->ring, kept);
            number += kept;
        }
    }
    return number;
}

/* Takes all that is there; the number of the next. `dice` decides how much is looked at and not released. */
static uint64_t consume(const struct scene *scene, uint64_t number, uint64_t *dice) {
    uint32_t count;
    uint32_t want = (uint32_t)(check_random(dice) % MOST_AT_ONCE) + 1;
    const uint8_t *from;
    while ((from = spsc_peek(scene->ring, want, &count))) {
        CHECK(count && count <= want);
        for (uint32_t i = 0; i < count; i++)
            check_item(from + (size_t)i * scene->item_bytes, scene->item_bytes, number + i);
        uint32_t taken = (uint32_t)(check_random(dice) % count) + 1;
        spsc_release(scene->ring, taken);
        number += taken;
        want = (uint32_t)(check_random(dice) % MOST_AT_ONCE) + 1;
    }
    return number;
}

static uint64_t produced; /* by the thread below, read when it has been joined */

static void *produce_thread(void *argument) {
    produced = produce(argument, 0);
    return NULL;
}

static struct scene make_scene(uint64_t items, uint32_t item_bytes, uint64_t position, uint64_t end_ns) {
    size_t bytes = spsc_bytes(items, item_bytes);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(bytes && memory != MAP_FAILED);
    struct scene scene = {spsc_place(memory, items, item_bytes, position), item_bytes, end_ns};
    CHECK(scene.ring && spsc_attach(memory, bytes) == scene.ring);
    return scene;
}

static void end_scene(const struct scene *scene) {
    munmap(scene->ring, spsc_bytes(scene->ring->items, scene->item_bytes));
}

static void run_threads(uint64_t items, uint32_t item_bytes, uint64_t position, uint64_t end_ns) {
    struct scene scene = make_scene(items, item_bytes, position, end_ns);
    pthread_t thread = check_start(produce_thread, &scene);
    uint64_t number = 0;
    uint64_t dice = 3;
    while (pthread_tryjoin_np(thread, NULL)) {
        number = consume(&scene, number, &dice);
        sched_yield();
    }
    number = consume(&scene, number, &dice);
    CHECK(number == produced && number > items);
    printf("%llu items of %u bytes through a ring of %llu\n", (unsigned long long)number, item_bytes,
           (unsigned long long)items);
    end_scene(&scene);
}

/* The consumer in a process of its own: told by no one where its predecessor was killed, it asks the ring. */
static pid_t start_consumer(const struct scene *scene, uint64_t first) {
    pid_t child = fork();
    if (child)
        return child;
    struct scene own = *scene;
    own.ring = spsc_attach(scene->ring, spsc_bytes(scene->ring->items, scene->item_bytes));
    CHECK(own.ring);
    uint64_t dice = first + (uint64_t)getpid();
    uint64_t number = own.ring->tail;
    while (number != UINT64_MAX) {
        number = consume(&own, number, &dice);
        sched_yield();
    }
    _exit(0);
}

static void run_processes(uint64_t items, uint32_t item_bytes, uint64_t end_ns) {
    struct scene scene = make_scene(items, item_bytes, 0, 0);
    uint64_t number = 0;
    uint64_t before = 0;
    int kills = 0;
    for (; check_now_ns() < end_ns; kills++) {
        int status;
        pid_t child = start_consumer(&scene, number);
        CHECK(child > 0);
        scene.end_ns = check_now_ns() + 10000000;
        number = produce(&scene, number);
        kill(child, SIGKILL);
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL); /* it found nothing wrong until then */
        CHECK(scene.ring->tail >= before && number - scene.ring->tail <= items);
        before = scene.ring->tail;
    }
    uint64_t dice = 1;
    CHECK(consume(&scene, scene.ring->tail, &dice) == number && number > items);
    printf("%llu items through %d processes\n", (unsigned long long)number, kills);
    end_scene(&scene);
}

int main(int count, char **words) {
    uint64_t start_ns = check_now_ns();
    uint64_t share_ns = (check_deadline(count, words) - start_ns) / 4;
    run_processes(256, 64,
                  start_ns + share_ns); /* first: a process that has had threads does not fork well */
    run_threads(1, 64, UINT64_MAX, start_ns + 2 * share_ns);
    run_threads(64, 128, UINT64_MAX - 99, start_ns + 3 * share_ns);
    run_threads(4096, 512, 0, start_ns + 4 * share_ns);
}
