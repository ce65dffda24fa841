/* kernels.h: the work on arrays, one struct of functions for each instruction set. Internal.
 *
 * A kernel is a single-threaded pure function over contiguous arrays. It allocates nothing and
 * cannot fail; sizes are not negative. Arrays indexed by dtype take an erg_dtype, and those of
 * length 2 have float32 and float64 only. Unless said otherwise y may be exactly one of the inputs
 * and must not overlap an input in any other way. Arrays need the alignment of their type only.
 *
 * An element's result depends neither on its place in an array nor on n: cutting an array into
 * pieces changes no bit. What holds for reductions and products is said there. */
#ifndef ERG_TENSOR_KERNELS_H
#define ERG_TENSOR_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "conv.h"
#include "tensor.h"

/* ERG_UNARY_neg, ...; ERG_BINARY_add, ...: one for each row of scalar.def. */
#define UNARY(name, y) ERG_UNARY_##name,
#define BINARY(name, y)
typedef enum erg_unary {
#include "scalar.def"
    ERG_UNARY_COUNT
} erg_unary;
#undef UNARY
#undef BINARY

#define UNARY(name, y)
#define BINARY(name, y) ERG_BINARY_##name,
typedef enum erg_binary {
#include "scalar.def"
    ERG_BINARY_COUNT
} erg_binary;
#undef UNARY
#undef BINARY

/* y[i] = f(x[i]) for i < n. */
typedef void erg_unary_kernel(int64_t n, const void *x, void *y);

/* y[i] = f(a[i a_step], b[i b_step]): a step is 1, or 0 for one number used throughout. */
typedef void erg_binary_kernel(int64_t n, const void *a, int a_step, const void *b, int b_step,
                               void *y);

/* y[i] = mask[i] != 0 ? a[i a_step] : b[i b_step]; mask has the dtype of y, and NaN is not 0. */
typedef void erg_select_kernel(int64_t n, const void *mask, const void *a, int a_step,
                               const void *b, int b_step, void *y);

/* The polygamma function of this order (0: digamma), computed in double; see special.h. */
typedef void erg_polygamma_kernel(int order, int64_t n, const void *x, void *y);

/* Over the middle axis of x (outer, n, inner) into y (outer, inner); cumsum into y (outer, n,
 * inner), and there alone y may be x.
 *   sum     in a fixed order that depends on n and inner alone, so outer can be cut anywhere;
 *           rounding error that of pairwise summation (Higham 1993), O(log n); 0 if n = 0
 *   max     NaN if any element is; -infinity if n = 0
 *   argmax  y is int32: the first place of the largest, or of the first NaN; 0 if n = 0
 *   cumsum  y[i] = x[0] + ... + x[i], in an order that depends on n and inner alone */
typedef void erg_reduce_kernel(int64_t outer, int64_t n, int64_t inner, const void *x, void *y);

/* The same sum or max of elements that are made when it is their turn: make returns elements first ..
 * first + count of x, which stay until the next call, and are asked for in order, at most
 * ERG_FOLD_TOGETHER of them, or n * inner if that is more and inner is not 1. The bits are those of an
 * array. */
enum { ERG_FOLD_TOGETHER = 4096 };
typedef struct erg_fold_source {
    const void *(*make)(void *context, int64_t first, int64_t count);
    void *context;
} erg_fold_source;
typedef void erg_fold_kernel(int64_t outer, int64_t n, int64_t inner, const erg_fold_source *x,
                             void *y);

/* y[o, i, j] = x[o, index[o, i, j], j], with x (outer, n, inner), y and index (outer, m, inner).
 * An index out of range yields NaN (int32: INT32_MIN). y must not be x. */
typedef void erg_gather_kernel(int64_t outer, int64_t n, int64_t inner, int64_t m, const void *x,
                               const int32_t *index, void *y);

/* Whole rows: y[i, j] = x[index[i], j], with x (n, inner) and y (m, inner); else as above. */
typedef void erg_take_kernel(int64_t n, int64_t inner, int64_t m, const void *x,
                             const int32_t *index, void *y);

/* y[o, index[o, i, j], j] += x[o, i, j] in the order of i, with y (outer, n, inner), x and index
 * (outer, m, inner). An index out of range adds nothing. y must not be x. */
