#!/bin/sh
# sample as its users meet it: mistakes on the command line, every sampler and every energy in tiny
# runs, a moment that is known, and the same bits again. Runs in the top build folder; SAMPLE names
# another program to test.
set -u

program=${SAMPLE:-docs/examples/sample}
. "$srcdir/tests/programs.sh"

# samples NAME ARGUMENTS: a run into the folder NAME, which then holds every file.
samples() {
    folder=$work/$1
    shift
    "$program" --out "$folder" "$@" >"$work/out" 2>"$work/err" || complain "$*: $(cat "$work/err")"
    test ! -s "$work/err" || complain "$*: said $(cat "$work/err")"
    grep -q "^x\[0\] " "$work/out" || complain "$*: no table in: $(cat "$work/out")"
    for file in draws.npy trace.png rank.png autocorrelation.png; do
        test -s "$folder/$file" || complain "$*: no $file"
    done
}

same() {
    cmp "$work/$1/draws.npy" "$work/$2/draws.npy" || complain "$1 and $2 differ"
}

# The names in a section of --help.
names() {
    "$program" --help | awk -v section="$1" '$1 == section { on = 1; next } /^$/ { on = 0 }
                                             on { print $1 }'
}

# ---- mistakes

refuses 2 "no option \"--stepz\"" --stepz 5
refuses 2 "--draws needs a value" --draws
for value in "" 7 10.5 x nan; do
    refuses 2 "--draws needs a whole number" --draws "$value"
done
for value in "" 0 -1 nan 1x; do
    refuses 2 "--step needs a number" --step "$value"
done
refuses 2 "--out needs a name" --out ""
refuses 2 "--dimension needs 2 for rings, not 3" --energy rings --dimension 3
refuses 2 "--energy needs one of harmonic, .*rings, .*eight_gaussians, not \"ring\"" --energy ring
refuses 2 "--sampler needs one of random_walk, .*nuts, .*, not \"\"" --sampler ""
: >"$work/file"
refuses 1 "cannot write into the folder .*file/below" --out "$work/file/below"
refuses 1 "a smaller --step" --energy rosenbrock --sampler langevin --step 1 --out "$work/lost"

# ---- every sampler, every energy

tiny="--chains 2 --draws 20 --warmup 20"
samplers=$(names samplers)
energies=$(names energies)
test "$(echo "$samplers" | wc -l)" -ge 8 || complain "--help lists too few samplers: $samplers"
test "$(echo "$energies" | wc -l)" -ge 13 || complain "--help lists too few energies: $energies"
for sampler in $samplers; do
    samples "$sampler" $tiny --energy mixture --sampler "$sampler"
    test -s "$work/$sampler/energy.png" || complain "$sampler: no energy.png"
done
for energy in $energies; do
    samples "$energy" $tiny --energy "$energy" --sampler hmc
    test -s "$work/$energy/energy.png" || complain "$energy: no energy.png"
done

# Three dimensions have no picture, and none is left from before.
samples gaussian $tiny --energy gaussian --sampler hmc --dimension 3
test ! -e "$work/gaussian/energy.png" || complain "three dimensions in a plane"

# ---- the law: N(0, 1) in each direction, within 5 standard errors or so

for sampler in $samplers; do
    step=
    case $sampler in
    langevin | underdamped) step="--step 0.1" ;;
    sghmc) step="--step 0.01" ;;
    esac
    samples law --energy harmonic --sampler "$sampler" --chains 100 --draws 400 --warmup 200 $step
    awk '$1 == "x[0]" { good = $2 < 0.1 && $2 > -0.1 && $4 > 0.9 && $4 < 1.1 }
         END { exit !good }' "$work/out" || complain "$sampler: not N(0, 1): $(cat "$work/out")"
done

# Angles are moved to one turn, where the deviation of exp(cos x) is 1.266.
samples angles --energy von_mises --sampler random_walk --chains 50 --draws 400 --warmup 200
awk '$1 == "x[0]" { good = $4 > 1.2 && $4 < 1.33 } END { exit !good }' "$work/out" ||
    complain "angles: $(cat "$work/out")"

# ---- the same bits

for sampler in nuts parallel_tempering; do
    samples first $tiny --sampler $sampler --seed 3
    samples again $tiny --sampler $sampler --seed 3
    samples threads $tiny --sampler $sampler --seed 3 --threads 3
    samples other $tiny --sampler $sampler --seed 4
    same first again
    same first threads
    cmp -s "$work/first/draws.npy" "$work/other/draws.npy" && complain "the seed changes nothing"
done

test $failures -eq 0
