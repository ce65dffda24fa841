#!/bin/sh
# fit2d as its users meet it: mistakes on the command line, bad data, a short run and its files, the
# same bits again, and Ctrl-C. Runs in the top build folder; FIT2D names another program to test.
set -u

program=${FIT2D:-docs/examples/fit2d}
. "$srcdir/tests/programs.sh"

# fits NAME ARGUMENTS: a short run into the folder NAME, which then holds every file.
fits() {
    folder=$work/$1
    shift
    "$program" --steps 50 --hidden 16 --base 2 --out "$folder" "$@" >"$work/out" 2>"$work/err" ||
        complain "$*: $(cat "$work/err")"
    test ! -s "$work/err" || complain "$*: said $(cat "$work/err")"
    has_files "$folder"
}

has_files() {
    for file in index.html landscape.png samples.png density.png loss.png gap.png samples.npy \
        log.csv; do
        test -s "$1/$file" || complain "$1 has no $file"
    done
}

same() {
    cmp "$work/$1/samples.npy" "$work/$2/samples.npy" || complain "$1 and $2 differ"
}

# ---- usage: status 2

refuses 2 "no option \"--stepz\"" --stepz 5
refuses 2 "no option \"file.csv\"" file.csv
refuses 2 "--steps needs a value" --steps
for value in "" " 5" 5x abc -1 0 1e3 99999999999999999999; do
    refuses 2 "--steps needs a whole number" --steps "$value"
done
for value in "" 1x nan inf -0.1 0 1e999; do
    refuses 2 "--lr needs a number" --lr "$value"
done
refuses 2 "--seed needs a whole number" --seed 18446744073709551616
refuses 2 "--loss needs one of cd, pcd, .*sm, .*dsm, .*mpf, not" --loss mle
refuses 2 "--data needs two_moons" --data moons
refuses 2 "--out needs a name" --out ""
"$program" --help | grep -q -e "--langevin-steps" || complain "--help does not explain the options"
"$program" --loss stein --help | grep -q -e "--sigma .*(0.3)" || complain "--help without the loss's own defaults"

# ---- data: status 1, naming the file and the row

csv=$work/points.csv
refuse_csv() {
    text=$1
    refuses 1 "points.csv.*$text" --data "$csv" --out "$work/refused"
}
rows() {
    awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "%.4f,%.4f\n", cos(i), 5 + i % 7 }'
}
refuse_csv "No such file"
: >"$csv"
refuse_csv ""
echo "1,2,3" >"$csv"
refuse_csv "(1, 3)"
{ rows 12; echo "nan,1"; } >"$csv"
refuse_csv "row 13 is not finite"
{ rows 12; echo "1,-inf"; } >"$csv"
refuse_csv "row 13 is not finite"
rows 9 >"$csv"
refuse_csv "9 rows"
rows 20 | sed 's/,.*/,1/' >"$csv"
refuse_csv "column 2 is constant"
echo "not numpy" >"$work/bad.npy"
refuses 1 "bad.npy" --data "$work/bad.npy" --out "$work/refused"
: >"$work/file"
refuses 1 "file/below" --out "$work/file/below"

# ---- short runs

rows 10 >"$csv"
fits csv --data "$csv"
fits npy --data "$work/csv/samples.npy" --loss dsm
fits "new/<a&b>" --loss sm --batch 7
grep -q "&lt;a&amp;b&gt;" "$folder/index.html" || complain "a command that is not escaped"
grep -q "<a&b>" "$folder/index.html" && complain "a command that is not escaped"
fits cd --loss cd --langevin-steps 3 --penalty 0 --data eight_gaussians

# A network that has learned nothing falls for ever in some direction; the older density goes.
"$program" --steps 1 --hidden 16 --base 0 --loss dsm --out "$work/csv" >"$work/out" 2>"$work/err" ||
    complain "--base 0: $(cat "$work/err")"
grep -q "^held-out log-likelihood  unknown" "$work/out" || complain "--base 0: $(cat "$work/out")"
test ! -e "$work/csv/density.png" || complain "a density that cannot be normalised"

# ---- the same bits, and a likelihood that is possible

fits first --seed 3
best=$(sed -n 's/^best possible  *\(-[0-9.]*\),.*/\1/p' "$work/out")
reached=$(sed -n 's/^held-out log-likelihood  *\(-[0-9.]*\) .*/\1/p' "$work/out")
awk -v a="$reached" -v b="$best" 'BEGIN { exit !(a < 0 && b < 0 && a < b) }' ||
    complain "log-likelihood '$reached' above the best possible, '$best'"
fits again --seed 3
fits threads --seed 3 --threads 3
fits other --seed 4
same first again
same first threads
cmp -s "$work/first/samples.npy" "$work/other/samples.npy" && complain "the seed changes nothing"
cmp "$work/first/log.csv" "$work/threads/log.csv" || complain "threads change log.csv"

# ---- Ctrl-C: what there is gets written

for signal in INT TERM; do
    "$program" --steps 1000000000 --hidden 16 --base 2 --out "$work/$signal" >"$work/out" 2>"$work/err" &
    child=$!
    while ! test -d "$work/$signal" && kill -0 $child; do sleep 0.1; done
    sleep 0.5
    kill -$signal $child
    wait $child || complain "$signal: status $?: $(cat "$work/err")"
    grep -q "^interrupted" "$work/out" || complain "$signal: no word of the interruption"
    has_files "$work/$signal"
done

test $failures -eq 0
