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

/* ------------------------------------------------------------------------------- activations
 *
 * Besides those of autograd.h, with PyTorch's definitions. At their kinks abs and clamp decide. */

ERG_API erg_node *erg_selu(erg_node *x);               /* Klambauer et al. 2017 */
ERG_API erg_node *erg_celu(erg_node *x, double alpha); /* alpha (exp(x/alpha) - 1), x <= 0 */
ERG_API erg_node *erg_softplus_beta(erg_node *x, double beta); /* log(1 + exp(beta x)) / beta */
ERG_API erg_node *erg_mish(erg_node *x);                       /* x tanh(softplus(x)) */
ERG_API erg_node *erg_softsign(erg_node *x);                   /* x / (1 + |x|) */
ERG_API erg_node *erg_hard_sigmoid(erg_node *x);               /* min(max(x + 3, 0), 6) / 6 */
ERG_API erg_node *erg_hard_swish(erg_node *x);                 /* x hard_sigmoid(x) */

typedef enum erg_activation {
    ERG_SILU = 0,
    ERG_RELU,
    ERG_LEAKY_RELU, /* slope 0.01 */
    ERG_ELU,        /* alpha 1 */
    ERG_SELU,
    ERG_GELU,
    ERG_GELU_TANH,
    ERG_MISH,
    ERG_TANH,
    ERG_SIGMOID,
    ERG_LOG_SIGMOID,
    ERG_SOFTPLUS,
    ERG_SOFTSIGN,
    ERG_HARD_TANH, /* min(max(x, -1), 1) */
    ERG_HARD_SIGMOID,
    ERG_HARD_SWISH,
    ERG_IDENTITY
} erg_activation;
ERG_API erg_node *erg_activate(erg_activation activation, erg_node *x);

/* ------------------------------------------------------------------------------- layers
 *
 * Params have the names, shapes and first values of PyTorch's modules. A layer holds nodes: another
 * node of the same shape can be put in the place of a weight, see erg_spectral_norm.
 *
 * Some layers behave otherwise in training than in evaluation. They take a training flag: a 0-d
 * node of the layer's dtype, as a rule an input that is set between runs: not 0 in training, 0 in
 * evaluation (what an input holds at first). NULL means training. */

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

/* y = conv2d(x, W) + b, see erg_conv2d: x (B, in, H, W) -> (B, out, OH, OW), with params "weight"
 * (out, in / groups, KH, KW) and "bias" (out); or its transpose, see erg_conv_transpose2d, where
 * weight is (in, out / groups, KH, KW). Options are for [0] the height and [1] the width. */
typedef struct erg_convolution_options {
    erg_dtype dtype;     /* default float32 */
    int64_t kernel[2];   /* required */
    int64_t stride[2];   /* default 1 */
    int64_t padding[2];  /* default 0 */
    int64_t dilation[2]; /* default 1 */
    int64_t groups;      /* default 1 */
    int transposed;
    int64_t output_padding[2]; /* default 0; used if transposed */
    erg_init init;             /* of the weight; the bias is U(-b, b) with b = 1 / sqrt(fan_in), or
                                  0 for ZEROS */
    double gain;
    int no_bias;
} erg_convolution_options;
typedef struct erg_convolution {
    erg_node *weight;
    erg_node *bias; /* NULL if there is none */
    erg_convolution_options options;
} erg_convolution;
ERG_API erg_convolution *erg_convolution_new(erg_graph *graph, const char *name, int64_t in,
                                             int64_t out, erg_convolution_options options);
ERG_API erg_node *erg_convolution_apply(const erg_convolution *layer, erg_node *x);

/* y = (x - mean) / sqrt(var + epsilon) weight + bias, with var the mean square about the mean.
 * Params "weight", at first 1, and "bias", at first 0. */
typedef struct erg_norm_options {
    erg_dtype dtype; /* default float32 */
    double epsilon;  /* default 1e-5; ERG_ZERO for 0 */
    int no_affine;   /* without weight and bias */
} erg_norm_options;
/* Layer norm (Ba et al. 2016), over the last axes, which have the given shape, as have the params:
 * x (B, ..., shape) -> the same. */
typedef struct erg_layer_norm {
    erg_node *weight, *bias; /* NULL without affine */
    erg_shape shape;
    double epsilon;
} erg_layer_norm;
ERG_API erg_layer_norm *erg_layer_norm_new(erg_graph *graph, const char *name, erg_shape shape,
                                           erg_norm_options options);
ERG_API erg_node *erg_layer_norm_apply(const erg_layer_norm *norm, erg_node *x);
/* Group norm (Wu & He 2018), over the channels of each group and all axes after them; groups
 * divides channels, and with as many groups as channels it is instance norm. Params (C):
 * x (B, C, ...) -> the same. */
typedef struct erg_group_norm {
    erg_node *weight, *bias; /* NULL without affine */
    int64_t groups, channels;
    double epsilon;
} erg_group_norm;
ERG_API erg_group_norm *erg_group_norm_new(erg_graph *graph, const char *name, int64_t groups,
                                           int64_t channels, erg_norm_options options);
ERG_API erg_node *erg_group_norm_apply(const erg_group_norm *norm, erg_node *x);

/* Spectral normalisation (Miyato et al. 2018): W / sigma with sigma = u^T W v an estimate of the
 * largest singular value of W, seen as a matrix of `axis` by all others. u and v, through which no
 * derivative passes, are states "<name>/weight_u" and "<name>/weight_v", improved by power
 * iteration: in training W is divided by the sigma of the improved vectors, in evaluation by that
 * of the states. With the name of the layer, the states stand beside its weight:
 *
 *     erg_linear *layer = erg_linear_new(g, "dense", 64, 64, (erg_linear_options){0});
 *     erg_spectral_norm *norm =
 *         erg_spectral_norm_new(g, "dense", layer->weight, (erg_spectral_norm_options){0});
 *     layer->weight = norm->weight;                (and norm->update among the outputs of training)
 *
 * The states are brought close to the singular vectors of the weight as it is when the module is
 * made; whoever sets the weight anew later runs the update some times, or sets the states too. A
 * weight of zeros has no direction and gives NaN. */
