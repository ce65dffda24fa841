/* fuzz_npy.c: libFuzzer's way into the .npy reader. */
#include "../../tensor/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    erg_tensor_free(erg_npy_parse(bytes, size, "fuzz"));
    return 0;
}
