/* fuzz_idx.c: libFuzzer's way into the IDX reader, and through .gz into the inflater. */
#include "../../tensor/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    erg_tensor_free(erg_idx_parse(bytes, size, "fuzz"));
    return 0;
}
