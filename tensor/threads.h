/* threads.h: work split over threads. Internal. */
#ifndef ERG_TENSOR_THREADS_H
#define ERG_TENSOR_THREADS_H

#include <stdint.h>

/* Calls body(ctx, begin, end, thread) on contiguous ranges that together are [0, n), each on a
 * thread of its own, 0 <= thread < erg_threads(), and returns when all are done. Ranges are no
 * shorter than grain (>= 1), but for n < grain. The calling thread takes part, as thread 0.
 *
 * Where no other thread is to be had, the whole range is one call on this thread, as thread 0: if
 * n <= grain, inside another erg_parallel_for, while another of the user's threads is in one, or
 * if the system gives no thread. So body must give the same result however the range is cut. */
void erg_parallel_for(int64_t n, int64_t grain,
                      void (*body)(void *ctx, int64_t begin, int64_t end, int thread), void *ctx);

#endif
