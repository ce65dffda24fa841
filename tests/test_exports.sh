#!/bin/sh
# The shared library exports the functions that the public headers mark with ERG_API, all of them
# and nothing else. Runs in the top build folder; the harness sets srcdir, CC and NM.
set -eu

library=.libs/liberg.so
test -e "$library" || { echo "no shared library in this build"; exit 77; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The preprocessor drops comments and expands macros; ERG_API survives under another name.
$CC -E -P -DERG_API=ERG_EXPORTED "$srcdir/erg.h" |
    tr '\n;' ' \n' |
    sed -n 's/.*ERG_EXPORTED\([^(]*\)(.*/\1/p' |
    sed 's/ *$//; s/.*[ *]//' |
    LC_ALL=C sort >"$work/declared"
$NM -D --defined-only "$library" | awk '{ print $3 }' | LC_ALL=C sort >"$work/exported"

test -s "$work/declared" || { echo "no ERG_API found below $srcdir/erg.h"; exit 1; }
if ! diff "$work/declared" "$work/exported"; then
    echo "'<': declared but not exported; '>': exported but not declared"
    exit 1
fi
echo "$(wc -l <"$work/declared") functions, declared and exported"
