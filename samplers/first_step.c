/* first_step.c: a step size of the right order, before dual averaging begins at it (Hoffman & Gelman
 * 2014, algorithm 4; Stan does the same). From where the chains are, step sizes are doubled while
 *     mean acceptance of one move > target,
 * or else halved while it is less. Each is tried with new random numbers, and no chain moves. Of NUTS
 * the move is one leapfrog step: a whole trajectory of steps that are a thousand times too small would
 * take its greatest number of them. */
#include <float.h>

#include "metropolis.h"

/* Beyond these no step size will do. */
static const double LEAST = FLT_MIN, GREATEST = 1e7;

erg_status erg_first_step(const erg_chain *chain, erg_plan *probe, erg_tensor *step,
                          double target) {
    const double start = erg_tensor_get(step, 0);
    double size = start;
    const bool grows = erg_chain_probe_run(chain, probe) > target;
    do {
        size *= grows ? 2 : 0.5;
        erg_tensor_fill(step, size);
    } while (size >= LEAST && size <= GREATEST &&
             (erg_chain_probe_run(chain, probe) > target) == grows);
    if (size >= LEAST && size <= GREATEST)
        return ERG_OK;
    erg_tensor_fill(step, start);
    return erg_fail(ERG_ERROR_ARGUMENT,
                    grows
                        ? "warm_up: even step sizes above %g are accepted: has exp(-E) an integral?"
                        : "warm_up: even step sizes below %g are refused: is the energy finite "
                          "where the chains are?",
                    grows ? GREATEST : LEAST);
}
