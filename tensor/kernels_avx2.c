/* kernels_avx2.c: the kernels for x86-64 with AVX2 and FMA: 16 registers of 32 bytes. Compiled with
 * -ffp-contract=fast, so that a * b + c is one instruction with one rounding. */
#define KERNELS erg_kernels_avx2
#define KERNELS_NAME "avx2"
#define MACHINE_CODE ERG_CODE_AVX2
#define VECTOR_BYTES 32
#define GEMM_ROWS 6
#define GEMM_VECTORS 2
#define GEMM_NARROW 0
#include "kernels.inc"
