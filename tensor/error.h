/* error.h: to be removed: erg_fail is public. */
#include "tensor.h"
