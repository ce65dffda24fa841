#!/bin/sh
# sample as its users meet it: mistakes on the command line, every sampler and every energy in tiny
# runs, a moment that is known, and the same bits again. Runs in the top build folder; SAMPLE names
# another program to test.
set -u

program=${SAMPLE:-docs/examples/sample}
. "$srcdir/tests/programs.sh"

# samples NAME ARGUMENTS: a run into the folder NAME, which then holds every file that is due.
samples() {
    folder=$work/$1
    shift
    "$program" --out "$folder" "$@" >"$work/out" 2>"$work/err" || complain "$*: $(cat "$work/err")"
    test ! -s "$work/err" || complain "$*: said $(cat "$work/err")"
    case " $* " in
    *" svgd "*) row='^x\[0\] ' due="" ;;
    *" gradient_descent "* | *" nesterov "*) row='at x$' due="trace.png" ;;
    *) row='^x\[0\] ' due="trace.png rank.png autocorrelation.png" ;;
    esac
    case " $* " in
    *" --pictures 0 "*) due="" ;;
    esac
    grep -q "$row" "$work/out" || complain "$*: no table in: $(cat "$work/out")"
    test -s "$folder/draws.npy" || complain "$*: no draws.npy"
    for file in trace.png rank.png autocorrelation.png; do
        case " $due " in
        *" $file "*) test -s "$folder/$file" || complain "$*: no $file" ;;
        *) test ! -e "$folder/$file" || complain "$*: a $file of what is no chain" ;;
        esac
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
refuses 2 "probability_flow takes no --step" --energy mixture --sampler probability_flow --step 1
refuses 2 "--pictures needs a whole number" --pictures 2
refuses 1 "a smaller --step" --energy two_moons --sampler svgd --step 100 --out "$work/lost"
refuses 1 "a smaller --step" --energy rosenbrock --sampler langevin --step 1 --out "$work/lost"

# ---- every sampler, every energy

tiny="--chains 2 --draws 20 --warmup 20"
samplers=$(names samplers)
energies=$(names energies)
test "$(echo "$samplers" | wc -l)" -ge 18 || complain "--help lists too few samplers: $samplers"
test "$(echo "$energies" | wc -l)" -ge 13 || complain "--help lists too few energies: $energies"
for sampler in nuts predictor_corrector svgd nesterov; do
    samples "$sampler" $tiny --energy mixture --sampler "$sampler"
    test -s "$work/$sampler/energy.png" || complain "$sampler: no energy.png"
done
for energy in $energies; do
    samples "$energy" $tiny --energy "$energy" --sampler hmc
    test -s "$work/$energy/energy.png" || complain "$energy: no energy.png"
done

# Every pair, without pictures. Two of those that step without looking need small steps in a narrow
# valley; three samplers refuse energies whose smoothed densities are not known.
least="--chains 2 --draws 8 --warmup 8 --pictures 0"
for energy in $energies; do
    for sampler in $samplers; do
        step=
        case $energy-$sampler in
        rosenbrock-sgld) step="--step 0.001" ;;
        rosenbrock-svgd) step="--step 0.01" ;;
        harmonic-* | mixture-* | eight_gaussians-*) ;;
        *-annealed_noise | *-predictor_corrector | *-probability_flow)
            refuses 2 "one of harmonic, mixture, eight_gaussians, not $energy" --energy "$energy" \
                --sampler "$sampler"
            continue
            ;;
        esac
        samples pair $least --energy "$energy" --sampler "$sampler" $step
    done
done

# Three dimensions have no picture, and none is left from before.
samples gaussian $tiny --energy gaussian --sampler hmc --dimension 3
test ! -e "$work/gaussian/energy.png" || complain "three dimensions in a plane"
# Nor are those of chains where particles are written.
samples nuts $tiny --energy mixture --sampler svgd

# ---- the law: N(0, 1) in each direction, within 5 standard errors or so

for sampler in $samplers; do
    size="--chains 100 --draws 400 --warmup 200" deviation=4
    case $sampler in
    langevin | underdamped | annealed_langevin) size="$size --step 0.1" ;;
    sgld) size="$size --step 2" ;;
    sghmc) size="$size --step 0.01" ;;
    svgd) size="--draws 100 --warmup 300 --step 0.5" deviation=3 ;;
    gradient_descent | nesterov) continue ;;
    annealed_noise | predictor_corrector | probability_flow) size="--chains 4 --draws 1000" ;;
    esac
    samples law --energy harmonic --sampler "$sampler" $size --pictures 0
    awk -v deviation=$deviation '
        $1 == "x[0]" { good = $2 < 0.1 && $2 > -0.1 && $deviation > 0.9 && $deviation < 1.1 }
        END { exit !good }' "$work/out" || complain "$sampler: not N(0, 1): $(cat "$work/out")"
done

# The three ways down from noise find the three Gaussians: means -0.3 and -0.5, independent draws.
for sampler in annealed_noise predictor_corrector probability_flow; do
    samples noise --energy mixture --sampler $sampler --pictures 0
    awk '$1 == "x[0]" { good += $2 > -0.45 && $2 < -0.15 && $9 > 3000 && $11 < 1.01 }
         $1 == "x[1]" { good += $2 > -0.63 && $2 < -0.37 && $9 > 3000 && $11 < 1.01 }
         END { exit good != 2 }' "$work/out" || complain "$sampler: $(cat "$work/out")"
done

# Particles and descents do not get the statistics of chains. Descents find the two wells of a double
# well in the plane, where energy and slope are 0.
samples particles --energy harmonic --sampler svgd --draws 50 --warmup 50 --pictures 0
grep -q "R_hat\|ESS" "$work/out" && complain "svgd: statistics of chains: $(cat "$work/out")"
grep -q "they are no chains" "$work/out" || complain "svgd: $(cat "$work/out")"
for sampler in gradient_descent nesterov; do
    samples $sampler --energy double_well --sampler $sampler --chains 40 --draws 3000 \
        --pictures 0
    grep -q "R_hat\|ESS" "$work/out" && complain "$sampler: statistics of chains"
    awk 'NF == 5 && $1 ~ /^[0-9]+$/ {
             wells++; all += $1
             bad += $2 > 1e-9 || $3 > 1e-4 || $4 * $4 < 0.999 || $4 * $4 > 1.001 || $5 * $5 > 1e-6
         }
         END { exit !(wells == 2 && all == 40 && bad == 0) }' "$work/out" ||
        complain "$sampler: not the two wells: $(cat "$work/out")"
done

# Angles are moved to one turn, where the deviation of exp(cos x) is 1.266.
samples angles --energy von_mises --sampler random_walk --chains 50 --draws 400 --warmup 200 \
    --pictures 0
awk '$1 == "x[0]" { good = $4 > 1.2 && $4 < 1.33 } END { exit !good }' "$work/out" ||
    complain "angles: $(cat "$work/out")"

# ---- the same bits

tiny="$tiny --energy mixture --pictures 0"
for sampler in nuts parallel_tempering predictor_corrector svgd; do
    samples first $tiny --sampler $sampler --seed 3
    samples again $tiny --sampler $sampler --seed 3
    samples threads $tiny --sampler $sampler --seed 3 --threads 3
    samples other $tiny --sampler $sampler --seed 4
    same first again
    same first threads
    cmp -s "$work/first/draws.npy" "$work/other/draws.npy" && complain "the seed changes nothing"
done

test $failures -eq 0
