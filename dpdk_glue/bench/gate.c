#include "bench/gate.h"

#include "risk/risk.h"
#include "stats/clock.h"

#include <stdlib.h>
#include <string.h>

enum { PX = 1000000, TICK = 100, STEP_CYCLES = 1000 };

struct gate_bench {
    struct risk *risk;
    uint64_t random;
    uint64_t now_cycles;
    uint32_t instrument[BENCH_GATE_INSTRUMENTS]; /* in the order of the next block */
    struct risk_ask ask[BENCH_GATE_INSTRUMENTS];
    uint8_t has_passed[BENCH_GATE_INSTRUMENTS];
};

/* splitmix64 */
static uint64_t next_random(struct gate_bench *bench) {
    uint64_t z = bench->random += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

static const struct risk_limits LIMITS = {
    .notional = (uint64_t)PX * 10000,
    .gross = UINT64_MAX,
    .duplicate_cycles = UINT64_C(10) * STEP_CYCLES,
    .message_cycles = STEP_CYCLES / 2,
    .burst = 1000,
    .qty = 5000,
    .long_qty = 100000,
    .short_qty = 100000,
    .open_orders = 10,
    .collar_bps = 500,
};

static void set_up(struct gate_bench *bench) {
    struct risk_limits whole = LIMITS;
    whole.gross = (uint64_t)1 << 60;
    whole.open_orders = 10 * BENCH_GATE_INSTRUMENTS;
    risk_set_limits(bench->risk, RISK_ACCOUNT, 0, &whole);
    risk_set_limits(bench->risk, RISK_STRATEGY, 0, &whole);
    for (uint32_t i = 0; i < BENCH_GATE_INSTRUMENTS; i++) {
        risk_set_limits(bench->risk, RISK_SYMBOL, i, &LIMITS);
        risk_permit(bench->risk, i, true);
        uint32_t held_qty = (uint32_t)(next_random(bench) % 2000);
        risk_restore_shares(bench->risk, i, (enum abi_side)(next_random(bench) & 1), PX, held_qty);
        risk_own_best(bench->risk, i, SIDE_BID, PX - 20 * TICK);
        risk_own_best(bench->risk, i, SIDE_ASK, PX + 20 * TICK);
        bench->instrument[i] = i;
    }
    risk_set_state(bench->risk, GATE_OPEN);
}

static void spoil(struct gate_bench *bench, struct risk_ask *ask) {
    switch (next_random(bench) % 10) {
    case 0:
        ask->flags = BOOK_STALE;
        break;
    case 1:
        ask->flags = BOOK_HALTED;
        break;
    case 2:
        ask->instrument = BENCH_GATE_INSTRUMENTS;
        break;
    case 3:
        ask->qty = 0;
        break;
    case 4:
        ask->qty = LIMITS.qty + 1;
        break;
    case 5:
        ask->px = ask->side == SIDE_BID ? PX * 2 : PX / 2;
        break;
    case 6:
        ask->best_px[0] = ask->best_px[1] = ask->last_px = 0;
        break;
    case 7:
        ask->px = ask->side == SIDE_BID ? PX + 30 * TICK : PX - 30 * TICK;
        break;
    case 8:
        ask->px = 0;
        break;
    default:
        ask->flags = BOOK_UNTRUSTED;
    }
}

/* The orders of a block: of all instruments in another order, a tick or two from those before. */
static void make_orders(struct gate_bench *bench, enum bench_gate_mix mix, uint32_t block) {
    for (uint32_t i = BENCH_GATE_INSTRUMENTS - 1; i; i--) {
        uint32_t j = (uint32_t)(next_random(bench) % (i + 1));
        uint32_t other = bench->instrument[i];
        bench->instrument[i] = bench->instrument[j];
        bench->instrument[j] = other;
    }
    for (uint32_t i = 0; i < BENCH_GATE_INSTRUMENTS; i++) {
        uint64_t random = next_random(bench);
        uint8_t side = random & 1;
        bench->now_cycles += STEP_CYCLES;
        bench->ask[i] = (struct risk_ask){
            .instrument = bench->instrument[i],
            .rx_cycles = bench->now_cycles,
            .side = side,
            .action = SIGNAL_ENTER,
            .px = PX + (block % 8) * TICK - 4 * TICK,
            .qty = 100 + (uint32_t)(random >> 8) % 900,
            .best_px = {PX - TICK, PX + TICK},
            .last_px = PX,
        };
        if (mix == BENCH_GATE_REJECTING && random >> 32 & 1)
            spoil(bench, &bench->ask[i]);
    }
}

static uint64_t check_orders(struct gate_bench *bench) {
    struct risk_reject reject;
    uint64_t passed = 0;
    for (uint32_t i = 0; i < BENCH_GATE_INSTRUMENTS; i++) {
        bench->has_passed[i] = risk_check(bench->risk, &bench->ask[i], &reject) == RISK_PASS;
        passed += bench->has_passed[i];
    }
    return passed;
}

static void release_orders(struct gate_bench *bench) {
    for (uint32_t i = 0; i < BENCH_GATE_INSTRUMENTS; i++) {
        const struct risk_ask *ask = &bench->ask[i];
        if (!bench->has_passed[i])
            continue;
        risk_release(bench->risk, ask->instrument, (enum abi_side)ask->side, ask->px, ask->qty);
        risk_close_order(bench->risk, ask->instrument, (enum abi_side)ask->side);
    }
}

int bench_gate(enum bench_gate_mix mix, uint32_t blocks, struct bench_run *run, float *block_ns) {
    double cycles_per_ns = clock_cycles_per_ns();
    struct gate_bench *bench = calloc(1, sizeof *bench);
    if (!bench || !(bench->risk = risk_open(BENCH_GATE_INSTRUMENTS, NULL))) {
        free(bench);
        return -1;
    }
    memset(run, 0, sizeof *run);
    set_up(bench);
    for (uint32_t block = 0; block < blocks; block++) {
        make_orders(bench, mix, block);
        uint64_t start = clock_cycles_fenced();
        uint64_t passed = check_orders(bench);
        double ns = (double)(clock_cycles_fenced() - start) / cycles_per_ns;
        release_orders(bench);
        block_ns[block] = (float)(ns / BENCH_GATE_INSTRUMENTS);
        run->ns += ns;
        run->messages += BENCH_GATE_INSTRUMENTS;
        run->refused += BENCH_GATE_INSTRUMENTS - passed;
    }
    risk_close(bench->risk);
    free(bench);
    return 0;
}
