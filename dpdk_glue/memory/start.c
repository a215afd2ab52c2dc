#include "memory/start.h"

#include <stddef.h>

static const volatile sig_atomic_t *heeded;

void start_heed(const volatile sig_atomic_t *told_to_stop) {
    heeded = told_to_stop;
}

bool start_is_unwanted(void) {
    return heeded != NULL && *heeded;
}
