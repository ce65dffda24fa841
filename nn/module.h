/* module.h: what the makers of modules share. A maker checks its arguments, opens the module, adds
 * params, and closes it. */
#ifndef ERG_NN_MODULE_H
#define ERG_NN_MODULE_H

#include <stdbool.h>

#include "nn.h"

/* A zeroed struct in the graph's memory, and the scope `name` pushed; NULL if the graph holds an
 * error, and then nothing is pushed. */
void *erg_module_open(erg_graph *graph, const char *name, size_t size);
/* Pops the scope. The module, or NULL if the graph holds an error. */
void *erg_module_close(erg_graph *graph, void *module);

/* A param filled with a value. */
erg_node *erg_module_param(erg_graph *graph, const char *name, erg_dtype dtype, erg_shape shape,
                           double value);
/* A constant from numbers in double precision. */
erg_node *erg_module_constant(const char *module, erg_graph *graph, erg_dtype dtype,
                              erg_shape shape, const double *numbers);
/* First values of a weight (out, in, ...) and its bias, which may be NULL: U(-b, b) with
 * b = 1 / sqrt(fan_in), or 0 for ERG_INIT_ZEROS. */
void erg_module_init(const char *module, erg_node *weight, erg_node *bias, erg_init init,
                     double gain);
/* Hands the message of a failed call on to the graph. True for ERG_OK. */
bool erg_module_check(erg_graph *graph, const char *module, erg_status status);

/* Records "<module>: x is (...), must be <shape>" and returns NULL. A NULL x has its message. */
erg_node *erg_module_refuse(const char *module, erg_node *x, const char *shape, ...)
    ERG_PRINTF(3, 4);
/* True if x is (B, width); else refuses it: a broadcast would give an energy of something else
 * without a word. ERG_ANY_WIDTH is any of at least 1. */
enum { ERG_ANY_WIDTH = -1 };
bool erg_module_has_width(const char *module, erg_node *x, int64_t width);

/* True if the training flag is absent or of shape (). */
bool erg_module_check_flag(erg_graph *graph, const char *module, const erg_node *training);

/* A vector with one element for each channel, (C), as (C, 1, ..), to meet x (B, C, ..) of ndim
 * axes. */
erg_node *erg_module_channels(erg_node *vector, int ndim);
/* The sum over all axes but the first: (B, ...) -> (B). */
erg_node *erg_module_sum(erg_node *x);

#endif
