#include "book/side.h"

#include <string.h>

/* Every side of every locate gets its smallest block; beyond that a level costs at most four entries: its
 * block is at least half full when it is taken, and the block it outgrew may stand idle. */
int side_pool_open(struct side_pool *pool, uint32_t levels, uint32_t locates) {
    memset(pool, 0, sizeof *pool);
    size_t smallest = (SIDE_PAD + SIDE_SMALLEST + SIDE_TAIL) * sizeof(int64_t);
    size_t sides = 2 * (size_t)locates;
    if (sides > levels)
        sides = levels;
    return memory_map(&pool->memory, sides * smallest + (size_t)levels * 8 * sizeof(int64_t), false);
}

void side_pool_close(struct side_pool *pool) {
    memory_unmap(&pool->memory);
}

static int64_t *take_block(struct side_pool *pool, uint32_t size_class) {
    int64_t *block = pool->free[size_class];
    if (block) {
        memcpy(&pool->free[size_class], block, sizeof block);
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

int side_grow(struct side_pool *pool, struct side *side) {
    uint32_t size_class = side->levels ? side->size_class + 1 : 0;
    if (size_class == SIDE_CLASSES)
        return -1;
    int64_t *block = take_block(pool, size_class);
    if (!block)
        return -1;
    if (side->levels) {
        memcpy(block, side->levels, side->count * sizeof(int64_t));
        memcpy(side->levels, &pool->free[side->size_class], sizeof block);
        pool->free[side->size_class] = side->levels;
    }
    side->levels = block;
    side->size_class = size_class;
    return 0;
}
