#!/bin/sh
# variant.sh TREE CFLAGS: configures a second build of the same sources with other flags in TREE, a
# folder below the current build folder. Static only, so that the flags reach one copy of the code.
set -eu

source=$(cd "$(dirname "$0")/.." && pwd)
tree=$1
cflags=$2

test -e "$tree/Makefile" || {
    mkdir -p "$tree"
    cd "$tree"
    echo "configuring $tree"
    "$source/configure" --quiet --disable-shared CFLAGS="$cflags" >configure.log 2>&1 || {
        cat configure.log >&2
        exit 1
    }
}
