# shellcheck shell=bash
# The suite of `bootstrap test`, sourced by it after set-up: every check is a step, none stops the others.
#
#   lint        the style and the types of everything
#   tests       all of pytest on the build that is installed
#   variants    each way to build, with warnings as errors, passing all tests but those marked `heavy`
#               (millions of messages: they run once, above), or those that the variant's option touches
#   threads     the native tests (all that threads share) under the thread sanitizer; and in
#               the sanitizers' and clang's builds, where they are tests like others
#   fuzzing     every libFuzzer target for FUZZ_SECONDS

FUZZ_SECONDS=${FUZZ_SECONDS:-60}
BIN=$PWD/.venv/bin
TESTS_MAY_TAKE_S=1500 # of one build: a test that hangs must not take the whole suite with it

# --- lint ---------------------------------------------------------------------------------------------------

c_files() {
    find dpdk_glue tests -name '*.[ch]' -print0 | LC_ALL=C sort -z
}

shell_files() {
    printf '%s\0' provisioning/bootstrap provisioning/*.sh .ci/run
}

lint_c_format() {
    c_files | xargs -0 "$BIN/clang-format" --dry-run -Werror
}

# Reads the compile commands of the clang variant. One file a call: given two, its analyser of va_list carries
# state from one into the other.
lint_c_tidy() {
    find dpdk_glue tests/native -name '*.c' -not -path '*/fuzz/*' -print0 | LC_ALL=C sort -z |
        xargs -0 -n 1 -P "$(nproc)" clang-tidy -p build/clang --quiet 2>&1 |
        sed "/^[0-9]* warnings* generated/d"
}

lint_shell() {
    shell_files | xargs -0 shellcheck -x
}

# --- build variants -----------------------------------------------------------------------------------------

# Tests of what no build option changes.
SAME_FOR_ALL_VARIANTS=(tests/unit/test_{bootstrap,config,lint,netlab}.py)

# What a variant's option changes, and what sits on top of it; a variant that is not named here is tested with
# all but the heavy ones. Plain gcc is the installed build with warnings as errors: built, and no more.
# clang's sanitizers see what gcc's do not (arithmetic on null pointers, for one): tests that spend their time
# in C with odd input run with both. With gcc's the properties have a step of their own: all in one would take
# longer than a step may.
LIVE='dataplane cli_run demo feed_stage metrics status native_abi'
declare -A TESTS_OF=(
    [gcc]=none
    [sanitizers]='e2e unit protocol'
    [sanitizers-properties]=property
    [sanitizers-clang]="property $LIVE frame mold64 mold64_live mold64_far port_capture port_file port_udp
        journal_files journal_recovery ring_spsc port_dpdk port_pace igmp recovery recoverer_snapshot soup
        venue_frames orders_states orders_pool order_session order_link"
    [without-stats]="$LIVE book_digest book_order_rules cli_bench e2e"
    [without-dpdk]="$LIVE port_udp port_pace port_file venue_feed cli_venue e2e"
    [without-gzip]="port_file port_capture cli_feed_files cli_bench synth_feed synth_command feed_stage
        dataplane"
)

# The files or folders of the tests of a variant, one a line; none = all.
tests_of() {
    local word
    for word in ${TESTS_OF[$1]:-}; do
        if [[ -d tests/$word ]]; then
            echo "tests/$word"
        elif [[ -f tests/unit/test_$word.py ]]; then
            echo "tests/unit/test_$word.py"
        fi
    done
}

SANITIZE='--buildtype=debugoptimized -Db_sanitize=address,undefined'
SHARED_RUNTIME='-Db_lundef=false -Dc_args=-shared-libasan -Dc_link_args=-shared-libasan'

# Name, compiler, meson options; the slowest to test first.
VARIANTS=(
    "sanitizers       gcc    $SANITIZE -Dtests=true"
    "sanitizers-clang clang  $SANITIZE $SHARED_RUNTIME"
    'gcc              gcc'
    'clang            clang  -Dtests=true'
    'without-stats    gcc    -Dstats=false'
    'without-dpdk     gcc    -Ddpdk=disabled'
    'without-gzip     gcc    -Dgzip=disabled'
)

# Those with -Dtests=true, and the one for the thread sanitizer (gcc's: it refuses to compile fences, which
# the sanitizer cannot follow).
NATIVE_TESTED=(sanitizers clang)
SANITIZE_THREADS='--buildtype=debugoptimized -Db_sanitize=thread -Dtests=true -Ddpdk=disabled'

# Builds into build/NAME and installs the package into build/NAME/site. One made otherwise starts anew.
build_variant() {
    local name=$1 compiler=$2 directory=build/$1 made PATH=$BIN:$PATH
    shift 2
    made="$PWD $compiler $("$compiler" --version | head -1) $*"
    if [[ ! -f $directory.made || $(<"$directory.made") != "$made" ]]; then
        rm -rf "$directory" "$directory.made"
        CC=$compiler meson setup "$directory" --werror --prefix="$PWD/$directory/prefix" \
            -Dpython.platlibdir="$PWD/$directory/site" "$@"
        printf '%s' "$made" >"$directory.made"
    fi
    ninja -C "$directory"
    rm -rf "$directory/site"
    meson install -C "$directory" --no-rebuild --quiet
}

# The second word: whose tests, if not those named like the build.
test_variant() {
    local name=$1
    export PYTHONPATH="$PWD/build/$name/site" PATH="$PWD/build/$name/prefix/bin:$PATH"
    "$BIN/python" -P - <<'END'
import os, sys, appliance
if not appliance.__file__.startswith(os.environ["PYTHONPATH"]):
    sys.exit(f"these tests would run against {appliance.__file__}")
END
    local tests
    mapfile -t tests < <(tests_of "${2:-$name}")
    if [[ $name == sanitizers* ]]; then
        # Python itself is not instrumented: the runtime comes first by preload, Python's own leaks are not
        # ours, and its objects live in malloc's memory so that a read past one of them is seen.
        local runtime
        runtime=$(gcc -print-file-name=libasan.so)
        if [[ $name == *-clang ]]; then
            runtime=$(clang -print-file-name="libclang_rt.asan-$(uname -m).so")
        fi
        export LD_PRELOAD=$runtime PYTHONMALLOC=malloc
        export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    fi
    timeout "$TESTS_MAY_TAKE_S" "$BIN/pytest" -q -m 'not heavy and not long' -p no:cacheprovider \
        "${SAME_FOR_ALL_VARIANTS[@]/#/--ignore=}" "${tests[@]}"
}

test_natively() {
    local PATH=$BIN:$PATH
    meson test -C "build/$1" --no-rebuild --print-errorlogs --num-processes 1
}

# --- fuzzing ------------------------------------------------------------------------------------------------

fuzz_targets() {
    find build/fuzz/dpdk_glue/fuzz -maxdepth 1 -type f -executable -not -name '*.so*' | LC_ALL=C sort
}

# New inputs gather in build/fuzz-corpus, also one that fails; those kept with the tests are read too.
fuzz() {
    local target=$1 name kept corpus
    name=$(basename "$target")
    kept=tests/fuzz_corpus/$name
    corpus=build/fuzz-corpus/$name
    mkdir -p "$corpus"
    local corpora=("$corpus")
    [[ ! -d $kept ]] || corpora+=("$kept")
    "$target" -max_total_time="$FUZZ_SECONDS" -timeout=10 -rss_limit_mb=4096 -print_final_stats=1 \
        -artifact_prefix="$corpus/failed-" "${corpora[@]}" 2>&1 | tee "build/log/$name.out"
    echo "fuzzed $(sed -n 's/^stat::number_of_executed_units: *//p' "build/log/$name.out") inputs," \
        "$(grep -o 'cov: [0-9]*' "build/log/$name.out" | tail -1)"
}

