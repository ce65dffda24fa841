#!/bin/sh
# mnist_classifier on digits made here, of 12 x 12 pixels with a bright square in a place of its own
# for each class: mistakes, learning, the same bits after a stop, and weights. Runs in the top build
# folder; MNIST_CLASSIFIER names another program to test.
set -u

program=${MNIST_CLASSIFIER:-docs/examples/mnist_classifier}
. "$srcdir/tests/programs.sh"

make_digits toy 120

# ---- mistakes

refuses 2 "no option \"--stepz\"" --stepz 5
refuses 2 "--passes needs a value" --passes
for value in "" 0 1.5 x; do
    refuses 2 "--passes needs a whole number" --passes "$value"
done
for value in "" -1 1 nan; do
    refuses 2 "--dropout needs a number" --dropout "$value"
done
refuses 2 "--out needs a name" --out ""
"$program" --help | grep -q -e "--held-out" || complain "--help does not explain the options"

refuses 1 "cannot open .*t10k-images-idx3-ubyte.gz" --data "$work"
refuses 1 "too few or too small" --data "$work" --files toy
head -c 9999 "$work/toy-images-idx3-ubyte" >"$work/cut-images-idx3-ubyte"
refuses 1 "cut-images" --data "$work" --files cut
ln "$work/toy-images-idx3-ubyte" "$work/odd-images-idx3-ubyte"
{ printf '\013\n'; yes '\0001' | head -n 119; } | write_idx "$work/odd-labels-idx1-ubyte" 120
refuses 1 "label 0 is 11" --data "$work" --files odd --held-out 20 --batch 10

# ---- learning

# learns NAME ARGUMENTS: weights into the file NAME.
learns() {
    name=$1
    shift
    "$program" --data "$work" --files toy --held-out 20 --batch 10 --lr 0.01 --dropout 0.2 \
        --out "$work/$name" "$@" >"$work/out" 2>"$work/err" || complain "$*: $(cat "$work/err")"
    test ! -s "$work/err" || complain "$*: said $(cat "$work/err")"
    for weight in conv1.weight conv2.bias linear1.weight linear2.bias; do
        grep -q "\"$weight\"" "$work/$name" || complain "no $weight in $name"
    done
}

learns whole --passes 8
cat "$work/out"
test "$(wc -l <"$work/out")" -eq 8 || complain "not one line for each pass"
tail -n 1 "$work/out" | grep -q "100.00 % of 20 held-out images right" || complain "learned nothing"
learns threads --passes 8 --threads 3
same_files whole threads
learns half --passes 4 --checkpoint "$work/checkpoint"
cmp -s "$work/whole" "$work/half" && complain "the last four passes change nothing"
learns resumed --passes 8 --checkpoint "$work/checkpoint"
grep -q "^resumed after pass 4" "$work/out" || complain "no word of the checkpoint"
test "$(grep -c "^pass" "$work/out")" -eq 4 || complain "passes are repeated"
same_files whole resumed
refuses 1 "the graph's seed was 1, here it is 2" --data "$work" --files toy --held-out 20 \
    --batch 10 --seed 2 --checkpoint "$work/checkpoint"

test $failures -eq 0
