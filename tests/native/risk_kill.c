/* A kill word that another thread stores to: the very next check sees it, whatever was checked before. */
#include "check.h"
#include "risk/risk.h"

static uint32_t kill_word;
static uint32_t stored; /* how often the word has been stored to, counted after the store */
static uint32_t wanted;
static uint32_t done;

/* Kills and opens again, each when asked to. */
static void *store(void *unused) {
    (void)unused;
    for (uint32_t times = 0; !__atomic_load_n(&done, __ATOMIC_ACQUIRE);) {
        if (__atomic_load_n(&wanted, __ATOMIC_ACQUIRE) == times)
            continue;
        times++;
        __atomic_store_n(&kill_word, times & 1 ? GATE_KILLED : GATE_OPEN, __ATOMIC_RELAXED);
        __atomic_store_n(&stored, times, __ATOMIC_RELEASE);
    }
    return NULL;
}

static void open_gate(struct risk *risk) {
    struct risk_limits limits = {
        .notional = UINT64_MAX,
        .gross = UINT64_MAX,
        .burst = UINT32_MAX,
        .qty = UINT32_MAX,
        .long_qty = UINT32_MAX,
        .short_qty = UINT32_MAX,
        .open_orders = UINT32_MAX,
        .collar_bps = UINT16_MAX,
    };
    CHECK(risk_set_limits(risk, RISK_ACCOUNT, 0, &limits) == 0);
    CHECK(risk_set_limits(risk, RISK_STRATEGY, 0, &limits) == 0);
    CHECK(risk_set_limits(risk, RISK_SYMBOL, 0, &limits) == 0);
    CHECK(risk_permit(risk, 0, true) == 0);
    risk_set_state(risk, GATE_OPEN);
}

static enum risk_verdict check(struct risk *risk, struct risk_reject *reject) {
    struct risk_ask ask = {.px = 10000, .qty = 100, .side = SIDE_BID, .action = SIGNAL_ENTER};
    enum risk_verdict verdict = risk_check(risk, &ask, reject);
    if (verdict == RISK_PASS) {
        risk_release(risk, 0, SIDE_BID, ask.px, ask.qty);
        risk_close_order(risk, 0, SIDE_BID);
    }
    return verdict;
}

int main(int count, char **words) {
    uint64_t end_ns = check_deadline(count, words);
    struct risk *risk = risk_open(1, &kill_word);
    CHECK(risk);
    open_gate(risk);
    pthread_t thread = check_start(store, NULL);
    uint32_t times = 0;
    uint64_t passed = 0;
    uint64_t killed = 0;
    do {
        __atomic_store_n(&wanted, ++times, __ATOMIC_RELEASE);
        /* Before it is known to be stored either verdict is right, but none returns. */
        struct risk_reject reject = {0};
        bool has_turned = false;
        while (__atomic_load_n(&stored, __ATOMIC_ACQUIRE) != times) {
            bool is_killed = check(risk, &reject) == RISK_REJECT;
            CHECK(!has_turned || is_killed == (times & 1));
            has_turned = is_killed == (times & 1);
        }
        if (times & 1) {
            CHECK(check(risk, &reject) == RISK_REJECT);
            CHECK(reject.reason == RISK_KILLED && reject.value == GATE_KILLED && reject.limit == GATE_OPEN);
            killed++;
        } else {
            CHECK(check(risk, &reject) == RISK_PASS);
            passed++;
        }
    } while (check_now_ns() < end_ns);
    __atomic_store_n(&done, 1, __ATOMIC_RELEASE);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(killed && passed);
    risk_close(risk);
    return 0;
}