# --- the suite ----------------------------------------------------------------------------------------------

# step_with TOOL NAME COMMAND...: a step that needs a program which this machine may lack.
step_with() {
    local tool=$1
    shift
    if command -v "$tool" >/dev/null; then
        step "$@"
    else
        step_impossible "$1" "$tool is not installed"
    fi
}

run_suite() {
    step "lint: ruff check" "$BIN/ruff" check .
    step "lint: ruff format" "$BIN/ruff" format --check .
    step "lint: mypy" "$BIN/mypy"
    step "lint: clang-format" lint_c_format
    step_with shellcheck "lint: shellcheck" lint_shell

    local variant name compiler options built=()
    for variant in "${VARIANTS[@]}"; do
        read -r name compiler options <<<"$variant"
        # shellcheck disable=SC2086  # the options are words
        step_with "$compiler" "$name: build" build_variant "$name" "$compiler" $options
        if step_ok; then
            built+=("$name")
        fi
    done
    # shellcheck disable=SC2086  # the options are words
    step_with gcc "thread sanitizer: build" build_variant thread-sanitizer gcc $SANITIZE_THREADS
    local native=()
    if step_ok; then
        native+=(thread-sanitizer)
    fi
    for name in "${NATIVE_TESTED[@]}"; do
        if [[ " ${built[*]} " == *" $name "* ]]; then
            native+=("$name")
        fi
    done
    step_with clang "fuzz: build" build_variant fuzz clang --buildtype=debugoptimized -Dfuzz=true
    local target targets=()
    if step_ok; then
        mapfile -t targets < <(fuzz_targets)
        [[ ${#targets[@]} != 0 ]] || step_impossible "fuzz" "the build made no fuzz target"
    fi
    if [[ -f build/clang/compile_commands.json ]]; then
        step_with clang-tidy "lint: clang-tidy" lint_c_tidy
    fi

    step_beside "tests: all, as installed" timeout "$TESTS_MAY_TAKE_S" "$BIN/pytest" -q
    for name in "${built[@]}"; do
        [[ ${TESTS_OF[$name]:-} == none ]] || step_beside "$name: tests" test_variant "$name"
        [[ ! ${TESTS_OF[$name-properties]:-} ]] ||
            step_beside "$name: properties" test_variant "$name" "$name-properties"
    done
    for name in "${native[@]}"; do
        step_beside "$name: native tests" test_natively "$name"
    done
    for target in "${targets[@]}"; do
        step_beside "fuzz: $(basename "$target")" fuzz "$target"
    done
    steps_join
    steps_summary
}

run_suite
