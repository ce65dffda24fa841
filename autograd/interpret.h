/* interpret.h: elements of any dtype as doubles, for the definitions of the operations. Internal to
 * autograd/. */
#ifndef ERG_AUTOGRAD_INTERPRET_H
#define ERG_AUTOGRAD_INTERPRET_H

#include <math.h>

#include "graph.h"

#define EVAL(name)                                                                                 \
    void erg_eval_##name(const erg_node *node, const void *const *in, void *out, uint64_t run)

static inline double load(erg_dtype dtype, const void *data, int64_t i) {
    switch (dtype) {
    case ERG_FLOAT32:
        return ((const float *)data)[i];
    case ERG_FLOAT64:
        return ((const double *)data)[i];
    default:
        return ((const int32_t *)data)[i];
    }
}

/* A float becomes an int32 as erg_cast says: toward zero, within range, NaN as 0. */
static inline int32_t to_int32(double value) {
    if (isnan(value))
        return 0;
    return value >= INT32_MAX ? INT32_MAX : value <= INT32_MIN ? INT32_MIN : (int32_t)value;
}

static inline void store(erg_dtype dtype, void *data, int64_t i, double value) {
    switch (dtype) {
    case ERG_FLOAT32:
        ((float *)data)[i] = (float)value;
        break;
    case ERG_FLOAT64:
        ((double *)data)[i] = value;
        break;
    default:
        ((int32_t *)data)[i] = to_int32(value);
    }
}

#endif