typedef void erg_scatter_add_kernel(int64_t outer, int64_t n, int64_t inner, int64_t m,
                                    const void *x, const int32_t *index, void *y);

/* out[dst_offset + sum_d i_d dst_stride_d] = in[src_offset + sum_d i_d src_stride_d] for every
 * 0 <= i_d < size_d. Counted in elements; strides may be zero (a broadcast) or negative. No
 * element of out may be written twice, and out must not overlap in. */
typedef struct erg_box {
    int ndim;
    int64_t size[ERG_MAX_DIMS];
    int64_t src_stride[ERG_MAX_DIMS], dst_stride[ERG_MAX_DIMS];
    int64_t src_offset, dst_offset;
} erg_box;
typedef void erg_copy_kernel(const erg_box *box, const void *in, void *out);

/* C = alpha op(A) op(B) + beta C, row-major, where op(A) is (m, k) and op(B) (k, n): A is stored as
 * (m, k), or (k, m) if trans_a; B as (k, n), or (n, k) if trans_b; lda, ldb, ldc are the distances
 * from row to row as stored. C must not overlap A or B. If beta is 0, C is not read. scratch holds
 * gemm_scratch[dtype] bytes, 64-byte aligned.
 *
 * The order of summation depends on k, n and the two flags alone: rows of C computed in several
 * calls have the same bits as in one. */
typedef void erg_gemm_kernel(int trans_a, int trans_b, int64_t m, int64_t n, int64_t k,
                             double alpha, const void *a, int64_t lda, const void *b, int64_t ldb,
                             double beta, void *c, int64_t ldc, void *scratch);

/* The same C = op(A) op(B) with op(B) packed: copied once into panels, in the order in which the
 * product reads it. That pays where one B is used by several calls: for few rows each, by several
 * threads, or again and again.
 *   panels  how many there are for n columns
 *   bytes   the size of the copy, to be 64-byte aligned; SIZE_MAX if it is beyond any memory
 *   pack    fills panels first <= i < last, so that threads can share the work
 *   packed  the product; its bits are those of the kernel above with alpha = 1, beta = 0. Then bias,
 *           n numbers, is added to each row, if it is not NULL */
typedef int64_t erg_gemm_panels(int64_t n);
typedef size_t erg_gemm_bytes(int64_t n, int64_t k);
typedef void erg_gemm_pack_kernel(int trans_b, int64_t n, int64_t k, int64_t first, int64_t last,
                                  const void *b, int64_t ldb, void *packed);
typedef void erg_gemm_packed_kernel(int trans_a, int64_t m, int64_t n, int64_t k, const void *a,
                                    int64_t lda, const void *packed, const void *bias, void *c,
                                    int64_t ldc, void *scratch);

/* Elements first .. last of y_i = A x_i, or of A^T x_i, for i < count: x_i has k elements. A is (n, k)
 * or, transposed, (k, n); y_i has n. An element's bits depend on no other element and no other x. */
typedef void erg_gemv_kernel(int trans_a, int count, int64_t first, int64_t last, int64_t k,
                             const void *a, int64_t lda, const void *const *x, void *const *y);

/* C = A S, with A (m, k) and S (k, columns), of whose elements only some are there: column j has
 * values[p] in row[p] for start[j] <= p < start[j + 1]. Nothing is added for the others: the 0 that
 * each stands for is not multiplied by an infinity or a NaN. An element's sum is in the order of p,
 * whatever the rows around it. */
typedef struct erg_sparse {
    int64_t columns;
    const int32_t *start, *row; /* columns + 1; one for each value */
    const void *values;
} erg_sparse;
typedef void erg_sparse_kernel(int64_t m, const erg_sparse *s, const void *a, int64_t lda, void *c,
                               int64_t ldc);

/* Random numbers: elements begin <= i < end of the array `where` names to out[0], out[1], ..., as
 * random.h says, with 0 <= begin and end <= 2^33. */
typedef void erg_random_kernel(erg_random where, int64_t begin, int64_t end, void *out);

