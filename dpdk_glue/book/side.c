#include "book/side.h"

#include <string.h>

/* Every side of every locate can have its smallest block. Beyond that a level costs at most four entries in a
 * side that only grows: its block is half full when it is taken, and those it outgrew stand idle together as
 * large. Twice that is mapped, because a side keeps its block until its last level leaves. */
int side_pool_open(struct side_pool *pool, uint32_t levels, uint32_t locates) {
    memset(pool, 0, sizeof *pool);
    size_t smallest = (SIDE_PAD + SIDE_SMALLEST + SIDE_TAIL) * sizeof(int64_t);
    size_t sides = 2 * (size_t)locates;
    if (sides > levels)
        sides = levels;
    return memory_map(&pool->memory, sides * smallest + (size_t)levels * 8 * sizeof(int64_t), false);
}

void side_pool_clear(struct side_pool *pool) {
    pool->used = 0;
    memset(pool->free, 0, sizeof pool->free);
}

void side_pool_close(struct side_pool *pool) {
    memory_unmap(&pool->memory);
}

/* A block that nobody uses holds the address of the next one. */
static int64_t *next_of(const int64_t *block) {
    return (int64_t *)(uintptr_t)block[0];
}

static void set_next(int64_t *block, const int64_t *next) {
    block[0] = (int64_t)(uintptr_t)next;
}

static int64_t *take_block(struct side_pool *pool, uint32_t size_class) {
    int64_t *block = pool->free[size_class];
    if (block) {
        pool->free[size_class] = next_of(block);
    } else {
        size_t bytes = (SIDE_PAD + ((size_t)SIDE_SMALLEST << size_class) + SIDE_TAIL) * sizeof(int64_t);
        if (pool->used + bytes > pool->memory.bytes)
            return NULL;
        block = (int64_t *)((char *)pool->memory.base + pool->used) + SIDE_PAD;
        pool->used += bytes;
    }
    for (int i = 1; i <= SIDE_PAD; i++)
        block[-i] = INT64_MIN;
    return block;
}

static void give_block(struct side_pool *pool, struct side *side) {
    set_next(side->levels, pool->free[side->size_class]);
    pool->free[side->size_class] = side->levels;
}

void side_give_back(struct side_pool *pool, struct side *side) {
    give_block(pool, side);
    side->levels = NULL;
}

int side_grow(struct side_pool *pool, struct side *side) {
    uint32_t size_class = side->levels ? side->size_class + 1 : 0;
    if (size_class == SIDE_CLASSES)
        return -1;
    int64_t *block = take_block(pool, size_class);
    if (!block)
        return -1;
    if (side->levels) {
        memcpy(block, side->levels, side->count * sizeof(int64_t));
        give_block(pool, side);
    }
    side->levels = block;
    side->size_class = size_class;
    return 0;
}