typedef struct erg_spectral_norm {
    erg_node *weight; /* W / sigma, of W's shape */
    erg_node *u, *v;  /* states, (rows) and (columns) */
    erg_node *update; /* an effect: the states hold the improved vectors; in evaluation, the old */
} erg_spectral_norm;
typedef struct erg_spectral_norm_options {
    int iterations;     /* of power iteration in a run; default 1 */
    int axis;           /* of the rows; default 0; PyTorch has 1 for transposed convolutions */
    double epsilon;     /* least length that u and v are divided by; default 1e-12 */
    erg_node *training; /* a training flag */
} erg_spectral_norm_options;
ERG_API erg_spectral_norm *erg_spectral_norm_new(erg_graph *graph, const char *name,
                                                 erg_node *weight,
                                                 erg_spectral_norm_options options);

/* x m / (1 - rate) in training, where m is 1 with probability 1 - rate, else 0, for each element
 * and run anew; x itself in evaluation and for rate 0 (Srivastava et al. 2014). 0 <= rate < 1;
 * training is a training flag. Chains want evaluation: their energy is one function. */
ERG_API erg_node *erg_dropout(erg_node *x, double rate, erg_node *training);

/* Row index[i] of the param "weight" (count, width), at first N(0, 1): int32 (...) -> (..., width).
 * An index out of range gives NaN, as in erg_take. */
typedef struct erg_embedding {
    erg_node *weight;
} erg_embedding;
typedef struct erg_embedding_options {
    erg_dtype dtype; /* default float32 */
} erg_embedding_options;
ERG_API erg_embedding *erg_embedding_new(erg_graph *graph, const char *name, int64_t count,
                                         int64_t width, erg_embedding_options options);
ERG_API erg_node *erg_embedding_apply(const erg_embedding *embedding, erg_node *index);

/* Multi-head self-attention (Vaswani et al. 2017) as in PyTorch's MultiheadAttention:
 * x (B, N, D) -> (B, N, D). Params "in_proj_weight" (3 D, D) of queries, keys and values, at first
 * Xavier uniform, "in_proj_bias" (3 D), at first 0, "out_proj/weight" (D, D) and "out_proj/bias"
 * (D), at first 0. heads divides D. */
typedef struct erg_attention {
    erg_node *in_weight;
    erg_node *in_bias; /* NULL if there is none */
    erg_linear *out;
    int64_t heads;
} erg_attention;
typedef struct erg_attention_options {
    erg_dtype dtype; /* default float32 */
    int no_bias;
} erg_attention_options;
ERG_API erg_attention *erg_attention_new(erg_graph *graph, const char *name, int64_t width,
                                         int64_t heads, erg_attention_options options);
/* mask, of x's dtype, is added to the scores [query, key] before the softmax: 0 where the query may
 * see the key, -infinity where it may not. It is (N, N), (B, 1, N) or (B, N, N), or NULL. A query
 * that may see nothing gives NaN. */
ERG_API erg_node *erg_attention_apply(const erg_attention *attention, erg_node *x, erg_node *mask);
/* That mask from one of ones (visible) and zeros (hidden), of the same shape. */
ERG_API erg_node *erg_attention_mask(erg_node *visible);

/* Random Fourier features (Tancik et al. 2020): x (..., in) -> (..., 2 count),
 * [cos(2 pi F x), sin(2 pi F x)] with the state "frequencies" F (count, in) ~ N(0, scale^2), which
 * is not trained. */
typedef struct erg_fourier {
    erg_node *frequencies;
} erg_fourier;
typedef struct erg_fourier_options {
    erg_dtype dtype; /* default float32 */
    double scale;    /* default 1 */
} erg_fourier_options;
ERG_API erg_fourier *erg_fourier_new(erg_graph *graph, const char *name, int64_t in, int64_t count,
                                     erg_fourier_options options);
ERG_API erg_node *erg_fourier_apply(const erg_fourier *fourier, erg_node *x);
/* Sinusoidal embedding of positions or time steps (Vaswani et al. 2017): t (...) -> (..., width),
 * [cos(t f), sin(t f)] with f_i = period^(-2 i / width), i = 0 .. width / 2 - 1. width is even;
 * period 0 means 10000. */
ERG_API erg_node *erg_sinusoidal(erg_node *t, int64_t width, double period);

/* Feature-wise linear modulation (Perez et al. 2018): (1 + gamma) x + beta for x (B, C, ...), with
 * [gamma, beta] = condition W^T + b, condition (B, K), or (1, K) for all samples. Params as those
 * of a linear layer from K to 2 C. */
typedef erg_linear erg_film;
ERG_API erg_film *erg_film_new(erg_graph *graph, const char *name, int64_t condition,
                               int64_t channels, erg_linear_options options);
ERG_API erg_node *erg_film_apply(const erg_film *film, erg_node *x, erg_node *condition);

/* x + linear2(f(linear1(f(x)))) with f the activation: x (..., width) -> the same, through `hidden`
 * features. */
typedef struct erg_residual_linear {
    erg_linear *linear1, *linear2;
    erg_activation activation;
} erg_residual_linear;
ERG_API erg_residual_linear *erg_residual_linear_new(erg_graph *graph, const char *name,
                                                     int64_t width, int64_t hidden,
                                                     erg_mlp_options options);
ERG_API erg_node *erg_residual_linear_apply(const erg_residual_linear *block, erg_node *x);

/* Pre-activation residual block of images (He et al. 2016): x (B, in, H, W) -> (B, out, H, W),
 * shortcut(x) + conv2(f(norm2(conv1(f(norm1(x)))))), with 3 x 3 convolutions of padding 1; halved
 * in height and width by a mean of 2 x 2 pixels if `down`. The shortcut is a 1 x 1 convolution if
 * in and out differ. Params in "conv1", "conv2", "shortcut", "norm1", "norm2". */
typedef struct erg_residual_block {
    erg_convolution *conv1, *conv2, *shortcut; /* shortcut is NULL if in == out */
    erg_group_norm *norm1, *norm2;             /* NULL without */
    erg_node *update;                          /* of the spectral norms, or NULL */
    erg_activation activation;
    int down;
} erg_residual_block;
typedef struct erg_residual_options {
    erg_dtype dtype;           /* default float32 */
    erg_activation activation; /* default silu */
    int64_t groups;            /* of group norms before the activations; default: no norms */
    int down;
    int spectral_norm;  /* of all weights */
    erg_node *training; /* a training flag, for spectral_norm */
} erg_residual_options;
ERG_API erg_residual_block *erg_residual_block_new(erg_graph *graph, const char *name, int64_t in,
                                                   int64_t out, erg_residual_options options);
