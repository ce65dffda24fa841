/* error.h: how a failure is recorded. Internal. */
#ifndef ERG_TENSOR_ERROR_H
#define ERG_TENSOR_ERROR_H

#include "tensor.h"

/* Sets this thread's message, "operation: what is wrong", and returns status, so that a check is
 * one line: return erg_fail(ERG_ERROR_ARGUMENT, "npy_write: no tensor"). */
erg_status erg_fail(erg_status status, const char *format, ...) ERG_PRINTF(2, 3);

#endif
