/* fuzz_safetensors.c: libFuzzer's way into the .safetensors reader. */
#include "../../tensor/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    erg_bundle_free(erg_safetensors_parse(bytes, size, "fuzz"));
    return 0;
}
