#!/bin/sh
# jem_mnist on small digits made here: mistakes, learning, the same bits after a stop, and what is on
# the page. Runs in the top build folder; JEM_MNIST names another program to test.
set -u

program=${JEM_MNIST:-docs/examples/jem_mnist}
. "$srcdir/tests/programs.sh"

make_digits toy 120

# ---- mistakes

refuses 2 "there is no option \"--stepz\"" --stepz 5
refuses 2 "--chain-steps needs a whole number" --chain-steps 0
refuses 2 "--weight needs a number" --weight -1
refuses 2 "--out needs a name" --out ""
"$program" --help | grep -q -e "--penalty" || complain "--help does not explain the options"
refuses 1 "too few or too small" --data "$work" --files toy --out "$work/none"

# ---- learning

# learns NAME ARGUMENTS: into the folder NAME.
learns() {
    name=$1
    shift
    "$program" --data "$work" --files toy --held-out 20 --batch 10 --slots 50 --chain-steps 5 \
        --out "$work/$name" "$@" >"$work/out" 2>"$work/err" || complain "$*: $(cat "$work/err")"
    test ! -s "$work/err" || complain "$*: said $(cat "$work/err")"
}

learns whole --steps 200
cat "$work/out"
# Both read digits, and an energy finds noise improbable.
awk '$1 == "jem" || $1 == "plain" { good += $2 == 100 }
     $1 == "jem" { good += $13 > 0.95 }
     END { exit good != 3 }' "$work/out" || complain "learned nothing"
for picture in classes plain chains reliability history gap; do
    grep -q "src=\"$picture.png\"" "$work/whole/index.html" || complain "$picture is not on the page"
    test -s "$work/whole/$picture.png" || complain "no $picture.png"
done

learns threads --steps 200 --threads 3
same_files whole/weights.safetensors threads/weights.safetensors
learns half --steps 90 --checkpoint "$work/checkpoint"
cmp -s "$work/whole/weights.safetensors" "$work/half/weights.safetensors" &&
    complain "the last steps change nothing"
learns resumed --steps 200 --checkpoint "$work/checkpoint"
grep -q "^resumed after step 90" "$work/out" || complain "no word of the checkpoint"
for file in weights.safetensors history.csv classes.png chains.png; do
    same_files whole/$file resumed/$file
done

# Stopped at once, it has no curves, and a page all the same.
learns once --steps 1
test -s "$work/once/index.html" || complain "no page after one step"
grep -q history "$work/once/index.html" && complain "a page with curves of no history"

test $failures -eq 0
