#include "api.h"

#include "stats/clock.h"

uint64_t api_clock_cycles(void) {
    return clock_cycles();
}
