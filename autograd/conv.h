/* conv.h: the geometry of a convolution, from its node. Internal to autograd/. */
#ifndef ERG_AUTOGRAD_CONV_H
#define ERG_AUTOGRAD_CONV_H

#include "../tensor/conv.h"
#include "graph.h"

/* The geometry of a conv2d, conv2d_input or conv2d_weight node. */
erg_conv erg_conv_of(const erg_node *node);

#endif
