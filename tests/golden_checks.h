/* golden_checks.h: layers and activations against the sums that golden_layers.h has of PyTorch. */
#ifndef ERG_TESTS_GOLDEN_CHECKS_H
#define ERG_TESTS_GOLDEN_CHECKS_H

#include "module_checks.h"

enum { MOST_SUMS = 11 };

typedef struct golden {
    const char *name;
    double sums[MOST_SUMS]; /* of what derive() gives */
} golden;
#include "golden_layers.h"

static inline double checksum(const erg_tensor *t) {
    double sum = 0;
    for (int64_t i = 0; i < erg_tensor_size(t); i++)
        sum += erg_tensor_get(t, i) * cos(0.3 * (double)i);
    return sum;
}

static inline const golden *golden_of(const char *name) {
    for (int i = 0; i < COUNT(golden_layers); i++)
        if (strcmp(golden_layers[i].name, name) == 0)
            return &golden_layers[i];
    ck_abort_msg("no golden \"%s\"", name);
    return NULL;
}

static inline void check_sum(const char *name, int number, double sum, double expected) {
    ck_assert_msg(fabs(sum - expected) <= 1e-10 * fmax(1, fabs(expected)),
                  "%s: sum number %d is %.17g, not %.17g", name, number, sum, expected);
}

/* True if y and its derivatives have the golden's sums. */
static inline void check_golden(const char *name, erg_node *y, erg_node *const *leaves, int count) {
    erg_node *nodes[1 + 2 * MOST_LEAVES];
    ck_assert_int_le(1 + 2 * count, MOST_SUMS);
    derive(y, leaves, count, nodes);
    erg_plan *plan = erg_compile(nodes, 1 + 2 * count);
    ck_assert_msg(plan != NULL, "%s: %s", name, erg_error_message());
    erg_run(plan);
    for (int k = 0; k < 1 + 2 * count; k++)
        check_sum(name, k, checksum(erg_output(plan, k)), golden_of(name)->sums[k]);
    erg_plan_free(plan);
}

#endif
