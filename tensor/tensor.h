/* tensor.h: the ground floor of erg: errors, shapes, tensors, random numbers, files and pictures.
 *
 * A tensor is a dtype, a shape and contiguous row-major storage, nothing more: no strides and no
 * views. Nothing in this folder knows about graphs or derivatives.
 *
 * Conventions used in every header of the library:
 *   - shapes are written (2, 3); () is the shape of a scalar, which has one element;
 *   - a function that can fail returns an erg_status, or a pointer that is NULL on failure, and
 *     leaves a message for erg_error_message(); it then has changed nothing;
 *   - the library never prints, aborts or exits;
 *   - options are plain structs, passed by value; a field left zero has its documented default.
 */
#ifndef ERG_TENSOR_H
#define ERG_TENSOR_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Marks what the shared library exports; everything else stays inside. */
#ifndef ERG_API
#if defined(__GNUC__)
#define ERG_API __attribute__((visibility("default")))
#else
#define ERG_API
#endif
#endif

#if defined(__GNUC__)
#define ERG_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define ERG_PRINTF(text, first)
#endif

/* For an option whose zero means "default" when the number really wanted is zero:
 * (erg_adam_options){.beta1 = ERG_ZERO}. It is the negative zero, which no default is. */
#define ERG_ZERO (-0.0)

/* ------------------------------------------------------------------------------- errors */

typedef enum erg_status {
    ERG_OK = 0,
    ERG_ERROR_MEMORY = -1, /* the system gave no memory */
    ERG_ERROR_ARGUMENT =
        -2,                /* the call is wrong: a shape, a dtype, a number out of range, a NULL */
    ERG_ERROR_IO = -3,     /* the system refused a file operation; the message says why */
    ERG_ERROR_FORMAT = -4, /* a file's content breaks the rules of its format */
    ERG_ERROR_GRAPH = -5   /* the graph holds an error made while building */
} erg_status;

/* The message of the last failure in this thread, "" if there was none. Never NULL. It stays valid
 * until the next failure in the same thread. */
ERG_API const char *erg_error_message(void);
/* The status of the same failure, ERG_OK if there was none: which kind it was when a function has
 * returned NULL. */
ERG_API erg_status erg_error_status(void);

/* Records a failure, "operation: what is wrong", and returns status, so that a check is one line:
 * return erg_fail(ERG_ERROR_ARGUMENT, "npy_write: no tensor"). */
ERG_API erg_status erg_fail(erg_status status, const char *format, ...) ERG_PRINTF(2, 3);

/* The library's version, "major.minor.patch". */
ERG_API const char *erg_version(void);

/* ------------------------------------------------------------------------------- shapes */

#define ERG_MAX_DIMS 8

typedef enum erg_dtype {
    ERG_FLOAT32 = 0,
    ERG_FLOAT64 = 1,
    ERG_INT32 = 2 /* indices and labels only: no arithmetic */
} erg_dtype;

/* Size in bytes of one element; 0 if the dtype is none of the three. */
ERG_API size_t erg_dtype_size(erg_dtype dtype);
/* "float32", "float64", "int32"; "?" if the dtype is none of these. */
ERG_API const char *erg_dtype_name(erg_dtype dtype);

/* A shape: ndim sizes, outermost first. Sizes may be 0. Entries past ndim are zero. A shape whose
 * ndim is negative is the result of a mistake; everything that takes a shape refuses it. */
typedef struct erg_shape {
    int ndim;
    int64_t dims[ERG_MAX_DIMS];
} erg_shape;

/* The shape with these sizes. More than ERG_MAX_DIMS sizes, or a negative size, give a shape with
 * ndim = -1, which is refused where it is used. */
ERG_API erg_shape erg_shape_make(int ndim, const int64_t *dims);

/* ERG_SHAPE(2, 3) is the shape (2, 3); ERG_SCALAR is the shape (). */
#define ERG_SHAPE(...)                                                                             \
    erg_shape_make((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)),                      \
                   (int64_t[]){__VA_ARGS__})
#define ERG_SCALAR erg_shape_make(0, NULL)

/* Number of elements: the product of the sizes, 1 for (). -1 if the shape is invalid or if the
 * product of its non-zero sizes does not fit 2^60, so that no byte count can overflow either:
 * (2^32, 2^32, 0) is refused although it would hold nothing. */
ERG_API int64_t erg_shape_size(erg_shape shape);
/* 1 if both are valid and the same, else 0. */
ERG_API int erg_shape_equal(erg_shape a, erg_shape b);

#define ERG_SHAPE_TEXT 192
/* Writes "(2, 3)" into text, which holds ERG_SHAPE_TEXT bytes, and returns text. */
ERG_API const char *erg_shape_text(erg_shape shape, char *text);

