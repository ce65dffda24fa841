/* erg.h: the whole library. Each layer can also be included alone, and then knows nothing of the
 * layers below it in this list. */
#ifndef ERG_H
#define ERG_H

#include "tensor/tensor.h"
#include "autograd/autograd.h"
#include "nn/nn.h"
#include "samplers/samplers.h"
#include "losses/losses.h"

#endif
