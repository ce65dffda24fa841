/* conv.h: the geometry of a convolution, from its node. Internal to autograd/. */
#ifndef ERG_AUTOGRAD_CONV_H
#define ERG_AUTOGRAD_CONV_H

#include "../tensor/conv.h"
#include "graph.h"

/* The geometry of a conv2d, conv2d_input, conv2d_weight or conv2d_last node. */
erg_conv erg_conv_of(const erg_node *node);
/* True for a conv2d_input, and for a conv2d_last that is one. */
bool erg_conv_is_transposed(const erg_node *node);

/* Those of a conv2d_last: what a conv2d_input has, and 1 if it is one. Operands are the same, and the
 * bias if there is one: (1, 1, 1, channels of the result). */
enum { ERG_CONV_LAST_ATTRIBUTES = 10 };

#endif
