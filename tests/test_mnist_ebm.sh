#!/bin/sh
# mnist_ebm on small digits made here: mistakes, learning, the same bits after a stop, and what is on
# the page. Runs in the top build folder; MNIST_EBM names another program to test.
set -u

program=${MNIST_EBM:-docs/examples/mnist_ebm}
. "$srcdir/tests/programs.sh"

make_digits toy 120

# ---- mistakes

refuses 2 "there is no option \"--stepz\"" --stepz 5
refuses 2 "--steps needs a value" --steps
refuses 2 "--chain-steps needs a whole number" --chain-steps 0
refuses 2 "--lr needs a number" --lr x
"$program" --help | grep -q -e "--slots" || complain "--help does not explain the options"
refuses 1 "cannot open .*t10k-images-idx3-ubyte.gz" --data "$work" --out "$work/none"
refuses 1 "too few or too small" --data "$work" --files toy --out "$work/none"

# ---- learning

small="--data $work --files toy --held-out 20 --batch 10 --chain-steps 8 --slots 40 --lr 0.001"

# learns FOLDER ARGUMENTS
learns() {
    name=$1
    shift
    "$program" $small --out "$work/$name" "$@" >"$work/out" 2>"$work/err" ||
        complain "$*: $(cat "$work/err")"
    test ! -s "$work/err" || complain "$*: said $(cat "$work/err")"
}

learns whole --steps 60
cat "$work/out"
awk '/^uniform noise/ { good = $NF > 0.99 } END { exit !good }' "$work/out" ||
    complain "noise is not told from digits"
awk '/^digits trained on/ { usual = $5 } /^uniform noise/ { exit !($4 > usual) }' "$work/out" ||
    complain "noise has a lower energy than digits"
for picture in samples replay ages kinds energies with_noise training; do
    grep -q "src=\"$picture.png\"" "$work/whole/index.html" || complain "$picture is not on the page"
    test -s "$work/whole/$picture.png" || complain "no $picture.png"
done
grep -q "^step,contrast" "$work/whole/history.csv" || complain "no history"

learns little --steps 1
test -s "$work/little/index.html" || complain "no page after a single step"
test ! -e "$work/little/history.csv" || complain "a history of a single step"

learns threads --steps 60 --threads 3
same_files whole/weights.safetensors threads/weights.safetensors
learns half --steps 25 --checkpoint "$work/checkpoint"
cmp -s "$work/whole/weights.safetensors" "$work/half/weights.safetensors" &&
    complain "the last steps change nothing"
learns resumed --steps 60 --checkpoint "$work/checkpoint"
grep -q "^resumed after step 25" "$work/out" || complain "no word of the checkpoint"
for file in weights.safetensors history.csv replay.png ages.png; do
    same_files whole/$file resumed/$file
done
refuses 1 "the graph's seed was 1, here it is 2" $small --seed 2 --checkpoint "$work/checkpoint" \
    --out "$work/none"

test $failures -eq 0
