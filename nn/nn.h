/* nn.h: modules: layers with named parameters, energies, and optimisers, all as plain functions from
 * nodes to nodes. Written with autograd.h alone: whatever is here, a user can write.
 *
 * A module is a struct in the graph's memory, made by erg_<module>_new(graph, name, ...), which is
 * NULL if the graph holds an error, and applied by erg_<module>_apply(module, x). Its params are
 * named "<scope>/<name>/...". The first axis of x is the batch. */
#ifndef ERG_NN_H
#define ERG_NN_H

#include "../autograd/autograd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------------- initialisation */

typedef enum erg_init {
    ERG_INIT_FAN_IN = 0,      /* U(-b, b), b = 1 / sqrt(fan_in): PyTorch's Linear; gain unused */
    ERG_INIT_KAIMING_UNIFORM, /* U(-b, b), b = gain sqrt(3 / fan_in); He et al. 2015 */
    ERG_INIT_KAIMING_NORMAL,  /* N(0, s^2), s = gain / sqrt(fan_in) */
    ERG_INIT_XAVIER_UNIFORM,  /* U(-b, b), b = gain sqrt(6 / (fan_in + fan_out)); Glorot 2010 */
    ERG_INIT_XAVIER_NORMAL,   /* N(0, s^2), s = gain sqrt(2 / (fan_in + fan_out)) */
    ERG_INIT_ZEROS
} erg_init;

/* Sets a weight of shape (out, in, ...): fan_in is in times the sizes after it, fan_out out times
 * those. gain 0 means sqrt(2) for Kaiming (right for relu), 1 for Xavier. Numbers come from a
 * stream of the graph's own. */
ERG_API erg_status erg_init_weight(erg_node *weight, erg_init init, double gain);
/* Fill a leaf of any shape with U(-bound, bound) or N(0, std^2). */
ERG_API erg_status erg_init_uniform(erg_node *leaf, double bound);
ERG_API erg_status erg_init_normal(erg_node *leaf, double std);

/* ------------------------------------------------------------------------------- layers */

typedef enum erg_activation {
    ERG_SILU = 0,
    ERG_RELU,
    ERG_LEAKY_RELU, /* slope 0.01 */
    ERG_ELU,        /* alpha 1 */
    ERG_GELU,
    ERG_GELU_TANH,
    ERG_TANH,
    ERG_SIGMOID,
    ERG_SOFTPLUS,
    ERG_IDENTITY
} erg_activation;
ERG_API erg_node *erg_activate(erg_activation activation, erg_node *x);

/* y = x W^T + b: x (..., in) -> (..., out), with params "weight" (out, in) and "bias" (out). */
typedef struct erg_linear {
    erg_node *weight;
    erg_node *bias; /* NULL if there is none */
} erg_linear;
typedef struct erg_linear_options {
    erg_dtype dtype; /* default float32 */
    erg_init init;   /* of the weight; the bias is U(-1/sqrt(in), 1/sqrt(in)), or 0 for ZEROS */
    double gain;
    int no_bias;
} erg_linear_options;
ERG_API erg_linear *erg_linear_new(erg_graph *graph, const char *name, int64_t in, int64_t out,
                                   erg_linear_options options);
ERG_API erg_node *erg_linear_apply(const erg_linear *linear, erg_node *x);

/* Linear layers with an activation between them, none after the last. Layer i's params are
 * "<name>/<i>/weight" and "<name>/<i>/bias". */
typedef struct erg_mlp {
    int n_layers;
    erg_linear **layers;
    erg_activation activation;
} erg_mlp;
typedef struct erg_mlp_options {
    erg_dtype dtype;           /* default float32 */
    erg_activation activation; /* default silu: smooth, as second derivatives want */
    erg_init init;
    double gain;
} erg_mlp_options;
/* sizes: the n_sizes >= 2 widths from input to output. */
ERG_API erg_mlp *erg_mlp_new(erg_graph *graph, const char *name, const int64_t *sizes, int n_sizes,
                             erg_mlp_options options);
/* x (B, in) -> (B, out). */
ERG_API erg_node *erg_mlp_apply(const erg_mlp *mlp, erg_node *x);
/* The energy function of an MLP whose last width is 1; self is the erg_mlp. x (B, in) -> (B). */
ERG_API erg_node *erg_mlp_energy(void *self, erg_node *x);