/* ------------------------------------------------------------------------------- tensors */

/* Read the fields freely and write the elements; do not change dtype, shape or data. */
typedef struct erg_tensor {
    erg_dtype dtype;
    erg_shape shape;
    void *data; /* 64-byte aligned, contiguous, row-major; not NULL even when size is 0 */
} erg_tensor;

/* A new tensor filled with zeros; the caller frees it with erg_tensor_free. NULL if the shape is
 * invalid or too large, the dtype unknown, or memory is short. */
ERG_API erg_tensor *erg_tensor_new(erg_dtype dtype, erg_shape shape);
/* A new tensor whose elements are copied from data, which holds them in row-major order. */
ERG_API erg_tensor *erg_tensor_from(erg_dtype dtype, erg_shape shape, const void *data);
/* A new tensor with the same dtype, shape and elements. */
ERG_API erg_tensor *erg_tensor_clone(const erg_tensor *tensor);
/* NULL is allowed. */
ERG_API void erg_tensor_free(erg_tensor *tensor);

/* Number of elements. */
ERG_API int64_t erg_tensor_size(const erg_tensor *tensor);
/* The elements, or NULL (with a message) if the tensor has another dtype. */
ERG_API float *erg_tensor_f32(const erg_tensor *tensor);
ERG_API double *erg_tensor_f64(const erg_tensor *tensor);
ERG_API int32_t *erg_tensor_i32(const erg_tensor *tensor);

/* Element at a flat row-major index, converted to or from double. The index must be in range:
 * out of range, get returns NaN and set does nothing. set rounds to the nearest int32 and clamps
 * to its range; NaN becomes 0. */
ERG_API double erg_tensor_get(const erg_tensor *tensor, int64_t index);
ERG_API void erg_tensor_set(erg_tensor *tensor, int64_t index, double value);
/* Sets every element. */
ERG_API void erg_tensor_fill(erg_tensor *tensor, double value);
/* Copies all elements of src into dst: the shapes must be equal; dtypes are converted. */
ERG_API erg_status erg_tensor_copy(erg_tensor *dst, const erg_tensor *src);
/* Copies rows: dst[i] = src[rows[i]] along the first dimension, for i < count = dst's first size.
 * The other sizes and the dtypes must be equal and every row in range. */
ERG_API erg_status erg_tensor_take_rows(erg_tensor *dst, const erg_tensor *src,
                                        const int64_t *rows);
/* 1 if every element is finite (always for int32), else 0. */
ERG_API int erg_tensor_all_finite(const erg_tensor *tensor);

/* Prints the elements in NumPy's manner (8 significant digits at most, aligned columns; more than
 * 1000 elements are summarised by the first and last three of each dimension), then a newline. */
ERG_API erg_status erg_tensor_print(const erg_tensor *tensor, FILE *out);

/* ------------------------------------------------------------------------------- threads */

/* The number of threads that kernels and plans may use, the caller's included: by default the
 * number of processors the process may run on, or ERG_THREADS from the environment. Results have
 * the same bits for every number. count < 1 is refused; counts above 256 become 256. */
ERG_API erg_status erg_set_threads(int count);
ERG_API int erg_threads(void);

/* ------------------------------------------------------------------------------- random numbers */

/* Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): a keyed
 * bijection of 128-bit counters. Random numbers are a pure function of where they are used, so
 * they do not depend on the order of evaluation or on the number of threads. */
