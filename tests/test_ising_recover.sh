#!/bin/sh
# ising_recover on a torus of 4 x 4 spins: mistakes, couplings found, and the same bits after a stop.
# Runs in the top build folder; ISING_RECOVER names another program to test.
set -u

program=${ISING_RECOVER:-docs/examples/ising_recover}
. "$srcdir/tests/programs.sh"

# ---- mistakes

refuses 2 "no option \"--stepz\"" --stepz 5
refuses 2 "--side needs an even number, not 5" --side 5
refuses 2 "--stop needs a whole number from 1 to 18" --stop 19
refuses 2 "--out needs a name" --out ""
touch "$work/file"
refuses 1 "cannot write into the folder" --out "$work/file"
"$program" --help | grep -q -e "--proposals" || complain "--help does not explain the options"

# ---- learning

# learns NAME ARGUMENTS: into the folder NAME.
learns() {
    name=$1
    shift
    "$program" --side 4 --samples 2048 --sweeps 100 --steps 100 --chains 50 --proposals 20 --lr 0.02 \
        --sparsity 0.3 --out "$work/$name" "$@" >"$work/out" 2>"$work/err" ||
        complain "$*: $(cat "$work/err")"
    test ! -s "$work/err" || complain "$*: said $(cat "$work/err")"
}

learns whole
cat "$work/out"
# Of 2048 samples either method leaves less than a third of the error of no coupling, if bonds are weak.
awk '/^coupling/ { weak = $2 == "0.3:" }
     /2048 samples/ && weak { found = $4 < $11 / 3 && $7 < $11 / 3 }
     END { exit !found }' "$work/out" || complain "couplings are not found"
awk '/neighbours/ { z = ($4 - $8) / $6; if (z * z > 16) exit 1 }' "$work/out" ||
    complain "the samples are not those of the model"
for file in index.html errors.png true.png pseudo_likelihood.png persistent_cd.png; do
    test -s "$work/whole/$file" || complain "no $file"
done

same() {
    cmp "$work/whole/couplings.npy" "$work/$1/couplings.npy" || complain "$1 has other couplings"
}

learns threads --threads 3
same threads
learns half --stop 8 --checkpoint "$work/checkpoint"
test ! -e "$work/half/index.html" || complain "a page before the end"
learns resumed --checkpoint "$work/checkpoint"
grep -q "^resumed after 8 of 18 matrices" "$work/out" || complain "no word of the checkpoint"
same resumed
refuses 1 "the graph's seed was 1, here it is 2" --side 4 --seed 2 --checkpoint "$work/checkpoint" \
    --out "$work/other"

test $failures -eq 0