ERG_API erg_node *erg_residual_block_apply(const erg_residual_block *block, erg_node *x);

/* ------------------------------------------------------------------------------- models
 *
 * Energies with params, functions of the erg_energy form: self is the struct named. */

/* An MLP that is told the noise sigma of its input (Song & Ermon 2019): Fourier features of
 * log sigma, and a linear layer with the activation, give a vector that modulates each hidden layer
 * by FiLM. Params of layer i in "<i>" and "film<i>", of the vector in "embed". */
typedef struct erg_noise_mlp {
    erg_fourier *features;
    erg_linear *embed;
    int n_layers;
    erg_linear **layers;
    erg_film **films; /* n_layers - 1 */
    erg_activation activation;
} erg_noise_mlp;
typedef struct erg_noise_mlp_options {
    erg_dtype dtype;           /* default float32 */
    erg_activation activation; /* default silu */
    int64_t embedding;         /* width of that vector, even; default 64 */
    double scale;              /* of the features' frequencies; default 1 */
} erg_noise_mlp_options;
ERG_API erg_noise_mlp *erg_noise_mlp_new(erg_graph *graph, const char *name, const int64_t *sizes,
                                         int n_sizes, erg_noise_mlp_options options);
/* x (B, in), noise (B) or () > 0 -> (B, out). */
ERG_API erg_node *erg_noise_mlp_apply(const erg_noise_mlp *net, erg_node *x, erg_node *noise);
/* The energy of a network whose last width is 1, an erg_pair_energy: at one level of noise it is
 * erg_energy_given(graph, (erg_pair_energy){erg_noise_mlp_energy, net}, noise). */
ERG_API erg_node *erg_noise_mlp_energy(void *self, erg_node *x, erg_node *noise);

/* A convolutional energy of images (B, C, H, W) -> (B) (Lippe 2020, UvA deep learning tutorial 8):
 * four convolutions of stride 2 with w, 2 w, 4 w and 4 w channels, kernel 5 and padding 4, then
 * kernel 3 and padding 1, each followed by the activation; then the MLP "top" with one hidden layer
 * of 4 w. Convolution i is "<i>". 1 x 28 x 28 images and w = 16 make 76,993 numbers. */
enum { ERG_CNN_CONVOLUTIONS = 4 };
typedef struct erg_cnn {
    erg_convolution *convolutions[ERG_CNN_CONVOLUTIONS];
    erg_mlp *top;
    erg_activation activation;
    int64_t image[3];
} erg_cnn;
typedef struct erg_cnn_options {
    erg_dtype dtype;           /* default float32 */
    erg_activation activation; /* default silu */
    int64_t width;             /* w; default 16 */
    erg_init init;
    double gain;
} erg_cnn_options;
/* image: channels, height, width. */
ERG_API erg_cnn *erg_cnn_new(erg_graph *graph, const char *name, const int64_t image[3],
                             erg_cnn_options options);
ERG_API erg_node *erg_cnn_energy(void *self, erg_node *x);

/* A residual energy of images (B, C, H, W) -> (B) with spectral norm, after IGEBM (Du & Mordatch
 * 2019): a 3 x 3 convolution "stem" to widths[0] channels; for each width, `blocks` residual blocks,
 * of which the first halves the image; activation, sum over all pixels, linear layer "dense". Block
 * i is "<i>". Their network for CIFAR-10 has the widths 128, 256, 256 and two blocks of each, and
 * leaky relus of slope 0.2 after the convolutions, where here the activation comes before them. */
typedef struct erg_resnet {
    erg_convolution *stem;
    int n_blocks;
    erg_residual_block **blocks;
    erg_linear *dense;
    erg_node *update; /* of the spectral norms: an effect, for the outputs of training; or NULL */
    erg_activation activation;
} erg_resnet;
typedef struct erg_resnet_options {
    erg_dtype dtype;           /* default float32 */
    erg_activation activation; /* default silu */
    int blocks;                /* of each width; default 2 */
    int no_spectral_norm;
    erg_node *training; /* a training flag, for the spectral norm */
} erg_resnet_options;
ERG_API erg_resnet *erg_resnet_new(erg_graph *graph, const char *name, int64_t channels,
                                   const int64_t *widths, int n_widths, erg_resnet_options options);
ERG_API erg_node *erg_resnet_energy(void *self, erg_node *x);

/* Products of Student-t experts: E(x) = sum_k alpha_k log(1 + y_k^2 / 2) with y = W x for x (B, D)
 * (Welling et al. 2003), or, summed over all places too, y = conv2d(x, W) for images (B, C, H, W):
 * a field of experts (Roth & Black 2005). Params "weight" (K, D) or (K, C, kernel, kernel), and
 * "log_alpha" (K), at first 0. It is a density only if the experts bound x in all directions. */
typedef struct erg_experts {
    erg_node *weight;
    erg_node *log_alpha;
} erg_experts;
ERG_API erg_experts *erg_product_of_experts_new(erg_graph *graph, const char *name, int64_t d,
                                                int64_t experts, erg_dtype dtype);
ERG_API erg_experts *erg_field_of_experts_new(erg_graph *graph, const char *name, int64_t channels,
                                              int64_t experts, int64_t kernel, erg_dtype dtype);
ERG_API erg_node *erg_experts_energy(void *self, erg_node *x);

/* The modern Hopfield network (Ramsauer et al. 2021), x (B, D):
 * E(x) = -1/beta log sum_i exp(beta x_i . x) + |x|^2 / 2 + log(N) / beta + M^2 / 2 with M the
 * length of the longest pattern. exp(-beta E) is a mixture of Gaussians N(x_i, I / beta) with
 * weights proportional to exp(beta |x_i|^2 / 2). Filled in by the caller. */
typedef struct erg_hopfield {
    erg_node *patterns; /* (N, D) of any kind; N >= 1 */
    double beta;        /* default 1 */
} erg_hopfield;
ERG_API erg_node *erg_hopfield_energy(void *self, erg_node *x);
/* One step of retrieval: sum_i x_i softmax_i(beta x_i . x), (B, D). */
ERG_API erg_node *erg_hopfield_retrieve(const erg_hopfield *hopfield, erg_node *x);

