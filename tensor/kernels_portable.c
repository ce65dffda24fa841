/* kernels_portable.c: the kernels for any machine: vectors of 16 bytes, which every 64-bit
 * processor has in some form. */
#define KERNELS erg_kernels_portable
#define KERNELS_NAME "portable"
#define MACHINE_CODE ERG_CODE_NONE
#define VECTOR_BYTES 16
#define GEMM_ROWS 4
#define GEMM_VECTORS 2
#define GEMM_NARROW 0
#include "kernels.inc"
