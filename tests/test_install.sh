#!/bin/sh
# An installed copy works: its header compiles alone as C11 and as C++17, and programs build against
# it with the flags of pkg-config, and run. Runs in the top build folder; the harness sets srcdir,
# CC and PKG_CONFIG.
set -eu

test -n "$PKG_CONFIG" || { echo "no pkg-config"; exit 77; }
# This make has nothing to do with the one that runs the tests.
unset MAKEFLAGS MFLAGS MAKELEVEL

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
${MAKE:-make} install DESTDIR="$root" >"$work/install.log" 2>&1 || { cat "$work/install.log"; exit 1; }

pc=$(find "$root" -name erg.pc)
test -n "$pc" || { echo "erg.pc is not installed"; exit 1; }
PKG_CONFIG_LIBDIR=$(dirname "$pc")
PKG_CONFIG_SYSROOT_DIR=$root
export PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR
library_folder=$(dirname "$PKG_CONFIG_LIBDIR")
static=
test -e "$library_folder/liberg.so" || static=--static
compile_flags=$($PKG_CONFIG --cflags erg)
link_flags=$($PKG_CONFIG --libs $static erg)

cat >"$work/user.c" <<'END'
#include <erg.h>
#include <stdio.h>

int main(void) {
    erg_tensor *ones = erg_tensor_new(ERG_FLOAT32, ERG_SHAPE(2, 3));
    if (ones == NULL)
        return 1;
    erg_tensor_fill(ones, 1);
    int right = erg_tensor_size(ones) == 6 && erg_tensor_get(ones, 5) == 1;
    erg_tensor_free(ones);
    printf("%s\n", erg_version());
    return right ? 0 : 1;
}
END
printf '#include <erg.h>\n' >"$work/header.c"
cp "$work/header.c" "$work/header.cc"

warnings="-Wall -Wextra -Wpedantic -Werror"
echo "header as C11"
$CC -std=c11 $warnings $compile_flags -c "$work/header.c" -o "$work/header.o"
for cxx in ${CXX:-c++ g++ clang++}; do
    if command -v "$cxx" >/dev/null 2>&1; then
        echo "header as C++17"
        "$cxx" -std=c++17 $warnings $compile_flags -c "$work/header.cc" -o "$work/header.o"
        break
    fi
done

echo "a program"
$CC -std=c11 $warnings $compile_flags "$work/user.c" -o "$work/user" $link_flags
version=$(LD_LIBRARY_PATH=$library_folder "$work/user")
test "$version" = "$($PKG_CONFIG --modversion erg)" || { echo "erg_version(): $version"; exit 1; }

# What several examples share is an archive; of the rest, each has the files that begin with its name.
examples=$srcdir/docs/examples
for file in "$examples"/program_*.c "$examples"/digits*.c "$examples"/fit2d_*.c; do
    $CC -std=gnu11 $compile_flags -c "$file" -o "$work/$(basename "$file" .c).part.o"
done
${AR:-ar} rc "$work/parts.a" "$work"/*.part.o

for example in energy custom_energy derivations fit2d gallery inpaint ising_recover jem_mnist \
    mnist_classifier mnist_ebm rbm_mnist sample; do
    echo "$example"
    $CC -std=gnu11 $compile_flags "$examples/$example"*.c -o "$work/example" "$work/parts.a" \
        $link_flags -lm
done