ERG_API void erg_philox4x32(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* Names one array of random numbers: the key is the seed, the counter is (element block, stream,
 * run). Two arrays with different (seed, stream, run) are independent. Element i of an array does
 * not depend on the array's size, so row b of a (B, D) draw does not depend on B. */
typedef struct erg_random {
    uint64_t seed;
    uint32_t stream;
    uint64_t run;
} erg_random;

/* Fill a float32 or float64 tensor of fewer than 2^33 elements.
 *   uniform     in [0, 1): 24 random bits in float32, 53 in float64
 *   normal      N(0, 1) by Box and Muller (1958), from u in (0, 1]; |z| <= 6.66 (float32: 32-bit
 *               u), 8.57 (float64: 53-bit u)
 *   rademacher  -1 or +1 with probability 1/2 each
 *   bernoulli   1 with probability p[i], else 0; p is a tensor of the same dtype and shape
 *   categorical out is int32 of shape (...), logits float of shape (..., K), K >= 1: index k with
 *               probability softmax(logits)[k], by the Gumbel-max trick */
ERG_API erg_status erg_random_uniform(erg_tensor *out, erg_random where);
ERG_API erg_status erg_random_normal(erg_tensor *out, erg_random where);
ERG_API erg_status erg_random_rademacher(erg_tensor *out, erg_random where);
ERG_API erg_status erg_random_bernoulli(erg_tensor *out, const erg_tensor *p, erg_random where);
ERG_API erg_status erg_random_categorical(erg_tensor *out, const erg_tensor *logits,
                                          erg_random where);
/* n integers uniform in 0..bound-1 (bound in 1..2^32), without modulo bias beyond 2^-32 relative
 * (Lemire's multiply-shift on 64 bits). */
ERG_API erg_status erg_random_integers(int64_t *out, int64_t n, uint64_t bound, erg_random where);

/* ------------------------------------------------------------------------------- files */

/* NumPy's .npy, format versions 1.0 to 3.0, little- or big-endian f4, f8, i4, C or Fortran order
 * (also f2 as float32, i8 whose values fit int32, and booleans and u1, i1, i2, u2, as int32).
 * Anything else is refused with a message; memory is asked for only as the file's size allows: at
 * most 4 times as much (bytes become int32). The caller frees it. */
ERG_API erg_tensor *erg_npy_read(const char *path);
/* Writes format 1.0, little-endian, C order. A file of that name is replaced only once the new one
 * is complete (temporary in the same folder, fsync, rename). */
ERG_API erg_status erg_npy_write(const char *path, const erg_tensor *tensor);

/* Comma-separated numbers, one row a line, as a float64 tensor (rows, columns). The first line is
 * skipped if any of its fields is not a number (a header). Empty lines, lines starting with '#',
 * spaces around fields and CRLF are allowed; "nan" and "inf" are numbers. Rows of different
 * lengths, other text, and files without a row are refused, naming the line. The decimal point is
 * '.' in every locale. */
ERG_API erg_tensor *erg_csv_read(const char *path);
/* Writes a tensor of 1 or 2 dimensions with enough digits to read it back exactly; header may be
 * NULL. Replaces an older file as erg_npy_write does. */
ERG_API erg_status erg_csv_write(const char *path, const erg_tensor *tensor, const char *header);

/* IDX, the format of MNIST, plain or as .gz of one member: unsigned bytes, signed bytes, int16 and
 * int32 as int32, float32, float64. The caller frees it. What is unpacked is at most 1032 times the
 * file, and at most four times as much memory is asked for. */
ERG_API erg_tensor *erg_idx_read(const char *path);

/* Writes width x height pixels of 1 (grey), 3 (RGB) or 4 (RGBA) bytes as a PNG (ISO/IEC 15948). */
ERG_API erg_status erg_png_write(const char *path, const uint8_t *pixels, int width, int height,
                                 int channels);

/* ------------------------------------------------------------------------------- bundles
 *
 * Tensors by name, in the order they were added, as files hold the weights of a model; and texts by
 * name, which tell about them. Names and texts are UTF-8. */

typedef struct erg_bundle erg_bundle;

/* An empty bundle; NULL if memory is short. The caller frees it, and with it its tensors. */
ERG_API erg_bundle *erg_bundle_new(void);
ERG_API void erg_bundle_free(erg_bundle *bundle);
/* Adds a copy of the tensor. A name that is there already is refused. */
ERG_API erg_status erg_bundle_add(erg_bundle *bundle, const char *name, const erg_tensor *tensor);
/* Adds a copy of a text, under a name that no other text has. */
ERG_API erg_status erg_bundle_add_text(erg_bundle *bundle, const char *name, const char *text);

/* The tensor of this name, owned by the bundle, or NULL (no error). Its elements may be written. */
ERG_API erg_tensor *erg_bundle_find(const erg_bundle *bundle, const char *name);
/* The text of this name, owned by the bundle, or NULL (no error). */
ERG_API const char *erg_bundle_text(const erg_bundle *bundle, const char *name);
/* All tensors: how many, and name and value of number 0 .. count - 1; NULL beyond. */
ERG_API int erg_bundle_count(const erg_bundle *bundle);
ERG_API const char *erg_bundle_name(const erg_bundle *bundle, int index);
ERG_API erg_tensor *erg_bundle_tensor(const erg_bundle *bundle, int index);

/* Seeds and counters, whose 64 bits no dtype holds: an int32 tensor (n, 2) of their halves, the
 * lower one first; and back, into counts, if the bundle has such a tensor of this name and n. */
ERG_API erg_status erg_bundle_add_counts(erg_bundle *bundle, const char *name,
                                         const uint64_t *counts, int64_t n);
ERG_API erg_status erg_bundle_counts(const erg_bundle *bundle, const char *name, uint64_t *counts,
                                     int64_t n);

/* A .safetensors file, as PyTorch's users exchange weights: F64, F32 and I32 as they are, F16 and
 * BF16 as float32, BOOL and integers of other sizes as int32 where their values fit. Anything else
 * is refused with a message, as are gaps, overlaps and names that occur twice. The tensors come in
 * the order of their place in the file, the texts are those of "__metadata__". If the file has a
 * checksum (below), it is verified. The caller frees the bundle. */
ERG_API erg_bundle *erg_safetensors_read(const char *path);
/* 1 if the bundle was read from a file whose checksum was there and right, else 0. */
ERG_API int erg_bundle_verified(const erg_bundle *bundle);

typedef struct erg_safetensors_options {
    int checksum; /* not 0: the text "erg.crc32" is the CRC-32 of the file with its digits as 0 */
} erg_safetensors_options;
/* The same bytes for the same content: tensors sorted by size of element, then dtype and name, as
 * the format's own library does; texts by name. Replaces an older file as erg_npy_write does. */
ERG_API erg_status erg_safetensors_write(const char *path, const erg_bundle *bundle,
                                         erg_safetensors_options options);

/* NumPy's .npz, stored (numpy.savez) or deflated (savez_compressed), with the dtypes of
 * erg_npy_read, up to 4 GB. Checksums are verified. Members that are not arrays are refused. The
 * caller frees the bundle. */
ERG_API erg_bundle *erg_npz_read(const char *path);
/* Stored, in the bundle's order, the same bytes for the same content. A bundle that holds texts is
 * refused, and more than 4 GB. Replaces an older file as erg_npy_write does. */
ERG_API erg_status erg_npz_write(const char *path, const erg_bundle *bundle);

/* ------------------------------------------------------------------------------- pictures */

/* A plot: axes with a title and labels, onto which layers are drawn in the order they are added.
 * Ranges left zero are those of the heat maps, or, if there are none, of points and curves with 5 %
 * around; what lies outside is clipped. */
typedef struct erg_plot erg_plot;

typedef struct erg_plot_options {
    int width, height; /* pixels, at most 16384; default 640 x 480 */
    const char *title, *x_label, *y_label;
    double x_min, x_max, y_min, y_max; /* default: the range of what is drawn */
    int log_y;                         /* logarithmic y, not with equal; values <= 0 left out */
    int equal;                         /* one unit of x is as long as one unit of y */
} erg_plot_options;

/* NULL if memory is short or the options make no sense. The caller frees it. */
ERG_API erg_plot *erg_plot_new(erg_plot_options options);
ERG_API void erg_plot_free(erg_plot *plot);

/* values (H, W): row 0 is the lowest y, column 0 the lowest x, cells fill the given extent. Colours
 * run over the finite values from lowest (dark) to highest (bright) in a perceptually uniform map,
 * with a colour bar; NaN is grey. low < high fixes the range of the colours. */
typedef struct erg_heatmap_options {
    double x_min, x_max, y_min, y_max; /* extent; default 0..W, 0..H */
    double low, high;                  /* default: the range of the finite values */
    const char *label;                 /* of the colour bar */
} erg_heatmap_options;
ERG_API erg_status erg_plot_heatmap(erg_plot *plot, const erg_tensor *values,
                                    erg_heatmap_options options);

typedef struct erg_mark_options {
    uint32_t color; /* 0xRRGGBB; default: the next of a colour-blind safe cycle. Black: 0x010101 */
    double size;    /* line width, or diameter of a point, in pixels; default 1.5, 3 */
    double opacity; /* default 1 */
    const char *label; /* shown in a legend */
} erg_mark_options;
/* points (N, 2). Points that are not finite are left out. */
ERG_API erg_status erg_plot_scatter(erg_plot *plot, const erg_tensor *points,
                                    erg_mark_options options);
/* A curve through (x[i], y[i]); x NULL counts 0, 1, 2, ... Broken where a value is not finite. */
ERG_API erg_status erg_plot_line(erg_plot *plot, const erg_tensor *x, const erg_tensor *y,
                                 erg_mark_options options);
/* Draws everything and writes a PNG. */
ERG_API erg_status erg_plot_save(const erg_plot *plot, const char *path);

/* Writes images (N, H, W) or (N, H, W, 3) as a grid with `columns` a row (0: about square) and one
 * pixel between; values from low (black) to high (white) are clamped, and low = high = 0 means the
 * range of the finite values. */
ERG_API erg_status erg_image_grid_write(const char *path, const erg_tensor *images, int columns,
                                        double low, double high);

#ifdef __cplusplus
}
#endif

#endif