/* The restricted Boltzmann machine of V visible and H hidden units, h in {0, 1}:
 * binary, v in {0, 1}: E(v, h) = -v^T W h - b^T v - c^T h;
 * Gaussian, v real:    E(v, h) = sum (v - b)^2 / 2 s^2 - (v / s^2)^T W h - c^T h (Cho et al. 2011).
 * Params "weight" W (V, H) ~ N(0, std^2), "visible_bias" b and "hidden_bias" c, at first 0, and
 * for the Gaussian "log_variance" log s^2 (V), at first 0. */
typedef struct erg_rbm {
    erg_node *weight, *visible_bias, *hidden_bias;
    erg_node *log_variance; /* NULL if v is binary */
} erg_rbm;
typedef struct erg_rbm_options {
    erg_dtype dtype; /* default float32 */
    int gaussian;
    double std; /* default 0.01 (Hinton 2012) */
} erg_rbm_options;
ERG_API erg_rbm *erg_rbm_new(erg_graph *graph, const char *name, int64_t visible, int64_t hidden,
                             erg_rbm_options options);
/* The energy of v (B, V) alone, -log sum_h exp(-E(v, h)), also called free energy: (B). */
ERG_API erg_node *erg_rbm_energy(void *self, erg_node *v);
/* E(v, h), (B) from v (B, V) and h (B, H): an erg_pair_energy. */
ERG_API erg_node *erg_rbm_joint_energy(void *self, erg_node *v, erg_node *h);
/* p(h_j = 1 | v), (B, H); and the mean of v given h, (B, V): p(v_i = 1 | h), or b + W h. */
ERG_API erg_node *erg_rbm_hidden(const erg_rbm *rbm, erg_node *v);
ERG_API erg_node *erg_rbm_visible(const erg_rbm *rbm, erg_node *h);
/* Draws from these conditional distributions, new ones at each run. One after the other they are a
 * sweep of Gibbs sampling. */
ERG_API erg_node *erg_rbm_sample_hidden(const erg_rbm *rbm, erg_node *v);
ERG_API erg_node *erg_rbm_sample_visible(const erg_rbm *rbm, erg_node *h);
/* log Z, exactly, (): a sum over all states of the smaller layer, of the hidden one if v is real;
 * that layer has n <= 20 units. Its gradient by the params, the exact average over the model, keeps
 * 2^n times the units of the other layer in memory. */
ERG_API erg_node *erg_rbm_log_z(const erg_rbm *rbm);

/* Spins on a lattice, neighbours bound along each axis, each pair once:
 * Ising, s (B, sites...) of -1 and 1:  E(s) = -J sum_<ij> s_i s_j - sum_i h_i s_i;
 * Potts, s (B, sites..., Q) one-hot:   E(s) = -J sum_<ij> [s_i = s_j] - sum_i h_i(s_i).
 * The temperature is in J and h. Filled in by the caller, with nodes of any kind. */
typedef struct erg_lattice {
    erg_node *coupling; /* J, () */
    erg_node *field;    /* h, of a shape that broadcasts to a sample's; NULL: 0 */
    int open;           /* default: an axis closes to a ring (of 3 sites and more) */
} erg_lattice;
ERG_API erg_node *erg_ising_energy(void *self, erg_node *s);
ERG_API erg_node *erg_potts_energy(void *self, erg_node *s);

/* A classifier as an energy (JEM, Grathwohl et al. 2020) of x (B, ...): -logsumexp of the logits.
 * Filled in by the caller. */
typedef struct erg_classifier {
    erg_node *(*logits)(void *self, erg_node *x); /* (B, ...) -> (B, classes) */
    void *self;                                   /* of logits */
} erg_classifier;
ERG_API erg_node *erg_classifier_energy(void *self, erg_node *x);
/* -f(x)[label] with label int32 (B), an erg_pair_energy: of p(x, y), and given y of p(x | y). */
ERG_API erg_node *erg_classifier_joint_energy(void *self, erg_node *x, erg_node *label);

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

/* The Gaussian N(mean, covariance): E(x) = 1/2 (x - mean)^T precision (x - mean), x (B, D), with the
 * precision covariance^-1. */
typedef struct erg_gaussian {
    erg_node *mean;   /* (D) */
    erg_node *whiten; /* (D, D), W with W^T W = precision */
    erg_node *colour; /* (D, D), W^-1 */
    double log_z;     /* D/2 log(2 pi) + 1/2 log det covariance */
} erg_gaussian;
/* mean (D), NULL for 0; one of covariance and precision (D, D), symmetric and positive definite, the
 * other NULL. */
ERG_API erg_gaussian *erg_gaussian_new(erg_graph *graph, erg_dtype dtype, int64_t d,
                                       const double *mean, const double *covariance,
                                       const double *precision);
ERG_API erg_node *erg_gaussian_energy(void *self, erg_node *x);
/* n exact samples (n, D), new ones at each run; so for all that end in _sample. */
ERG_API erg_node *erg_gaussian_sample(const erg_gaussian *gaussian, int64_t n);

/* For the energies below, self is a pointer to the struct, or NULL for its defaults; a field left
 * zero has its default, and ERG_ZERO is 0. The functions _log_z give NAN for bad options. */

/* The banana (Haario, Saksman & Tamminen 1999), x (B, 2):
 * E = x_1^2 / (2 s^2) + (x_2 + b (x_1^2 - s^2))^2 / 2, log Z = log(2 pi s), means 0,
 * Var x_1 = s^2, Var x_2 = 1 + 2 b^2 s^4. */
typedef struct erg_banana {
    double scale;     /* s; default 10 */
    double curvature; /* b; default 0.03 */
} erg_banana;
ERG_API erg_node *erg_banana_energy(void *self, erg_node *x);
ERG_API double erg_banana_log_z(const erg_banana *banana);
ERG_API erg_node *erg_banana_sample(erg_graph *graph, erg_dtype dtype, const erg_banana *banana,
                                    int64_t n);

/* Rosenbrock's function (1960) as an energy (Goodman & Weare 2010), x (B, 2):
 * E = (b (x_2 - x_1^2)^2 + (x_1 - c)^2) / T, log Z = log(pi T / sqrt(b)), means c and c^2 + T/2,
 * Var x_1 = T/2, Var x_2 = T/(2b) + 2 c^2 T + T^2/2. */
