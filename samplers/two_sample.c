/* two_sample.c: the classifier two-sample test (Lopez-Paz & Oquab 2017). If a network that was trained to
 * tell one half of two sets of points apart can tell the other half, the sets differ. Under the
 * hypothesis that they do not, the number right among n held out is binomial, about N(n/2, n/4). */
#include <math.h>
#include <stdlib.h>

#include "points.h"

/* All points in a random order, standardised, (n, d), and to which set they belong, (n, 1). */
typedef struct pool {
    erg_tensor *x, *label;
    int64_t n, d;
} pool;

static void shuffle(int64_t *order, const int64_t *numbers, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        order[i] = i;
    for (int64_t i = n - 1; i > 0; i--) {
        int64_t j = numbers[i] % (i + 1), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

static void standardise(erg_tensor *x, int64_t n, int64_t d) {
    for (int64_t k = 0; k < d; k++) {
        double mean = 0, square = 0;
        for (int64_t i = 0; i < n; i++)
            mean += erg_tensor_get(x, i * d + k) / (double)n;
        for (int64_t i = 0; i < n; i++)
            square += pow(erg_tensor_get(x, i * d + k) - mean, 2) / (double)n;
        for (int64_t i = 0; i < n; i++)
            erg_tensor_set(x, i * d + k,
                           (erg_tensor_get(x, i * d + k) - mean) / (square > 0 ? sqrt(square) : 1));
    }
}

/* The first `each` points of both sets, mixed. */
static erg_status mix(const erg_points *a, const erg_points *b, uint64_t seed, pool *p) {
    int64_t each = a->n < b->n ? a->n : b->n;
    *p = (pool){.n = 2 * each, .d = a->d};
    int64_t *order = calloc((size_t)p->n, sizeof *order);
    int64_t *numbers = calloc((size_t)p->n, sizeof *numbers);
    p->x = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(p->n, p->d));
    p->label = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(p->n, 1));
    erg_status status =
        order && numbers && p->x && p->label
            ? erg_random_integers(numbers, p->n, UINT64_C(1) << 32, (erg_random){.seed = seed})
            : erg_fail(ERG_ERROR_MEMORY, "two_sample_test: out of memory");
    if (status == ERG_OK)
        shuffle(order, numbers, p->n);
    for (int64_t i = 0; status == ERG_OK && i < p->n; i++) {
        const double *row =
            order[i] < each ? a->x + order[i] * p->d : b->x + (order[i] - each) * p->d;
        erg_tensor_set(p->label, i, order[i] >= each);
        for (int64_t k = 0; k < p->d; k++)
            erg_tensor_set(p->x, i * p->d + k, row[k]);
    }
    if (status == ERG_OK)
        standardise(p->x, p->n, p->d);
    free(order);
    free(numbers);
    return status;
}

/* Rows first .. first + n - 1 as a constant. */
static erg_node *part(erg_graph *graph, const erg_tensor *rows, int64_t first, int64_t n) {
    int64_t width = rows->shape.dims[1];
    const double *data = rows->data;
    erg_tensor *some = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(n, width), data + first * width);
    erg_node *node = erg_constant(graph, some);
    erg_tensor_free(some);
    return node;
}

/* Trains on the first half with the logistic loss softplus(f) - label f; the part of the second half
 * that is told right. */
static erg_status classify(erg_graph *graph, const pool *p, erg_two_sample_options o,
                           double *accuracy) {
    int64_t half = p->n / 2, rest = p->n - half;
    const int64_t sizes[] = {p->d, o.width, o.width, 1};
    const erg_mlp *net =
        erg_mlp_new(graph, "classifier", sizes, 4, (erg_mlp_options){.dtype = ERG_FLOAT64});
    if (!net)
        return erg_error_status();
    erg_node *f = erg_mlp_apply(net, part(graph, p->x, 0, half));
    erg_node *fit = erg_sub(erg_softplus(f), erg_mul(part(graph, p->label, 0, half), f));
    int count;
    erg_node **params = erg_params(graph, "classifier/", &count);
    erg_node *step = erg_adam(erg_mean(fit, ERG_ALL, 0), params, count,
                              (erg_adam_options){.learning_rate = 0.01, .weight_decay = 1e-3});
    erg_node *guess = erg_mlp_apply(net, part(graph, p->x, half, rest));
    erg_node *sure = erg_greater(guess, erg_full_like(guess, 0));
    erg_node *right = erg_mean(erg_equal(sure, part(graph, p->label, half, rest)), ERG_ALL, 0);
    erg_plan *train = erg_compile(&step, 1), *test = erg_compile(&right, 1);
    if (train && test) {
        erg_run_n(train, o.steps);
        erg_run(test);
        *accuracy = erg_tensor_get(erg_output(test, 0), 0);
    }
    erg_status status = train && test ? ERG_OK : erg_error_status();
    erg_plan_free(train);
    erg_plan_free(test);
    return status;
}

erg_status erg_two_sample_test(const erg_tensor *x, const erg_tensor *y,
                               erg_two_sample_options options, erg_two_sample *result) {
    erg_points a, b;
    pool p;
    erg_two_sample_options o = options;
    o.width = o.width ? o.width : 32;
    o.steps = o.steps ? o.steps : 300;
    if (!result || o.width < 1 || o.width > 1 << 20 || o.steps < 1)
        return erg_fail(ERG_ERROR_ARGUMENT, "two_sample_test: width %lld, %lld steps, or no result",
                        (long long)o.width, (long long)o.steps);
    erg_status status = erg_points_read_two("two_sample_test", x, y, 2, &a, &b);
    if (status != ERG_OK)
        return status;
    erg_graph *graph = erg_graph_new(o.seed);
    status = mix(&a, &b, o.seed, &p);
    double accuracy = 0;
    if (status == ERG_OK)
        status = graph ? classify(graph, &p, o, &accuracy) : ERG_ERROR_MEMORY;
    if (status == ERG_OK) {
        double held_out = (double)(p.n - p.n / 2), z = (accuracy - 0.5) * 2 * sqrt(held_out);
        *result = (erg_two_sample){.accuracy = accuracy, .p_value = 0.5 * erfc(z * M_SQRT1_2)};
    }
    erg_tensor_free(p.x);
    erg_tensor_free(p.label);
    erg_graph_free(graph);
    free(a.x);
    free(b.x);
    return status;
}
