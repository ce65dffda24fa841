# programs.sh: what the tests of example programs share, which source it after setting $program.
# They run in the top build folder, write to $work, and end with: test $failures -eq 0

test -x "$program" || { echo "no $program"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0

complain() {
    echo "FAIL: $*"
    failures=$((failures + 1))
}

# refuses STATUS TEXT ARGUMENTS: the program ends with that status and one line on stderr, which
# holds the text, and prints nothing else.
refuses() {
    expected=$1 text=$2
    shift 2
    "$program" "$@" >"$work/out" 2>"$work/err"
    status=$?
    test $status -eq "$expected" || complain "$*: status $status, not $expected"
    test "$(wc -l <"$work/err")" -eq 1 || complain "$*: not one line: $(cat "$work/err")"
    grep -q -e "$text" "$work/err" || complain "$*: no '$text' in: $(cat "$work/err")"
    test ! -s "$work/out" || complain "$*: printed $(cat "$work/out")"
}
