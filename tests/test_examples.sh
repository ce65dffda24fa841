#!/bin/sh
# The examples do what they are for, and the manual is true: the README shows energy.c as it is,
# programs in the pages compile, run and print what stands below them, excerpts are in the files they
# are from, and links lead somewhere. Runs in the top build folder; the harness sets srcdir and CC.
#
# In a page, "```c" opens a program if it has a main, which "```output" may follow; "```c FILE" opens
# an excerpt of that file.
set -eu

case $srcdir in
/*) top=$srcdir ;;
*) top=$PWD/$srcdir ;;
esac
build=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

fail() {
    echo "FAILED: $*"
    failed=1
}

# ---- programs

# The mean of -log p under the density that the chains should find, whose entropy is 1.41. A mean over
# 500 chains has a standard error of 0.04; chains that have learned nothing are far from it.
docs/examples/energy >"$work/energy" || fail "energy: exit status $?"
cat "$work/energy"
awk 'END { exit !(NR == 5 && $NF > 1.2 && $NF < 1.75) }' "$work/energy" ||
    fail "energy: learned nothing"

# The width that is learned, and the one that the theory wants.
docs/examples/custom_energy --out "$work/tube.png" >"$work/tube" || fail "custom_energy: status $?"
cat "$work/tube"
awk '/^derivatives agree/ { good = 1 }
     /^width/ { far = $2 - $NF; good = good && far < 0.005 && far > -0.005 }
     END { exit !(good && NR == 2) }' "$work/tube" || fail "custom_energy: learned nothing"
test -s "$work/tube.png" || fail "custom_energy: no picture"

docs/examples/derivations || fail "derivations: exit status $?"

# ---- pages

# page_blocks PAGE NAME: writes NAME-1.c, NAME-1.out, NAME-2.quote, ... for the blocks of a page, and
# the file that an excerpt is from as NAME-2.from.
page_blocks() {
    awk -v name="$2" '
        /^```/ && open { close(target); open = 0; next }
        /^```c$/ { target = name "-" ++n ".c"; open = 1; printf "" >target; next }
        /^```c / { from = name "-" ++n ".from"; print $2 >from; close(from)
                   target = name "-" n ".quote"; open = 1; printf "" >target; next }
        /^```output$/ { target = name "-" n ".out"; open = 1; printf "" >target; next }
        /^```/ { target = "/dev/null"; open = 1; next }
        open { print >target }' "$1"
}

# contains FILE PART: true if the lines of PART stand in FILE, one after the other.
contains() {
    awk 'NR == FNR { part = part $0 "\n"; next } { text = text $0 "\n" }
         END { exit part == "" || index("\n" text, "\n" part) == 0 }' "$2" "$1"
}

# Compiles and runs one program in a folder of its own.
run_program() {
    $CC -std=gnu11 -Wall -Wextra -Werror -I"$top" -c "$1" -o "${1%.c}.o" || return 1
    "$build/libtool" --quiet --tag=CC --mode=link $CC "${1%.c}.o" "$build/liberg.la" \
        -lm -o "${1%.c}" || return 1
    mkdir -p "$work/run"
    (cd "$work/run" && "${1%.c}") >"${1%.c}.printed" 2>&1
}

check_program() {
    grep -q 'int main' "$1" || return 0
    number=${1##*-}
    echo "$page: block ${number%.c}"
    run_program "$1" || { fail "$page: does not compile or run"; return 0; }
    test ! -e "${1%.c}.out" || diff "${1%.c}.out" "${1%.c}.printed" ||
        fail "$page: prints something else"
}

# Relative links and pictures lead to files.
check_links() {
    sed -n '/^```/,/^```/!p' "$1" | grep -o ']([^)]*)' | sed 's/^](//; s/)$//; s/#.*//' |
        grep -v '^[a-z]*:' | while read -r link; do
        test -z "$link" || test -e "$(dirname "$1")/$link" || echo "$link"
    done >"$work/broken"
    test ! -s "$work/broken" || fail "$page: broken links:" $(cat "$work/broken")
}

for path in "$top"/README.md "$top"/docs/manual/*.md "$top"/docs/decisions/*.md; do
    page=${path##*/}
    name=$work/${page%.md}
    page_blocks "$path" "$name"
    check_links "$path"
    for quote in "$name"-*.quote; do
        test -e "$quote" || continue
        from=$(cat "${quote%.quote}.from")
        contains "$top/$from" "$quote" || fail "$page: not in $from:" "$(cat "$quote")"
    done
    test "$page" != README.md || {
        cmp "$name-1.c" "$top/docs/examples/energy.c" || fail "README.md: is not energy.c"
        rm -f "$name-1.c"
    }
    for program in "$name"-*.c; do
        test ! -e "$program" || check_program "$program"
    done
done

exit $failed
