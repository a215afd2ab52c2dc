#include "api.h"

#include "stats/clock.h"

uint64_t api_clock_cycles(void) {
    return clock_cycles();
}

double api_clock_rate(void) {
    return clock_cycles_per_ns();
}
