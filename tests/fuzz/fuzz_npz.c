/* fuzz_npz.c: libFuzzer's way into the .npz reader. */
#include "../../tensor/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    erg_bundle_free(erg_npz_parse(bytes, size, "fuzz"));
    return 0;
}