/* ------------------------------------------------------------------------------- energies
 *
 * Functions of the erg_energy form: self is a pointer to the struct named. */

/* E(x) = stiffness |x|^2 / 2 over all axes but the first: the Gaussian N(0, I / stiffness);
 * log Z = D/2 log(2 pi / stiffness). self: const double *stiffness > 0. */
ERG_API erg_node *erg_harmonic_energy(void *self, erg_node *x);

/* E(x) = -log sum_k w_k N(x; mean_k, std_k^2 I), so that log Z = 0. */
typedef struct erg_gaussian_mixture {
    erg_node *log_weights; /* (K), normalised */
    erg_node *means;       /* (K, D) */
    erg_node *stds;        /* (K) */
} erg_gaussian_mixture;
/* weights (K) >= 0 with a positive sum, NULL for equal ones; means (K, D) row-major; stds (K) > 0. */
ERG_API erg_gaussian_mixture *erg_gaussian_mixture_new(erg_graph *graph, erg_dtype dtype, int64_t k,
                                                       int64_t d, const double *weights,
                                                       const double *means, const double *stds);
ERG_API erg_node *erg_gaussian_mixture_energy(void *self, erg_node *x);
/* n exact samples (n, D), new ones at each run. */
ERG_API erg_node *erg_gaussian_mixture_sample(const erg_gaussian_mixture *mixture, int64_t n);

/* The banana (Haario, Saksman & Tamminen 1999), x (B, 2):
 * E = x_1^2 / (2 s^2) + (x_2 + b (x_1^2 - s^2))^2 / 2, log Z = log(2 pi s), means 0,
 * Var x_1 = s^2, Var x_2 = 1 + 2 b^2 s^4. */
typedef struct erg_banana {
    double scale;     /* s; default 10 */
    double curvature; /* b; default 0.03 */
} erg_banana;
ERG_API erg_node *erg_banana_energy(void *self, erg_node *x);
ERG_API double erg_banana_log_z(const erg_banana *banana);
/* n exact samples (n, 2), new ones at each run. */
ERG_API erg_node *erg_banana_sample(erg_graph *graph, erg_dtype dtype, const erg_banana *banana,
                                    int64_t n);

/* ------------------------------------------------------------------------------- evaluation */

/* Computes an energy at many given points: one plan for a chunk of them, made once. It adds nodes to
 * the graph when made, none when used. */
typedef struct erg_evaluator erg_evaluator;
/* For points of shape (N, ...) with these sizes after the first axis; chunk 0 means 1024. NULL on a
 * mistake. The caller frees it before the graph. */
ERG_API erg_evaluator *erg_evaluator_new(erg_graph *graph, erg_energy energy, erg_dtype dtype,
                                         erg_shape sample, int64_t chunk);
ERG_API void erg_evaluator_free(erg_evaluator *evaluator);
/* energies[i] = E(points[i]) with the parameters' present values. points (N, sample...) of any float
 * dtype, energies (N) float64. The graph's run counter stays, so that a look at energies does not
 * change the random numbers that follow. */
ERG_API erg_status erg_evaluator_run(erg_evaluator *evaluator, const erg_tensor *points,
                                     erg_tensor *energies);

/* ------------------------------------------------------------------------------- optimisers */

/* Adam (Kingma & Ba 2015, algorithm 1), with g the gradient of the loss, t = 1, 2, ...:
 *     m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,
 *     p <- p - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps).
 * The states are named "<scope>/<name>/<param>/m", ".../v" and "<scope>/<name>/step". */
typedef struct erg_adam_options {
    double learning_rate;         /* default 1e-3 */
    erg_node *learning_rate_node; /* 0-d, of the params' dtype; if set, used instead */
    double beta1, beta2;          /* default 0.9, 0.999; ERG_ZERO for 0 */
    double epsilon;               /* default 1e-8 */
    double clip_norm;             /* gradients are scaled so that their joint norm is at most this,
                                     as in PyTorch's clip_grad_norm_; default: not */
    const char *name;             /* default "adam" */
} erg_adam_options;
/* A node whose effect is one step of the n params (of one dtype) down the gradient of the sum of
 * loss: to be compiled among a plan's outputs. */
ERG_API erg_node *erg_adam(erg_node *loss, erg_node *const *params, int n,
                           erg_adam_options options);

#ifdef __cplusplus
}
#endif

#endif
