#include "bench/ring.h"

#include "bench/plain_queue.h"
#include "memory/memory.h"
#include "ring/spsc.h"
#include "stats/clock.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>

enum { ITEMS = 4096, ITEM_BYTES = PLAIN_ITEM_BYTES, AT_ONCE = 32, LANES = ITEM_BYTES / 8 };

/* Two of each: there, and back. */
struct scene {
    struct memory memory[2];
    struct spsc *ring[2];
    struct plain_queue queue[2];
    uint64_t count;
    int other_core;
    bool take_turns;
    bool ready; /* the other thread has begun */
    bool pinned;
    uint64_t sum; /* of all lanes that the other thread has seen */
    void (*other)(struct scene *);
};

static void fill(uint64_t *item, uint64_t number) {
    for (int lane = 0; lane < LANES; lane++)
        item[lane] = number + (uint64_t)lane;
}

static uint64_t add_up(const uint64_t *item) {
    uint64_t sum = 0;
    for (int lane = 0; lane < LANES; lane++)
        sum += item[lane];
    return sum;
}

/* What add_up gives for the items 0 to count - 1. */
static uint64_t expected_sum(uint64_t count) {
    return LANES * (count * (count - 1) / 2) + count * (LANES * (LANES - 1) / 2);
}

static void spin(const struct scene *scene) {
    if (scene->take_turns)
        sched_yield();
    else
        __builtin_ia32_pause();
}

static void ring_put(const struct scene *scene, int way, uint64_t number) {
    uint32_t count;
    uint64_t *item;
    while (!(item = spsc_reserve(scene->ring[way], 1, &count)))
        spin(scene);
    fill(item, number);
    spsc_commit(scene->ring[way], 1);
}

static uint64_t ring_get(const struct scene *scene, int way) {
    uint32_t count;
    const uint64_t *item;
    while (!(item = spsc_peek(scene->ring[way], 1, &count)))
        spin(scene);
    uint64_t sum = add_up(item);
    spsc_release(scene->ring[way], 1);
    return sum;
}

static void plain_put(struct scene *scene, int way, uint64_t number) {
    uint64_t *item;
    while (!(item = plain_queue_reserve(&scene->queue[way])))
        spin(scene);
    fill(item, number);
    plain_queue_commit(&scene->queue[way]);
}

static uint64_t plain_get(struct scene *scene, int way) {
    const uint64_t *item;
    while (!(item = plain_queue_peek(&scene->queue[way])))
        spin(scene);
    uint64_t sum = add_up(item);
    plain_queue_release(&scene->queue[way]);
    return sum;
}

static void ring_answer(struct scene *scene) {
    for (uint64_t number = 0; number < scene->count; number++) {
        scene->sum += ring_get(scene, 0);
        ring_put(scene, 1, number);
    }
}

static void ring_ask(struct scene *scene) {
    for (uint64_t number = 0; number < scene->count; number++) {
        ring_put(scene, 0, number);
        ring_get(scene, 1);
    }
}

static void plain_answer(struct scene *scene) {
    for (uint64_t number = 0; number < scene->count; number++) {
        scene->sum += plain_get(scene, 0);
        plain_put(scene, 1, number);
    }
}

static void plain_ask(struct scene *scene) {
    for (uint64_t number = 0; number < scene->count; number++) {
        plain_put(scene, 0, number);
        plain_get(scene, 1);
    }
}

static void ring_take_many(struct scene *scene) {
    for (uint64_t number = 0; number < scene->count;) {
        uint32_t count;
        const uint64_t *items = spsc_peek(scene->ring[0], AT_ONCE, &count);
        if (!items) {
            spin(scene);
            continue;
        }
        for (uint32_t i = 0; i < count; i++)
            scene->sum += add_up(items + (size_t)i * LANES);
        spsc_release(scene->ring[0], count);
        number += count;
    }
    ring_put(scene, 1, 0);
}

static void ring_give_many(struct scene *scene) {
    for (uint64_t number = 0; number < scene->count;) {
        uint64_t left = scene->count - number;
        uint32_t count;
        uint64_t *items = spsc_reserve(scene->ring[0], left < AT_ONCE ? (uint32_t)left : AT_ONCE, &count);
        if (!items) {
            spin(scene);
            continue;
        }
        for (uint32_t i = 0; i < count; i++)
            fill(items + (size_t)i * LANES, number + i);
        spsc_commit(scene->ring[0], count);
        number += count;
    }
    ring_get(scene, 1);
}

static void plain_take_many(struct scene *scene) {
    for (uint64_t number = 0; number < scene->count; number++)
        scene->sum += plain_get(scene, 0);
    plain_put(scene, 1, 0);
}

static void plain_give_many(struct scene *scene) {
    for (uint64_t number = 0; number < scene->count; number++)
        plain_put(scene, 0, number);
    plain_get(scene, 1);
}

static const struct {
    void (*one)(struct scene *);
    void (*other)(struct scene *);
} plays[] = {
    [BENCH_RING_THERE_AND_BACK] = {ring_ask, ring_answer},
    [BENCH_RING_MANY] = {ring_give_many, ring_take_many},
    [BENCH_PLAIN_THERE_AND_BACK] = {plain_ask, plain_answer},
    [BENCH_PLAIN_MANY] = {plain_give_many, plain_take_many},
};

static bool pin(int core) {
    cpu_set_t cores;
    CPU_ZERO(&cores);
    if (core >= 0 && core < CPU_SETSIZE)
        CPU_SET(core, &cores);
    return pthread_setaffinity_np(pthread_self(), sizeof cores, &cores) == 0;
}

static void *play_other(void *argument) {
    struct scene *scene = argument;
    scene->pinned = pin(scene->other_core);
    __atomic_store_n(&scene->ready, true, __ATOMIC_RELEASE);
    if (scene->pinned)
        scene->other(scene);
    return NULL;
}

static double play(struct scene *scene, void (*one)(struct scene *)) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, play_other, scene) != 0)
        return -1;
    while (!__atomic_load_n(&scene->ready, __ATOMIC_ACQUIRE))
        sched_yield();
    uint64_t start = clock_cycles_fenced();
    if (scene->pinned)
        one(scene);
    uint64_t cycles = clock_cycles_fenced() - start;
    pthread_join(thread, NULL);
    if (!scene->pinned)
        return -1;
    if (scene->sum != expected_sum(scene->count))
        return -2;
    return (double)cycles / clock_cycles_per_ns() / (double)scene->count;
}

double bench_ring(enum bench_ring_what what, uint64_t count, int core, int other_core) {
    struct scene scene = {.count = count, .other_core = other_core, .take_turns = core == other_core};
    cpu_set_t before;
    double ns = -1;
    bool is_ready = pthread_getaffinity_np(pthread_self(), sizeof before, &before) == 0 && pin(core);
    clock_cycles_per_ns(); /* measured before anything runs */
    for (int way = 0; way < 2 && is_ready; way++) {
        scene.ring[way] = spsc_open(&scene.memory[way], ITEMS, ITEM_BYTES);
        is_ready = scene.ring[way] != NULL;
        /* In the very same memory: each run uses the one or the other. */
        if (is_ready)
            scene.queue[way] = (struct plain_queue){.capacity = ITEMS, .places = scene.ring[way]->memory};
    }
    if (is_ready) {
        scene.other = plays[what].other;
        ns = play(&scene, plays[what].one);
    }
    for (int way = 0; way < 2; way++)
        if (scene.ring[way])
            memory_unmap(&scene.memory[way]);
    pthread_setaffinity_np(pthread_self(), sizeof before, &before);
    return ns;
}
