#!/bin/sh
# count_tests.sh LOG...: adds up test results and prints "N passed, N failed, N skipped".
#
# A Check program ends with a line "100%: Checks: 12, Failures: 0, Errors: 0": its tests count one
# by one. Any other log counts as one test, whose result stands in the .trs file beside it. So does,
# as a failure, a program that failed without a failing test, or that left no result at all.
set -eu

for log in "$@"; do
    result=$(sed -n 's/^:test-result: \([A-Z]*\).*/\1/p' "${log%.log}.trs" 2>/dev/null || true)
    echo "result ${result:-NONE}"
    sed -n 's/^[0-9]*%: Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\).*/\1 \2 \3/p' \
        "$log" 2>/dev/null || true
done | awk '
    function close_log() {
        if (result == "")
            return
        passed += checks - wrong
        failed += wrong
        if (result == "PASS" && checks == 0)
            passed++
        else if (result == "SKIP")
            skipped++
        else if (result != "PASS" && wrong == 0)
            failed++
    }
    $1 == "result" { close_log(); result = $2; checks = wrong = 0; next }
    { checks += $1; wrong += $2 + $3 }
    END {
        close_log()
        printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
    }'