/* Pieces first .. last of the convolution y of x by w, or of its transpose: x from y and w. A piece
 * is some rows of an image of the result; the pieces of image 0 come first, and the bits of one do not
 * depend on which others a call works on, nor on where channels are. `bias`, unless NULL, has a number
 * for each channel of the result, which is added to its sums. */
typedef struct erg_conv_operands {
    const void *source, *weight, *bias;
    void *result;
} erg_conv_operands;
typedef void erg_conv_kernel(const erg_conv *conv, erg_conv_form form, int64_t first, int64_t last,
                             const erg_conv_operands *operands, void *scratch);

typedef struct erg_conv_needs {
    int64_t pieces; /* of an image */
    size_t scratch; /* bytes for a call, 64-byte aligned */
    int by_channel; /* a lane for each channel of the result: a turned weight is read faster, and the
                     * result may have its channels last, and a bias */
} erg_conv_needs;
typedef erg_conv_needs erg_conv_needs_kernel(const erg_conv *conv, erg_conv_form form);

/* The sum over images begin .. end, in their order, of what they give to the derivative of the
 * convolution by w, for the cotangent y, either with channels last if `form` says so of source and
 * result. sums has (groups, channels, KH, KW, filters) elements, the filters of a group filled up to
 * conv_columns of them; without images it is left as it is. Scratch is as above, SIZE_MAX if it is
 * beyond any memory. */
typedef int64_t erg_conv_columns(const erg_conv *conv, size_t *scratch);
typedef void erg_conv_weight_kernel(const erg_conv *conv, erg_conv_form form, int64_t begin,
                                    int64_t end, const void *x, const void *y, void *sums,
                                    void *scratch);

/* y[i] = *x for i < n. */
typedef void erg_fill_kernel(int64_t n, const void *x, void *y);

typedef enum erg_machine_code {
    ERG_CODE_NONE = 0,
    ERG_CODE_AVX2,
    ERG_CODE_AVX512
} erg_machine_code;

typedef struct erg_kernels {
    const char *name;              /* "portable", "avx2" or "avx512" */
    erg_machine_code machine_code; /* that can be written for the same processor, see formula.h */

    erg_unary_kernel *unary[2][ERG_UNARY_COUNT];
    erg_binary_kernel *binary[2][ERG_BINARY_COUNT];
    erg_select_kernel *select[2];
    erg_unary_kernel *lgamma[2]; /* log |Gamma(x)| */
    erg_polygamma_kernel *polygamma[2];

    /* cast[from][to]. Float to int32 drops the fraction and clamps; NaN becomes 0. y may be x if
     * the two dtypes are the same. */
    erg_unary_kernel *cast[3][3];

    erg_reduce_kernel *sum[2], *max[2], *argmax[2], *cumsum[2];
    erg_fold_kernel *sum_made[2], *max_made[2];
    erg_random_kernel *uniform[2], *normal[2];
    erg_gather_kernel *gather[3];
    erg_take_kernel *take[3];
    erg_scatter_add_kernel *scatter_add[2];
    erg_copy_kernel *copy[3];
    erg_fill_kernel *fill[3];

    erg_gemm_kernel *gemm[2];
    size_t gemm_scratch[2];
    erg_gemm_panels *gemm_panels[2];
    erg_gemm_bytes *gemm_packed_bytes[2];
    erg_gemm_pack_kernel *gemm_pack[2];
    erg_gemm_packed_kernel *gemm_packed[2];
    erg_gemv_kernel *gemv[2];
    erg_sparse_kernel *sparse[2];

    erg_conv_needs_kernel *conv_needs[2];
    erg_conv_kernel *conv[2];
    erg_conv_columns *conv_columns[2];
    erg_conv_weight_kernel *conv_weight[2];
} erg_kernels;

/* The last two exist on x86-64 alone. */
extern const erg_kernels erg_kernels_portable, erg_kernels_avx2, erg_kernels_avx512;

/* The kernels for this machine, chosen at the first call: the best that processor and system
 * support, or at most what ERG_CPU=portable|avx2|avx512 in the environment names. Another name is
 * ignored. */
const erg_kernels *erg_kernels_get(void);

/* All kernels this machine can run, the simplest first: writes up to max of them, returns how many
 * it wrote. */
int erg_kernels_all(const erg_kernels **list, int max);

#endif
