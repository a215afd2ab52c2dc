# shellcheck shell=bash
# Steps: a long job as lines of "what, how it ended, seconds", sourced by bootstrap.
#
# `step NAME COMMAND...` runs the command with its output in a log and prints one line; only if it fails does
# the end of the log follow. A step never ends the script: `step_ok` says whether the last one succeeded, and
# `steps_summary` counts them all, names those that failed and returns 1 if any did. `step_beside` starts a
# step as soon as one of STEP_LANES is free and goes on; `steps_join` waits for all of these.
#
# Each command runs in a process group of its own, with errexit on, so that an interrupt can end all of it. On
# a terminal a line shows the time while it runs.

STEP_LOGS=${STEP_LOGS:-build/log}
STEP_TAIL_LINES=60
STEP_LANES=${STEP_LANES:-$(nproc)}
declare -A step_names=() # by process id: the steps that run
declare -A step_starts=()
step_status=0
steps_passed=0
steps_failed=()

on_terminal() {
    [[ -t 1 && ${TERM:-dumb} != dumb ]]
}

now_us() {
    printf '%s' "${EPOCHREALTIME//[.,]/}"
}

# Microseconds -> "12.3".
as_seconds() {
    printf '%d.%d' $(($1 / 1000000)) $(($1 / 100000 % 10))
}

step_ok() {
    [[ $step_status == 0 ]]
}

step_line() {
    local result=$1 name=$2 elapsed_us=$3 note=${4:-}
    printf '  %-4s %-46s %6s s%s\n' "$result" "$name" "$(as_seconds "$elapsed_us")" "${note:+   $note}"
}

# What a log has to say beside "ok": the closing line of pytest, or what fuzzing covered.
step_note() {
    sed -n -E 's/^(=+ )?([0-9]+ passed.*) in [0-9.]+s.*$/\2/p; s/^(fuzzed .*)$/\1/p' "$1" | tail -1
}

step_log() {
    printf '%s/%s.log' "$STEP_LOGS" "${1//[^A-Za-z0-9._-]/_}"
}

step_end_children() {
    local pid
    for pid in "${!step_names[@]}"; do
        kill -TERM -- "-$pid" 2>/dev/null || true
    done
}

step_begin() {
    local name=$1
    shift
    mkdir -p "$STEP_LOGS"
    set -m
    (
        set -e
        "$@"
    ) >"$(step_log "$name")" 2>&1 </dev/null 9>&- &
    set +m
    step_names[$!]=$name
    step_starts[$!]=$(now_us)
}

# Says how the step of an ended process went.
step_end() {
    local pid=$1 name=${step_names[$1]} log elapsed_us=$(($(now_us) - ${step_starts[$1]}))
    log=$(step_log "$name")
    unset "step_names[$pid]" "step_starts[$pid]"
    step_status=0
    wait "$pid" || step_status=$?
    if step_ok; then
        steps_passed=$((steps_passed + 1))
        step_line ok "$name" "$elapsed_us" "$(step_note "$log")"
    else
        steps_failed+=("$name")
        step_line FAIL "$name" "$elapsed_us" "exit status $step_status; the end of $log:"
        tail -n "$STEP_TAIL_LINES" "$log" | sed 's/^/       | /'
    fi
}

# Waits until at most $1 steps run.
steps_join() {
    local most=${1:-0} pid
    while ((${#step_names[@]} > most)); do
        for pid in "${!step_names[@]}"; do
            if ! kill -0 "$pid" 2>/dev/null; then
                if on_terminal; then printf '\r\e[K'; fi
                step_end "$pid"
                continue 2
            fi
        done
        if on_terminal; then
            printf '\r%s\e[K' "$(step_line ... "${step_names[$pid]}" $(($(now_us) - ${step_starts[$pid]})))"
        fi
        sleep 0.05
    done
}

step() {
    steps_join 0
    step_begin "$@"
    steps_join 0
}

step_beside() {
    steps_join $((STEP_LANES - 1))
    step_begin "$@"
}

# A step that cannot run counts as failed: a suite that was not run whole is not green.
step_impossible() {
    local name=$1 reason=$2
    step_status=1
    steps_failed+=("$name ($reason)")
    printf '  %-4s %-46s %s\n' "none" "$name" "$reason"
}

steps_summary() {
    local name
    for name in "${steps_failed[@]}"; do
        printf 'failed: %s\n' "$name"
    done
    printf 'steps: %d passed, %d failed\n' "$steps_passed" "${#steps_failed[@]}"
    [[ ${#steps_failed[@]} == 0 ]]
}

trap 'step_end_children' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