typedef struct erg_rosenbrock {
    double centre;      /* c; default 1 */
    double steepness;   /* b; default 100 */
    double temperature; /* T; default 20 */
} erg_rosenbrock;
ERG_API erg_node *erg_rosenbrock_energy(void *self, erg_node *x);
ERG_API double erg_rosenbrock_log_z(const erg_rosenbrock *rosenbrock);
ERG_API erg_node *erg_rosenbrock_sample(erg_graph *graph, erg_dtype dtype,
                                        const erg_rosenbrock *rosenbrock, int64_t n);

/* The funnel (Neal 2003), x (B, D): v = x_1 ~ N(0, s^2), the others ~ N(0, e^v):
 * E = v^2 / (2 s^2) + e^-v sum_(i>1) x_i^2 / 2 + (D - 1) v / 2, log Z = D/2 log(2 pi) + log s,
 * means 0, Var x_i = exp(s^2 / 2). */
typedef struct erg_funnel {
    double scale; /* s; default 3 */
} erg_funnel;
ERG_API erg_node *erg_funnel_energy(void *self, erg_node *x);
ERG_API double erg_funnel_log_z(const erg_funnel *funnel, int64_t d);
ERG_API erg_node *erg_funnel_sample(erg_graph *graph, erg_dtype dtype, const erg_funnel *funnel,
                                    int64_t n, int64_t d);

/* Two wells at x_1 = +-a with a barrier h between them, x (B, D):
 * E = h ((x_1 / a)^2 - 1)^2 + sum_(i>1) x_i^2 / 2, means 0; log Z by quadrature, to rounding. */
typedef struct erg_double_well {
    double height;   /* h; default 1 */
    double distance; /* a; default 1 */
} erg_double_well;
ERG_API erg_node *erg_double_well_energy(void *self, erg_node *x);
ERG_API double erg_double_well_log_z(const erg_double_well *well, int64_t d);
/* By rejection, 60 proposals for each sample: |x_1| / a from N(1, 1 / 2h) or, for low wells,
 * x_1 / a from a wide N(0, s^2). More than 1/2 are accepted for every h; none with probability
 * < 1e-18. */
ERG_API erg_node *erg_double_well_sample(erg_graph *graph, erg_dtype dtype,
                                         const erg_double_well *well, int64_t n, int64_t d);

/* Rings of radii R_k = k s, k = 1, .., K, x (B, 2): E = -log sum_k exp(-(|x| - R_k)^2 / (2 w^2)),
 * Z = sum_k 2 pi w (w exp(-R_k^2 / (2 w^2)) + R_k sqrt(pi/2) erfc(-R_k / (sqrt(2) w))), mean 0. At
 * x = 0, where |x| has a corner, the derivative is 0. */
#define ERG_RINGS_MAX 64
typedef struct erg_rings {
    int count;      /* K, 1 to ERG_RINGS_MAX; default 3 */
    double spacing; /* s; default 1 */
    double width;   /* w; default 0.1 */
} erg_rings;
ERG_API erg_node *erg_rings_energy(void *self, erg_node *x);
ERG_API double erg_rings_log_z(const erg_rings *rings);
/* A ring by its part of Z, then a radius by rejection, 28 proposals for each sample: more than 0.76
 * are accepted for every R / w; none with probability < 1e-17. */
ERG_API erg_node *erg_rings_sample(erg_graph *graph, erg_dtype dtype, const erg_rings *rings,
                                   int64_t n);

/* The von Mises distribution of D angles, x (B, D) in radians, of which one turn counts:
 * E = -k sum_i cos(x_i - m), log Z = D log(2 pi I_0(k)), E[cos(x_i - m)] = I_1(k) / I_0(k). */
typedef struct erg_von_mises {
    double concentration; /* k >= 0; default 1 */
    double mean;          /* m; default 0 */
} erg_von_mises;
ERG_API erg_node *erg_von_mises_energy(void *self, erg_node *x);
ERG_API double erg_von_mises_log_z(const erg_von_mises *von_mises, int64_t d);
/* Angles in m +- pi, by rejection (Best & Fisher 1979), 40 proposals for each: more than 0.65 are
 * accepted for every k; none with probability < 1e-18. */
ERG_API erg_node *erg_von_mises_sample(erg_graph *graph, erg_dtype dtype,
                                       const erg_von_mises *von_mises, int64_t n, int64_t d);

/* Rastrigin's function (1974), a bowl with a minimum near each point of the integer lattice,
 * x (B, D): E = sum_i x_i^2 + A (1 - cos 2 pi x_i), least at 0;
 * log Z = D log(sqrt(pi) e^-A sum_k I_k(A) exp(-pi^2 k^2)), means 0. It and Ackley's function have
 * no sampler. */
typedef struct erg_rastrigin {
    double height; /* A >= 0; default 10 */
} erg_rastrigin;
ERG_API erg_node *erg_rastrigin_energy(void *self, erg_node *x);
ERG_API double erg_rastrigin_log_z(const erg_rastrigin *rastrigin, int64_t d);

/* Ackley's function (1987), a hole in a wavy plain, x (B, D):
 * E = a + e - a exp(-b sqrt(mean x_i^2)) - exp(mean cos c x_i), least at 0, where it has a corner
 * (derivative 0). It stays below a + e: no density without a bowl added, Z is infinite. */
typedef struct erg_ackley {
    double height;    /* a; default 20 */
    double slope;     /* b; default 0.2 */
    double frequency; /* c; default 2 pi */
} erg_ackley;
ERG_API erg_node *erg_ackley_energy(void *self, erg_node *x);

/* ------------------------------------------------------------------------------- compositions
 *
 * Energies made of energies. What they need is kept in the graph's memory, so that they nest; the
 * pointers `self` of the parts must stay good. fn is NULL on a mistake. Weights and temperatures are
 * nodes of x's dtype: constants, params to be trained, or inputs changed between runs. */

/* sum_k w_k E_k(x): p is proportional to prod_k p_k^w_k, a product of experts (Hinton 2002). weights
 * (n), NULL for ones. */
ERG_API erg_energy erg_energy_sum(erg_graph *graph, const erg_energy *energies, int n,
                                  erg_node *weights);
typedef struct erg_energy_mixture_options {
    erg_node *logits; /* (n), log w_k; default: zeros */
    erg_node *log_z;  /* (n), of the parts; default: zeros */
    int normalised;   /* w_k = softmax(logits): with log_z given, the mixture has log Z = 0 */
} erg_energy_mixture_options;
/* -log sum_k w_k exp(-E_k(x)) / Z_k */
ERG_API erg_energy erg_energy_mixture(erg_graph *graph, const erg_energy *energies, int n,
                                      erg_energy_mixture_options options);
