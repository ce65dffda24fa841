#!/bin/sh
# inpaint on small digits made here: mistakes, learning, the same bits after a stop, and what is on the
# page. Runs in the top build folder; INPAINT names another program to test.
set -u

program=${INPAINT:-docs/examples/inpaint}
. "$srcdir/tests/programs.sh"

make_digits toy 120

# ---- mistakes

refuses 2 "there is no option \"--stepz\"" --stepz 5
refuses 2 "--descent needs a whole number" --descent 0
refuses 2 "--noise needs a number" --noise -1
refuses 2 "--out needs a name" --out ""
"$program" --help | grep -q -e "--hole" || complain "--help does not explain the options"
refuses 1 "too few or too small" --data "$work" --files toy --out "$work/none"

small="--data $work --files toy --held-out 40 --batch 20 --descent 2"
refuses 1 "a hole of 13 pixels in images of 12 x 12" $small --hole 13 --out "$work/none"

# ---- learning

# repairs FOLDER ARGUMENTS
repairs() {
    name=$1
    shift
    "$program" $small --hole 4 --out "$work/$name" "$@" >"$work/out" 2>"$work/err" ||
        complain "$*: $(cat "$work/err")"
    test ! -s "$work/err" || complain "$*: said $(cat "$work/err")"
}

repairs whole --steps 150
cat "$work/out"
# Half of the error goes, and the mean image is no better.
awk '/as it came/ { came[$1] = $(NF - 2) } /mean image/ { mean[$1] = $(NF - 2) }
     /repaired/ { good += $(NF - 2) < came[$1] / 2 && $(NF - 2) < mean[$1] }
     END { exit good != 2 }' "$work/out" || complain "learned nothing"
for picture in noise hole descent loss; do
    grep -q "src=\"$picture.png\"" "$work/whole/index.html" || complain "$picture is not on the page"
    test -s "$work/whole/$picture.png" || complain "no $picture.png"
done
grep -q "step size" "$work/whole/history.csv" || complain "no history"

repairs threads --steps 150 --threads 3
same_files whole/weights.safetensors threads/weights.safetensors
repairs half --steps 70 --checkpoint "$work/checkpoint"
cmp -s "$work/whole/weights.safetensors" "$work/half/weights.safetensors" &&
    complain "the last steps change nothing"
repairs resumed --steps 150 --checkpoint "$work/checkpoint"
grep -q "^resumed after step 70" "$work/out" || complain "no word of the checkpoint"
for file in weights.safetensors history.csv noise.png hole.png; do
    same_files whole/$file resumed/$file
done

test $failures -eq 0
