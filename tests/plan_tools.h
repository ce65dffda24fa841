/* plan_tools.h: compiling and comparing plans, for the tests of the compiler. */
#ifndef ERG_TESTS_PLAN_TOOLS_H
#define ERG_TESTS_PLAN_TOOLS_H

#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "../autograd/plan.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define F32 ERG_FLOAT32
#define F64 ERG_FLOAT64

/* ERG_TEST_FAST asks for fewer repetitions. */
static inline int repetitions(int many) {
    const char *fast = getenv("ERG_TEST_FAST");
    return fast && *fast ? many / 10 : many;
}

/* With these words in ERG_DEBUG. */
static inline erg_plan *compile_with(const char *words, erg_node *const *outputs, int count) {
    setenv("ERG_DEBUG", words, 1);
    erg_plan *plan = erg_compile(outputs, count);
    unsetenv("ERG_DEBUG");
    ck_assert_msg(plan != NULL, "%s: %s", words, erg_error_message());
    return plan;
}

/* The largest |a - b| / max(1, |b|), where max is over the tensor; 0 if they are equal, infinities
 * and NaNs included. */
static inline double distance(const erg_tensor *a, const erg_tensor *b) {
    double worst = 0, scale = 1;
    ck_assert(a->dtype == b->dtype && erg_shape_equal(a->shape, b->shape));
    for (int64_t i = 0; i < erg_tensor_size(a); i++) {
        double x = erg_tensor_get(a, i), y = erg_tensor_get(b, i);
        if (isfinite(x) && isfinite(y)) {
            worst = fmax(worst, fabs(x - y));
            scale = fmax(scale, fabs(y));
        } else if (!(isnan(x) && isnan(y)) && x != y) {
            return INFINITY;
        }
    }
    return worst / scale;
}

#endif
