# shellcheck shell=bash
# Steps: a long job as lines of "what, how it ended, seconds", sourced by bootstrap.
#
# `step NAME COMMAND...` runs the command with its output in a log and prints one line; only if it fails does
# the end of the log follow. A step never ends the script: `step_ok` says whether the last one succeeded, and
# `steps_summary` counts them all, names those that failed and returns 1 if any did.
#
# The command runs in a process group of its own, with errexit on, so that an interrupt can end all of it. On
# a terminal its line shows the time while it runs.

STEP_LOGS=${STEP_LOGS:-build/log}
STEP_TAIL_LINES=60
step_pid=
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

step_end_children() {
    if [[ -n $step_pid ]]; then
        kill -TERM -- "-$step_pid" 2>/dev/null || true
        step_pid=
    fi
}

step() {
    local name=$1 log started_us elapsed_us
    shift
    mkdir -p "$STEP_LOGS"
    log="$STEP_LOGS/${name//[^A-Za-z0-9._-]/_}.log"
    started_us=$(now_us)
    set -m
    (
        set -e
        "$@"
    ) >"$log" 2>&1 </dev/null 9>&- &
    step_pid=$!
    set +m
    if on_terminal; then
        while kill -0 "$step_pid" 2>/dev/null; do
            printf '\r%s\e[K' "$(step_line ... "$name" $(($(now_us) - started_us)))"
            sleep 0.1
        done
        printf '\r\e[K'
    fi
    step_status=0
    wait "$step_pid" || step_status=$?
    step_pid=
    elapsed_us=$(($(now_us) - started_us))
    if step_ok; then
        steps_passed=$((steps_passed + 1))
        step_line ok "$name" "$elapsed_us" "$(step_note "$log")"
    else
        steps_failed+=("$name")
        step_line FAIL "$name" "$elapsed_us" "exit status $step_status; the end of $log:"
        tail -n "$STEP_TAIL_LINES" "$log" | sed 's/^/       | /'
    fi
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
