#!/bin/sh
# rbm_mnist on small digits made here: mistakes, learning, log Z against its exact value, the same bits
# after a stop. Runs in the top build folder; RBM_MNIST names another program to test.
set -u

program=${RBM_MNIST:-docs/examples/rbm_mnist}
. "$srcdir/tests/programs.sh"

make_digits toy 120

# ---- mistakes

refuses 2 "there is no option \"--stepz\"" --stepz 5
refuses 2 "--hidden needs a whole number" --hidden 0
refuses 2 "--decay needs a number" --decay -1
refuses 2 "--out needs a name" --out ""
"$program" --help | grep -q -e "--temperatures" || complain "--help does not explain the options"
refuses 1 "too few or too small" --data "$work" --files toy --out "$work/none"

# ---- learning

# learns NAME ARGUMENTS: into the folder NAME.
learns() {
    name=$1
    shift
    "$program" --data "$work" --files toy --held-out 20 --batch 10 --hidden 12 --temperatures 300 \
        --paths 100 --out "$work/$name" "$@" >"$work/out" 2>"$work/err" ||
        complain "$*: $(cat "$work/err")"
    test ! -s "$work/err" || complain "$*: said $(cat "$work/err")"
}

learns whole --steps 300
cat "$work/out"
grep -q "^log Z exactly: .*, inside the bracket" "$work/out" || complain "a wrong bracket of log Z"
# A digit is a square in one of ten places: the machine finds that, pixels on their own do not.
awk '/^log Z:/ { width = $NF - $(NF - 1) }
     /^mean log p/ { gsub(/[][,]/, ""); low = $8; base = $NF; narrow = $9 - low < 1.5 }
     END { exit !(narrow && low > base + 10) }' "$work/out" || complain "learned nothing"
for picture in samples filters digits pseudo_likelihood; do
    grep -q "src=\"$picture.png\"" "$work/whole/index.html" || complain "$picture is not on the page"
    test -s "$work/whole/$picture.png" || complain "no $picture.png"
done

learns threads --steps 300 --threads 3
same_files whole/weights.safetensors threads/weights.safetensors
learns half --steps 130 --checkpoint "$work/checkpoint"
cmp -s "$work/whole/weights.safetensors" "$work/half/weights.safetensors" &&
    complain "the last steps change nothing"
learns resumed --steps 300 --checkpoint "$work/checkpoint"
grep -q "^resumed after step 130" "$work/out" || complain "no word of the checkpoint"
for file in weights.safetensors history.csv samples.png; do
    same_files whole/$file resumed/$file
done

# Stopped at once, it has no curves, and a page all the same.
learns once --steps 1
test -s "$work/once/index.html" || complain "no page after one step"
grep -q history "$work/once/index.html" && complain "a page with curves of no history"

test $failures -eq 0
