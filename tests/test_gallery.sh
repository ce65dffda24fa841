#!/bin/sh
# gallery as its users meet it: mistakes, every loss for a few steps, what a real fit reaches, the same
# bits again. Runs in the top build folder; GALLERY names another program to test.
set -u

program=${GALLERY:-docs/examples/gallery}
. "$srcdir/tests/programs.sh"

# ---- mistakes

refuses 2 "no option \"--stepz\"" --stepz 5
refuses 2 "--data needs two_moons or eight_gaussians" --data points.csv
for list in "" nothing cd, cd,nothing pcd_; do
    refuses 2 "--losses needs different losses" --losses "$list"
done
: >"$work/file"
refuses 1 "file/below" --out "$work/file/below"

# ---- every loss: a row and a picture

tiny="--steps 2 --hidden 8 --points 100 --batch 16 --base 5"
"$program" $tiny --out "$work/all" >"$work/out" 2>"$work/err" || complain "all: $(cat "$work/err")"
test ! -s "$work/err" || complain "all: said $(cat "$work/err")"
losses=$(docs/examples/fit2d --help | awk 'on { print $1 } $1 == "losses" { on = 1 }')
test "$(echo "$losses" | wc -l)" -ge 20 || complain "fit2d --help lists too few losses: $losses"
for loss in truth $losses; do
    awk -v loss="$loss" '$1 == loss { good = NF == 5 && $2 < 0 } END { exit !good }' "$work/out" ||
        complain "no row of $loss in: $(cat "$work/out")"
    test -s "$work/all/$loss.png" || complain "no picture of $loss"
    grep -q "$loss.png" "$work/all/index.html" || complain "$loss is not on the page"
done
test -s "$work/all/panels.png" || complain "no panels.png"

# ---- the truth is the bound, and a short fit comes near it

fits() {
    folder=$work/$1
    shift
    "$program" --steps 400 --hidden 32 --points 1000 --out "$folder" "$@" >"$work/out" \
        2>"$work/err" || complain "$*: $(cat "$work/err")"
}

fits fit --losses conditional_nce
cat "$work/out"
awk '$1 == "truth" { bound = $2; good = $2 == -1.0076 && $3 < 0.00005 && $4 < 0.002 }
     $1 == "conditional_nce" { near = $2 < bound && $3 > 0 && $3 < 0.35 && $4 < 0.03 }
     END { exit !(good && near) }' "$work/out" || complain "no fit: $(cat "$work/out")"
fits again --losses nce,conditional_nce --threads 2
cmp "$work/fit/conditional_nce.png" "$work/again/conditional_nce.png" ||
    complain "a loss depends on those before it, or on threads"

test $failures -eq 0