/* The mean of an ensemble, and its disagreement: sqrt(mean_k (E_k(x) - mean E(x))^2), of derivative 0
 * where all agree. */
ERG_API erg_energy erg_energy_mean(erg_graph *graph, const erg_energy *energies, int n);
ERG_API erg_energy erg_energy_disagreement(erg_graph *graph, const erg_energy *energies, int n);
/* E(x) / T: T > 1 flattens, T -> 0 leaves the minima. temperature (). */
ERG_API erg_energy erg_energy_tempered(erg_graph *graph, erg_energy energy, erg_node *temperature);
/* (1 + w) E_conditional(x) - w E_unconditional(x): classifier-free guidance (Ho & Salimans 2022) for
 * energies. weight (). */
ERG_API erg_energy erg_energy_guided(erg_graph *graph, erg_energy conditional,
                                     erg_energy unconditional, erg_node *weight);

/* An energy of two: a sample x (B, ...) and a condition c, such as a label (B), a noise level (B) or
 * (), or a latent variable z (B, ...): fn(self, x, c) is (B), element b depends on x[b] and c[b]. */
typedef struct erg_pair_energy {
    erg_node *(*fn)(void *self, erg_node *x, erg_node *condition);
    void *self;
} erg_pair_energy;
/* fn(self, x, condition), with the batches and the result's shape checked. */
ERG_API erg_node *erg_pair_energy_apply(erg_pair_energy energy, erg_node *x, erg_node *condition);
/* x -> E(x, condition): conditional on what the node holds. */
ERG_API erg_energy erg_energy_given(erg_graph *graph, erg_pair_energy energy, erg_node *condition);
/* z -> E(x, z): to sample or minimise over the latent variable of a sample. */
ERG_API erg_energy erg_energy_of_latent(erg_graph *graph, erg_pair_energy energy, erg_node *x);
/* (x, z) -> E(x, z) with both side by side, (B, width + D_z): x are the first `width` columns. */
ERG_API erg_energy erg_energy_joint(erg_graph *graph, erg_pair_energy energy, int64_t width);
/* The free energy -log sum_c exp(-E(x, c)) over the labels c = 0, .., classes - 1: int32 (B). */
ERG_API erg_energy erg_energy_over_labels(erg_graph *graph, erg_pair_energy energy,
                                          int64_t classes);

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

/* ------------------------------------------------------------------------------- sets of params
 *
 * A set is an array of nodes, such as erg_params(graph, "net/", &n). */

/* Those whose names do not start with prefix, which stay frozen if an optimiser gets the rest. The
 * array lives as long as the graph; *count is their number. NULL if there are none. */
ERG_API erg_node **erg_params_without(erg_node *const *params, int n, const char *prefix,
                                      int *count);
/* The number of elements in all of them. */
ERG_API int64_t erg_params_size(erg_node *const *params, int n);
/* Copies values, from another graph or the same: the param "<prefix>rest" gets the value of the leaf
 * "<from_prefix>rest" of `from`. A prefix of NULL is "". All or nothing: each must have a counterpart
 * of its dtype and shape. */
ERG_API erg_status erg_params_copy(erg_node *const *params, int n, const char *prefix,
                                   erg_graph *from, const char *from_prefix);

/* Running averages of params (EMA): average <- decay average + (1 - decay) param. */
typedef struct erg_ema {
    int n;
    erg_node **params, **averages;
    erg_node *update; /* the node with the effect, to be compiled among a plan's outputs */
} erg_ema;
typedef struct erg_ema_options {
    double decay; /* default 0.999 */
    erg_node
        *after; /* effects, such as an optimiser's step in the same plan: the params as they are
                         after them are averaged; default: as they are before the run */
    const char *name; /* default "ema" */
} erg_ema_options;
/* The averages are states named "<scope>/<name>/<param>", which start as the params' present values.
 * NULL on a mistake. To evaluate with them, copy them into the model of another
 * graph, erg_params_copy(params, n, "net/", graph, "ema/net/"), or swap. */
ERG_API erg_ema *erg_ema_new(erg_node *const *params, int n, erg_ema_options options);
/* Exchanges the values of params and averages; a second time puts them back. */
ERG_API void erg_ema_swap(erg_ema *ema);

/* ------------------------------------------------------------------------------- optimisers */

/* An optimiser is a node whose effect is one step of n params (of one dtype) down the gradient of the
 * sum of loss: compiled among a plan's outputs, a run of the plan is a training step. The rules and
 * defaults are PyTorch's. States are named "<scope>/<name>/<param>/<what>", of zeros at first, and
 * the number of steps done is "<scope>/<name>/step". All optimisers have these options: */
#define ERG_OPTIMISER_OPTIONS                                                                      \
    double learning_rate;         /* default 1e-3, or as the optimiser says */                     \
    erg_node *learning_rate_node; /* 0-d float: if set, used instead */                            \
    double weight_decay;          /* adds weight_decay p to p's gradient; default 0 */             \
    double clip_norm;             /* see erg_clip_norm; default: not */                            \
    double clip_value;            /* see erg_clip_value, comes first; default: not */              \
    erg_node *const *gradients;   /* n nodes, used instead of the gradients of loss (or NULL) */   \
    erg_node *step;               /* 0-d float64 state to count steps in; default: an own one */   \
    const char *name              /* default: the optimiser's, such as "adam" */

/* Gradient descent: b <- momentum b + (1 - dampening) g, p <- p - rate b; without momentum b = g,
 * and b = g in the first step. State "momentum", if there is one. */
typedef struct erg_sgd_options {
    ERG_OPTIMISER_OPTIONS;
    double momentum;  /* default 0 */
    double dampening; /* default 0 */
    int nesterov;     /* p <- p - rate (g + momentum b); needs momentum, no dampening */
} erg_sgd_options;
ERG_API erg_node *erg_sgd(erg_node *loss, erg_node *const *params, int n, erg_sgd_options options);

/* RMSprop (Tieleman & Hinton 2012): v <- alpha v + (1 - alpha) g^2,
 * p <- p - rate g / (sqrt(v) + epsilon). States "square", "mean" if centred, "momentum". */
