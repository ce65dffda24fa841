# table.awk: the lines of bench as a table, compared with what other libraries need:
#
#     awk -f table.awk [OTHERS ...] ERG
#
# A file holds one JSON object a line. Those whose impl is "erg" are rows of the table. For the
# others a line needs case, threads, dtype, impl, per_step_us and check; the fastest of a case is
# shown, with how many times longer it takes. The files of others come first.

function text(name) {
    return match($0, "\"" name "\": *\"[^\"]*\"") ? last_part() : ""
}

function number(name) {
    return match($0, "\"" name "\": *[-+.0-9eE]+") ? last_part() + 0 : ""
}

# Of what was matched, what follows the colon, without its quotes.
function last_part(  part) {
    part = substr($0, RSTART, RLENGTH)
    sub(/^"[^"]*": */, "", part)
    gsub(/"/, "", part)
    return part
}

# Relative, but absolute for numbers below 1.
function differs(a, b) {
    return (a > b ? a - b : b - a) > 1e-3 * (1 + (b < 0 ? -b : b))
}

function shown(value, format) {
    return value == "" ? "-" : sprintf(format, value)
}

function print_row(  ratio) {
    if (!rows++)
        printf "%-26s %2s %-7s %11s %9s %11s %11s %11s %6s\n", "case", "T", "dtype", "us a step", \
            "GFLOP/s", "compile ms", "arena bytes", "best other", "ratio"
    ratio = key in other ? other[key] / per_step : ""
    printf "%-26s %2d %-7s %11.2f %9s %11.2f %11d %11s %6s%s\n", text("case"), number("threads"), \
        text("dtype"), per_step, shown(number("gflops"), "%.1f"), number("compile_ms"), \
        number("arena_bytes"), shown(key in other ? other[key] : "", "%.2f"), \
        shown(ratio, "%.2f"), \
        ratio == "" ? "" : "  " impl[key] (differs(number("check"), check[key]) ? \
        "  CHECK DIFFERS" : "")
    fflush()
    if (ratio != "") {
        compared++
        logarithms += log(ratio)
    }
}

{
    per_step = number("per_step_us")
    key = text("case") SUBSEP number("threads") SUBSEP text("dtype")
}

per_step != "" && text("impl") != "erg" && (!(key in other) || per_step < other[key]) {
    other[key] = per_step
    impl[key] = text("impl")
    check[key] = number("check")
}

per_step != "" && text("impl") == "erg" {
    print_row()
}

END {
    if (compared)
        printf "geometric mean of %d ratios: %.2f\n", compared, exp(logarithms / compared)
    if (!rows)
        exit 1
}
