/* Whether a start is still wanted.
 *
 * Touching large pools takes seconds, and so may what comes behind it. Whoever takes long asks between its
 * steps, and ends early when the process has been told to stop: what it leaves is not fit for use, and
 * whoever opens all the parts asks again before it goes on. Programs that never call start_heed always want
 * to go on.
 */
#ifndef APPLIANCE_MEMORY_START_H
#define APPLIANCE_MEMORY_START_H

#include <signal.h>
#include <stdbool.h>

/* From now on this flag, set by the handler of a signal, says so. Call it before there are threads. */
void start_heed(const volatile sig_atomic_t *told_to_stop);
bool start_is_unwanted(void);

#endif