typedef struct erg_rmsprop_options {
    ERG_OPTIMISER_OPTIONS; /* learning_rate: default 0.01 */
    double alpha;          /* default 0.99; ERG_ZERO for 0 */
    double epsilon;        /* default 1e-8 */
    double momentum;       /* default 0; > 0: b <- momentum b + g / (..), p <- p - rate b */
    int centred;           /* v less the square of the running mean of g in the place of v */
} erg_rmsprop_options;
ERG_API erg_node *erg_rmsprop(erg_node *loss, erg_node *const *params, int n,
                              erg_rmsprop_options options);

/* Adagrad (Duchi, Hazan & Singer 2011), t = 0, 1, ...: s <- s + g^2,
 * p <- p - rate / (1 + t rate_decay) g / (sqrt(s) + epsilon). State "sum". */
typedef struct erg_adagrad_options {
    ERG_OPTIMISER_OPTIONS; /* learning_rate: default 0.01 */
    double rate_decay;     /* default 0 */
    double initial_sum;    /* of s; default 0 */
    double epsilon;        /* default 1e-10 */
} erg_adagrad_options;
ERG_API erg_node *erg_adagrad(erg_node *loss, erg_node *const *params, int n,
                              erg_adagrad_options options);

/* Adam (Kingma & Ba 2015, algorithm 1), with g the gradient, t = 1, 2, ...:
 *     m <- b1 m + (1 - b1) g,  v <- b2 v + (1 - b2) g^2,
 *     p <- p - rate (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + epsilon).
 * The states "m" and "v" hold m / (1 - b1) and v / (1 - b2), "v_max" the greatest of the latter. */
typedef struct erg_adam_options {
    ERG_OPTIMISER_OPTIONS;
    double beta1, beta2; /* default 0.9, 0.999; ERG_ZERO for 0 */
    double epsilon;      /* default 1e-8 */
    int amsgrad;         /* the greatest v so far in the place of v (Reddi, Kale & Kumar 2018) */
} erg_adam_options;
ERG_API erg_node *erg_adam(erg_node *loss, erg_node *const *params, int n,
                           erg_adam_options options);
/* AdamW (Loshchilov & Hutter 2019): weight_decay, default 0.01, is not part of the gradient;
 * instead p <- (1 - rate weight_decay) p before the step. */
ERG_API erg_node *erg_adamw(erg_node *loss, erg_node *const *params, int n,
                            erg_adam_options options);

/* Replace n gradients, of any kind, as in PyTorch. On a mistake they are left as they are. */
/* Each element is kept in +-limit. */
ERG_API void erg_clip_value(erg_node **gradients, int n, double limit);
/* All are scaled by min(1, limit / (norm + 1e-6)), where norm, which is returned (0-d), is that of
 * all elements of all gradients together. */
ERG_API erg_node *erg_clip_norm(erg_node **gradients, int n, double limit);
/* decay param is added to each: the gradient of decay |param|^2 / 2. */
ERG_API void erg_add_weight_decay(erg_node **gradients, erg_node *const *params, int n,
                                  double decay);

/* ------------------------------------------------------------------------------- schedules
 *
 * Learning rates for learning_rate_node, 0-d nodes of step's dtype. step, a 0-d float, is the number
 * of steps done, t = 0, 1, ...: make a float64 state and give it to the optimiser as `step`, too.
 * Rates and factors are >= 0, numbers of steps > 0. Schedules may be multiplied: a linear one from 0
 * to 1 is a warm-up for another. */

/* rate factor^floor(t / every) */
ERG_API erg_node *erg_step_schedule(erg_node *step, double rate, int64_t every, double factor);
/* rate factor^t */
ERG_API erg_node *erg_exponential_schedule(erg_node *step, double rate, double factor);
/* least + (rate - least) (1 + cos(pi t / steps)) / 2 (Loshchilov & Hutter 2017); rises again after
 * `steps`. */
ERG_API erg_node *erg_cosine_schedule(erg_node *step, double rate, double least, int64_t steps);
/* from + (to - from) min(t / steps, 1) */
ERG_API erg_node *erg_linear_schedule(erg_node *step, double from, double to, int64_t steps);

typedef struct erg_one_cycle_options {
    double greatest;      /* the peak; required */
    int64_t steps;        /* of the whole cycle, more than 1 / rise; required */
    double rise;          /* the part of the steps before the peak, below 1; default 0.3 */
    double first_divisor; /* the first rate is greatest / first_divisor; default 25 */
    double last_divisor;  /* the last is the first / last_divisor; default 1e4 */
    int linear;           /* straight lines; default: half cosines */
} erg_one_cycle_options;
/* Up and down again (Smith & Topin 2018); the last rate stays. */
ERG_API erg_node *erg_one_cycle_schedule(erg_node *step, erg_one_cycle_options options);

/* ------------------------------------------------------------------------------- L-BFGS */

typedef struct erg_lbfgs_options {
    int history;            /* steps remembered; default 10 */
    int64_t max_iterations; /* default 1000 */
    double tolerance; /* of the largest element of the gradient; default 1e-8, ERG_ZERO: goes on
                               until rounding lets nothing be lower */
} erg_lbfgs_options;
typedef struct erg_lbfgs_result {
    double loss, gradient; /* where it ended: the loss, the largest element of its gradient */
    int64_t iterations, evaluations;
    int converged; /* gradient <= tolerance */
} erg_lbfgs_result;
/* Minimises a float64 loss () over n float64 params, which end where it is least, by L-BFGS (Liu &
 * Nocedal 1989) with a line search for the strong Wolfe conditions (Nocedal & Wright 2006). For losses
 * that are smooth and without noise: random nodes draw the same numbers at each evaluation. Adds the
 * gradients to the graph and runs a plan of its own. Not to have converged is no error; result may be
 * NULL. Refuses a loss that is not finite at the start. */
ERG_API erg_status erg_lbfgs(erg_node *loss, erg_node *const *params, int n,
                             erg_lbfgs_options options, erg_lbfgs_result *result);

/* ------------------------------------------------------------------------------- weights
 *
 * Bundles call a param "layers/0/weight" "layers.0.weight", as PyTorch's state dictionaries do. */

/* Copies of the params in this scope, without the scope in their names; NULL: all, with full names.
 * NULL (with a message) if there are none. The caller frees the bundle. */
ERG_API erg_bundle *erg_weights(erg_graph *graph, const char *scope);

