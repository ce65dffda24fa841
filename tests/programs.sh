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

# same_files FILE FILE: two files in $work have the same bytes.
same_files() {
    cmp "$work/$1" "$work/$2" || complain "$1 and $2 differ"
}

# ---- digits

# An IDX file of bytes: its sizes, each below 256, then lines of escapes from the standard input.
write_idx() {
    path=$1
    shift
    {
        printf "\\000\\000\\010\\00$#"
        for size; do
            printf "\\000\\000\\000\\$(printf %03o "$size")"
        done
        while read -r line; do
            printf '%b' "$line"
        done
    } >"$path"
}

# make_digits NAME COUNT: images of 12 x 12 pixels, and their labels, at most 120. Number i shows digit
# i mod 10 as a bright square in a place of its own, as bright as i says, on a ground that differs,
# too.
make_digits() {
    awk -v count="$2" 'BEGIN {
        for (i = 0; i < count; i++) {
            digit = i % 10
            for (p = 0; p < 144; p++) {
                block = int(p / 36) * 4 + int(p % 12 / 3)
                printf "\\0%03o", block == digit ? 120 + i : i * p % 50
            }
            print ""
        }
    }' | write_idx "$work/$1-images-idx3-ubyte" "$2" 12 12
    awk -v count="$2" 'BEGIN { for (i = 0; i < count; i++) printf "\\0%03o\n", i % 10 }' |
        write_idx "$work/$1-labels-idx1-ubyte" "$2"
}
