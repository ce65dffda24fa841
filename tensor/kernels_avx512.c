/* kernels_avx512.c: the kernels for x86-64 with AVX-512 F, DQ, BW and VL: 32 registers of 64 bytes.
 * Compiled with -ffp-contract=fast, so that a * b + c is one instruction with one rounding. */
#define KERNELS erg_kernels_avx512
#define KERNELS_NAME "avx512"
#define MACHINE_CODE ERG_CODE_AVX512
#define VECTOR_BYTES 64
#define GEMM_ROWS 12
#define GEMM_VECTORS 2
#define GEMM_NARROW 1
#include "kernels.inc"