typedef struct erg_load_options {
    const char *scope; /* only the params in this scope, without it in their names; default: all */
    int partial;       /* not 0: what has no partner in the other is passed over */
} erg_load_options;
typedef struct erg_load_result {
    int loaded;  /* params that got their values */
    int missing; /* params that the bundle lacks: left as they were */
    int unused;  /* tensors of the bundle that are no params */
} erg_load_result;
/* Sets the params to the bundle's tensors, which are floats of the same shapes. All or nothing: a
 * shape that differs is refused, and so are params and tensors without a partner unless partial.
 * result may be NULL. */
ERG_API erg_status erg_load_weights(erg_graph *graph, const erg_bundle *bundle,
                                    erg_load_options options, erg_load_result *result);

/* ------------------------------------------------------------------------------- checkpoints */

/* Something with a state of its own outside of the graph, which a checkpoint keeps as well: a data
 * set, a replay buffer, something of the program's. */
typedef struct erg_checkpoint_part {
    const char *name; /* unique among the parts */
    void *self;
    /* Adds the state to an empty bundle: always the same names, dtypes and shapes. */
    erg_status (*save)(void *self, erg_bundle *state);
    /* `state` has the names, dtypes and shapes that save would give it now. Looks whether it could
     * be taken over, changing nothing; with apply not 0 takes over what was found good before, and
     * must not fail. */
    erg_status (*load)(void *self, const erg_bundle *state, int apply);
} erg_checkpoint_part;

/* A number of the program's, read when saving, set when loading. */
typedef struct erg_checkpoint_number {
    const char *name;
    double *value;
} erg_checkpoint_number;

typedef struct erg_checkpoint_options {
    const erg_checkpoint_number *numbers; /* n_numbers of them; default none */
    int n_numbers;
    const erg_checkpoint_part *parts; /* n_parts of them; default none */
    int n_parts;
} erg_checkpoint_options;

/* Saves the values of all params and states (of optimisers, averages, chains), the run counter, and
 * the options' numbers and parts, as one .safetensors file with a checksum. If the program is
 * killed at any moment the file is the old one or the new one, whole. A state without a name is
 * refused. A training that is built again in the same way, with the same seed, and loads this goes
 * on with the same bits as if it had never stopped. */
ERG_API erg_status erg_checkpoint_save(const char *path, erg_graph *graph,
                                       erg_checkpoint_options options);
/* Takes all that over, or nothing: refuses a damaged file, and one that lacks something, holds
 * something else, or has another dtype, shape or seed, and names it. */
ERG_API erg_status erg_checkpoint_load(const char *path, erg_graph *graph,
                                       erg_checkpoint_options options);
/* The same in memory: what a checkpoint saved now would hold, which the caller frees (NULL on an
 * error); and back again. */
ERG_API erg_bundle *erg_checkpoint_take(erg_graph *graph, erg_checkpoint_options options);
ERG_API erg_status erg_checkpoint_restore(const erg_bundle *checkpoint, erg_graph *graph,
                                          erg_checkpoint_options options);

/* ------------------------------------------------------------------------------- data sets */

/* Samples x (N, ...) and, if there are any, labels y (N, ...), in mini-batches. An epoch goes once
 * through all rows in an order that is a function of seed and epoch. */
typedef struct erg_dataset erg_dataset;
typedef struct erg_dataset_options {
    uint64_t seed; /* of the orders */
    int ordered;   /* not 0: rows in their own order in every epoch */
    int keep_last; /* an epoch's last rows, fewer than a batch, are left out by default; not 0: the
                      batch is filled up with the epoch's first rows */
} erg_dataset_options;
/* x and y of any dtype, y may be NULL; they stay the caller's and must live as long as the data
 * set. 1 <= N < 2^32. NULL on a mistake. The caller frees it. */
ERG_API erg_dataset *erg_dataset_new(const erg_tensor *x, const erg_tensor *y,
                                     erg_dataset_options options);
ERG_API void erg_dataset_free(erg_dataset *data);
/* Two sets of the same tensors that share the rows out by chance, a function of this seed: the
 * first gets the fraction, in (0, 1), rounded. Neither may be empty. The options are the same. The
 * caller frees both. */
ERG_API erg_status erg_dataset_split(const erg_dataset *data, double fraction, uint64_t seed,
                                     erg_dataset **train, erg_dataset **held_out);
/* Copies the next B rows into x (B, ...) and, unless it is NULL, y (B, ...), of the set's dtypes:
 * into the values of input leaves. B is at most the number of rows. */
ERG_API erg_status erg_dataset_next(erg_dataset *data, erg_tensor *x, erg_tensor *y);
/* The number of rows. */
ERG_API int64_t erg_dataset_size(const erg_dataset *data);
/* How many epochs are complete. */
ERG_API int64_t erg_dataset_epoch(const erg_dataset *data);
/* How many rows of the last batch were new in their epoch: B but for a batch that was filled up. */
ERG_API int64_t erg_dataset_fresh(const erg_dataset *data);
/* Copies of all rows of the set, which the caller frees; NULL (with a message) if there is no y. */
ERG_API erg_tensor *erg_dataset_x(const erg_dataset *data);
ERG_API erg_tensor *erg_dataset_y(const erg_dataset *data);
/* Keeps epoch and position in checkpoints; number of rows and seed must be the same there. */
ERG_API erg_checkpoint_part erg_dataset_part(erg_dataset *data, const char *name);

/* z = (x - mean) / std for each feature: states "<scope>/<name>/mean" and ".../std" of a sample's
 * shape, 0 and 1 until fitted, which checkpoints keep as all states. */
typedef struct erg_standardiser {
    erg_node *mean, *std;
} erg_standardiser;
ERG_API erg_standardiser *erg_standardiser_new(erg_graph *graph, const char *name, erg_dtype dtype,
                                               erg_shape sample);
/* Sets mean and std (of the population: divided by N) from the rows of x (N, sample...), of any
 * dtype, all finite; std is 1 for a feature that never changes. */
ERG_API erg_status erg_standardiser_fit(const erg_standardiser *standardiser, const erg_tensor *x);
/* x (B, sample...) of the standardiser's dtype. */
ERG_API erg_node *erg_standardise(const erg_standardiser *standardiser, erg_node *x);
ERG_API erg_node *erg_unstandardise(const erg_standardiser *standardiser, erg_node *z);

#ifdef __cplusplus
}
#endif

#endif
