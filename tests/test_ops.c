/* test_ops.c: every public builder of autograd.h: values, derivatives of orders 1 to 3, both dtypes
 * and mistakes. What is built is in ops_table.def; two tests see to it that nothing is left out. */
#include <check.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../autograd/graph.h"
#include "ops_table.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

static const double real[2] = {-2, 2};

/* Fewer repetitions, for valgrind. */
static int fast(void) {
    return getenv("ERG_TEST_FAST") != NULL;
}

#define ck_assert_row(row, condition, format, ...)                                                 \
    ck_assert_msg(condition, "ops_table.def:%d: %s: " format, (row)->line, (row)->text, __VA_ARGS__)

/* The first mistake, wherever it was recorded. */
static const char *mistake(const setting *s) {
    const char *here = erg_graph_error(s->graph), *there = erg_graph_error(s->foreign);
    return here ? here : there ? there : erg_error_message();
}

static erg_tensor *evaluate(const row *row, const setting *s, erg_node *y) {
    ck_assert_row(row, y, "%s", mistake(s));
    erg_tensor *value = erg_evaluate(y);
    ck_assert_row(row, value, "%s", erg_error_message());
    return value;
}

/* Equal, both NaN, or near each other. */
static int is_near(double a, double b, double tolerance) {
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= tolerance * fmax(1, fabs(b));
}

/* ------------------------------------------------------------------------------- derivatives */

/* By each set of the leaves in use. The sine gives linear operations too derivatives of order 2 and
 * 3, in which they meet cotangents that themselves depend on the leaves. */
static void check_derivatives(const row *row, setting *s, erg_node *y) {
    ck_assert_row(row, y, "%s", mistake(s));
    erg_node *curved = erg_sin(y);
    for (unsigned set = 1; set < 1u << MAX_LEAVES; set++) {
        erg_node *xs[MAX_LEAVES];
        int n = 0, missing = 0, others = 0;
        for (int k = 0; k < MAX_LEAVES; k++) {
            if (set & 1u << k && s->leaf[k])
                xs[n++] = s->leaf[k];
            missing |= set & 1u << k && !s->leaf[k];
            others |= !(set & 1u << k) && s->leaf[k];
        }
        if (missing || (others && fast()))
            continue;
        erg_gradcheck_result result;
        erg_status status =
            erg_gradcheck(curved, xs, n, (erg_gradcheck_options){.order = 3, .seed = set}, &result);
        ck_assert_row(row, status == ERG_OK, "%s", result.message);
    }
}

/* Compares float32 with float64 values of the same expression; a few tens of roundings of 6e-8. */
static void check_near(const row *row, const setting *single, erg_node *y, const setting *twice,
                       erg_node *reference) {
    erg_tensor *a = evaluate(row, single, y), *b = evaluate(row, twice, reference);
    ck_assert_row(row, a->dtype == ERG_FLOAT32 && b->dtype == ERG_FLOAT64, "%s", "dtype");
    ck_assert_row(row, erg_shape_equal(a->shape, b->shape), "%s", "shape");
    for (int64_t i = 0; i < erg_tensor_size(b); i++) {
        double v = erg_tensor_get(a, i), w = erg_tensor_get(b, i);
        ck_assert_row(row, is_near(v, w, 3e-6), "element %d: %.9g in float32, %.17g", (int)i, v, w);
    }
    erg_tensor_free(a);
    erg_tensor_free(b);
}

/* The value and the first derivatives. */
static void check_dtypes(const row *row, setting *single, erg_node *y, setting *twice,
                         erg_node *reference) {
    check_near(row, single, y, twice, reference);
    for (int k = 0; k < MAX_LEAVES; k++)
        if (single->leaf[k])
            check_near(row, single, erg_gradient(erg_sin(y), single->leaf[k]), twice,
                       erg_gradient(erg_sin(reference), twice->leaf[k]));
}

/* ------------------------------------------------------------------------------- elementwise */

/* Shapes of the operands that a function with 1, 2 or 3 of them is tried with. */
typedef struct shapes {
    int operands;
    erg_shape shape[MAX_LEAVES];
} shapes;

static const shapes shape_table[] = {
    {1, {{2, {2, 3}}}},
    {1, {{0, {0}}}},
    {1, {{1, {0}}}},
    {1, {{1, {1}}}},
    {1, {{1, {7}}}},
    {1, {{5, {1, 2, 1, 2, 1}}}},
    {2, {{1, {3}}, {2, {2, 3}}}},
    {2, {{2, {2, 1}}, {2, {1, 3}}}},
    {2, {{1, {5}}, {1, {5}}}},
    {2, {{0, {0}}, {0, {0}}}},
    {2, {{1, {2}}, {0, {0}}}},
    {2, {{2, {0, 1}}, {2, {1, 2}}}},
    {2, {{4, {2, 1, 2, 1}}, {2, {2, 1}}}},
    {2, {{1, {1}}, {1, {1}}}},
    {3, {{2, {2, 1}}, {2, {1, 3}}, {0, {0}}}},
    {3, {{1, {3}}, {1, {3}}, {1, {3}}}},
    {3, {{1, {1}}, {1, {0}}, {0, {0}}}},
    {3, {{1, {2}}, {3, {2, 1, 1}}, {2, {1, 2}}}},
};

static erg_node *build_elementwise(const elementwise_row *row, setting *s, const shapes *shapes) {
    for (int k = 0; k < row->operands; k++)
        setting_leaf(s, k, shapes->shape[k].ndim, shapes->shape[k].dims);
    return row->build(s->leaf[0], s->leaf[1], s->leaf[2]);
}

/* Position in an operand of the element that belongs to element i of the result. */
static int64_t operand_index(erg_shape result, int64_t i, erg_shape operand) {
    int64_t index = 0, stride = 1;
    for (int d = result.ndim - 1, e = operand.ndim - 1; e >= 0; d--, e--) {
        int64_t at = i % result.dims[d];
        i /= result.dims[d];
        index += operand.dims[e] == 1 ? 0 : at * stride;
        stride *= operand.dims[e];
    }
    return index;
}

static void check_elementwise_value(const elementwise_row *row, setting *s, erg_node *y) {
    erg_tensor *value = evaluate(&row->row, s, y);
    for (int64_t i = 0; i < erg_tensor_size(value); i++) {
        double x[MAX_LEAVES] = {0};
        for (int k = 0; k < row->operands; k++) {
            const erg_tensor *leaf = erg_value(s->leaf[k]);
            x[k] = erg_tensor_get(leaf, operand_index(value->shape, i, leaf->shape));
        }
        double expected = row->value(x[0], x[1], x[2]), got = erg_tensor_get(value, i);
        ck_assert_row(&row->row, is_near(got, expected, 1e-14), "f(%g, %g, %g) is %.17g, not %.17g",
                      x[0], x[1], x[2], got, expected);
    }
    erg_tensor_free(value);
}

START_TEST(elementwise_functions_are_right) {
    const elementwise_row *row = &elementwise_rows[_i];
    int tried = 0;
    for (int i = 0; i < COUNT(shape_table) && !(fast() && tried); i++) {
        if (shape_table[i].operands != row->operands)
            continue;
        setting s = setting_new(ERG_FLOAT64, row->domain);
        setting single = setting_new(ERG_FLOAT32, row->domain);
        erg_node *y = build_elementwise(row, &s, &shape_table[i]);
        check_elementwise_value(row, &s, y);
        check_dtypes(&row->row, &single, build_elementwise(row, &single, &shape_table[i]), &s, y);
        check_derivatives(&row->row, &s, y);
        setting_free(&s);
        setting_free(&single);
        tried++;
    }
    ck_assert_int_gt(tried, 0);
}
END_TEST

/* Ways to spoil one operand, and what the message then says. */
static erg_node *make_null(setting *s) {
    (void)s;
    return NULL;
}
static erg_node *make_int32(setting *s) {
    return erg_full(s->graph, ERG_INT32, ERG_SHAPE(2), 1);
}
static erg_node *make_other_dtype(setting *s) {
    return erg_full(s->graph, ERG_FLOAT32, ERG_SHAPE(2), 1);
}
static erg_node *make_foreign(setting *s) {
    return erg_full(s->foreign, ERG_FLOAT64, ERG_SHAPE(2), 1);
}
static erg_node *make_longer(setting *s) {
    return erg_full(s->graph, ERG_FLOAT64, ERG_SHAPE(3), 1);
}

static const struct {
    erg_node *(*make)(setting *s);
    int least_operands;
    const char *message;
} spoilers[] = {
    {make_null, 1, " is NULL"},
    {make_int32, 1, "int32"},
    {make_other_dtype, 2, "dtypes differ: "},
    {make_foreign, 2, "operands belong to different graphs"},
    {make_longer, 2, " do not broadcast"},
};

START_TEST(elementwise_functions_refuse_wrong_operands) {
    const elementwise_row *row = &elementwise_rows[_i];
    for (int i = 0; i < COUNT(spoilers); i++) {
        for (int k = 0; k < row->operands && row->operands >= spoilers[i].least_operands; k++) {
            setting s = setting_new(ERG_FLOAT64, row->domain);
            erg_node *operand[MAX_LEAVES];
            for (int j = 0; j < MAX_LEAVES; j++)
                operand[j] =
                    j == k ? spoilers[i].make(&s) : erg_full(s.graph, ERG_FLOAT64, ERG_SHAPE(2), 1);
            erg_node *y = row->build(operand[0], operand[1], operand[2]);
            ck_assert_row(&row->row, !y, "accepted, not \"%s\"", spoilers[i].message);
            ck_assert_row(&row->row, strstr(mistake(&s), spoilers[i].message),
                          "\"%s\" has no \"%s\"", mistake(&s), spoilers[i].message);
            setting_free(&s);
        }
    }
}
END_TEST

/* ------------------------------------------------------------------------------- other rows */

START_TEST(samples_have_right_derivatives) {
    const sample_row *row = &sample_rows[_i];
    setting s = setting_new(ERG_FLOAT64, row->domain),
            single = setting_new(ERG_FLOAT32, row->domain);
    erg_node *y = row->build(&s);
    check_dtypes(&row->row, &single, row->build(&single), &s, y);
    check_derivatives(&row->row, &s, y);
    setting_free(&s);
    setting_free(&single);
}
END_TEST

static void check_value(const value_row *row, erg_dtype dtype, double tolerance) {
    setting s = setting_new(dtype, real);
    erg_tensor *value = evaluate(&row->row, &s, row->build(&s));
    ck_assert_row(&row->row, value->dtype == (row->is_index ? ERG_INT32 : dtype), "%s is the dtype",
                  erg_dtype_name(value->dtype));
    char text[ERG_SHAPE_TEXT];
    ck_assert_row(&row->row, erg_shape_equal(value->shape, erg_shape_make(row->ndim, row->dims)),
                  "the shape is %s", erg_shape_text(value->shape, text));
    ck_assert_row(&row->row, erg_tensor_size(value) == row->count, "%d numbers", row->count);
    for (int i = 0; i < row->count; i++) {
        double got = erg_tensor_get(value, i);
        ck_assert_row(&row->row, is_near(got, row->numbers[i], tolerance),
                      "element %d is %.17g, not %.17g", i, got, row->numbers[i]);
    }
    erg_tensor_free(value);
    setting_free(&s);
}

START_TEST(known_values_come_out) {
    check_value(&value_rows[_i], ERG_FLOAT64, 1e-15);
    check_value(&value_rows[_i], ERG_FLOAT32, 1e-6);
}
END_TEST

START_TEST(mistakes_are_named) {
    const error_row *row = &error_rows[_i];
    setting s = setting_new(ERG_FLOAT64, real);
    erg_node *y = row->build(&s);
    ck_assert_row(&row->row, !y, "accepted, not \"%s\"", row->message);
    ck_assert_row(&row->row, strncmp(mistake(&s), row->message, strlen(row->message)) == 0,
                  "\"%s\" does not start with \"%s\"", mistake(&s), row->message);
    setting_free(&s);
}
END_TEST

/* ------------------------------------------------------------------------------- random */

static const struct {
    erg_node *(*build)(erg_graph *graph, erg_dtype dtype, erg_shape shape);
    erg_status (*fill)(erg_tensor *out, erg_random where);
} draws[] = {
    {erg_uniform, erg_random_uniform},
    {erg_normal, erg_random_normal},
};

START_TEST(draws_are_named_by_seed_stream_and_run) {
    for (int i = 0; i < COUNT(draws) * 2; i++) {
        erg_dtype dtype = i % 2 ? ERG_FLOAT32 : ERG_FLOAT64;
        size_t bytes = 35 * erg_dtype_size(dtype);
        erg_graph *g = erg_graph_new(7);
        erg_node *nodes[2];
        for (int k = 0; k < 2; k++)
            nodes[k] = draws[i / 2].build(g, dtype, ERG_SHAPE(5, 7));
        erg_plan *plan = erg_compile(nodes, 2);
        ck_assert_ptr_nonnull(plan);
        erg_tensor *expected = erg_tensor_new(dtype, ERG_SHAPE(5, 7));
        const uint64_t runs[] = {0, 1, 2, 0, (uint64_t)1 << 40};
        for (int r = 0; r < COUNT(runs); r++) {
            if (r >= 3)
                erg_graph_set_runs(g, runs[r]);
            erg_run(plan);
            for (int k = 0; k < 2; k++) {
                draws[i / 2].fill(expected, (erg_random){7, (uint32_t)k, runs[r]});
                ck_assert_mem_eq(erg_output(plan, k)->data, expected->data, bytes);
            }
        }
        erg_tensor_free(expected);
        erg_plan_free(plan);
        erg_graph_free(g);
    }
}
END_TEST

/* Sum of (observed - expected)^2 / expected; above 44.811 with p = 1e-6 for 10 cells. */
static double chi_square(const int64_t *observed, const double *probability, int cells) {
    double total = 0, sum = 0;
    for (int i = 0; i < cells; i++)
        total += (double)observed[i];
    for (int i = 0; i < cells; i++) {
        double expected = total * probability[i];
        sum += (expected - (double)observed[i]) * (expected - (double)observed[i]) / expected;
    }
    return sum;
}

enum { CELLS = 10, DRAWS = 20000 };

START_TEST(categorical_has_the_probabilities_of_softmax) {
    double p[CELLS], wrong[CELLS];
    int64_t observed[CELLS] = {0};
    erg_graph *g = erg_graph_new(3);
    erg_node *logits = erg_input(g, "logits", ERG_FLOAT64, ERG_SHAPE(DRAWS, CELLS));
    for (int i = 0; i < CELLS; i++) {
        p[i] = (i + 1) / 55.;
        wrong[i] = (i + 2) / 65.;
    }
    for (int64_t i = 0; i < DRAWS * CELLS; i++)
        erg_tensor_set(erg_value(logits), i, log(p[i % CELLS]) + 3);
    erg_tensor *drawn = erg_evaluate(erg_categorical(logits));
    for (int i = 0; i < DRAWS; i++)
        observed[erg_tensor_i32(drawn)[i]]++;
    ck_assert_double_lt(chi_square(observed, p, CELLS), 44.811);
    ck_assert_double_gt(chi_square(observed, wrong, CELLS), 44.811);
    erg_tensor_free(drawn);
    erg_graph_free(g);
}
END_TEST

/* z of the mean of 0 and 1 with probability p; above 4.89164 with p = 1e-6. */
static double z_of_mean(erg_node *x, double p) {
    erg_tensor *mean = erg_evaluate(erg_mean(x, ERG_ALL, 0));
    double z = (erg_tensor_get(mean, 0) - p) / sqrt(p * (1 - p) / DRAWS);
    erg_tensor_free(mean);
    return fabs(z);
}

START_TEST(coins_have_their_probabilities) {
    erg_graph *g = erg_graph_new(5);
    erg_node *p = erg_full(g, ERG_FLOAT64, ERG_SHAPE(DRAWS), 0.3);
    erg_node *coin = erg_bernoulli(p);
    ck_assert_double_lt(z_of_mean(coin, 0.3), 4.89164);
    ck_assert_double_gt(z_of_mean(coin, 0.33), 4.89164);
    erg_node *sign = erg_rademacher(g, ERG_FLOAT64, ERG_SHAPE(DRAWS));
    erg_node *heads = erg_mul_scalar(erg_add_scalar(sign, 1), 0.5);
    ck_assert_double_lt(z_of_mean(heads, 0.5), 4.89164);
    ck_assert_double_gt(z_of_mean(heads, 0.53), 4.89164);
    erg_graph_free(g);
}
END_TEST

/* A draw does not depend on what it is drawn by, but what is done with it has derivatives. */
START_TEST(derivatives_pass_by_random_nodes) {
    erg_graph *g = erg_graph_new(1);
    erg_node *sigma = erg_input(g, "sigma", ERG_FLOAT64, ERG_SHAPE(4));
    erg_node *noise = erg_normal(g, ERG_FLOAT64, ERG_SHAPE(4));
    erg_node *through_p = erg_gradient(erg_bernoulli(erg_sigmoid(sigma)), sigma);
    erg_node *index = erg_cast(erg_categorical(sigma), ERG_FLOAT64);
    erg_node *out[] = {noise, erg_gradient(erg_mul(sigma, noise), sigma), through_p,
                       erg_gradient(index, sigma)};
    erg_plan *plan = erg_compile(out, COUNT(out));
    ck_assert_msg(plan != NULL, "%s", erg_error_message());
    erg_run(plan);
    for (int i = 0; i < 4; i++) {
        ck_assert_double_ne(erg_tensor_get(erg_output(plan, 0), i), 0);
        ck_assert(erg_tensor_get(erg_output(plan, 1), i) == erg_tensor_get(erg_output(plan, 0), i));
        ck_assert(erg_tensor_get(erg_output(plan, 2), i) == 0);
        ck_assert(erg_tensor_get(erg_output(plan, 3), i) == 0);
    }
    erg_plan_free(plan);
    erg_graph_free(g);
}
END_TEST

/* ------------------------------------------------------------------------------- completeness */

/* Public functions that return a node but are no operations: they make leaves, look them up, or
 * take derivatives, and have tests elsewhere. */
static const char *const not_operations[] = {
    "graph_fail", "name",  "input",         "param",    "state",     "constant",
    "find",       "tie",   "next_variable", "gradient", "vjp",       "jvp",
    "hvp",        "score", "jacobian",      "hessian",  "laplacian", "energy_apply",
};

static int count_good_rows(const char *builder) {
    int count = 0;
    for (int i = 0; i < elementwise_count; i++)
        count += strcmp(elementwise_rows[i].row.builder, builder) == 0;
    for (int i = 0; i < sample_count; i++)
        count += strcmp(sample_rows[i].row.builder, builder) == 0;
    for (int i = 0; i < value_count; i++)
        count += strcmp(value_rows[i].row.builder, builder) == 0;
    return count;
}

/* Wrong operands are tried for every elementwise row. */
static int count_bad_rows(const char *builder) {
    int count = 0;
    for (int i = 0; i < elementwise_count; i++)
        count += strcmp(elementwise_rows[i].row.builder, builder) == 0;
    for (int i = 0; i < error_count; i++)
        count += strcmp(error_rows[i].row.builder, builder) == 0;
    return count;
}

static int is_operation(const char *name) {
    for (int i = 0; i < COUNT(not_operations); i++)
        if (strcmp(not_operations[i], name) == 0)
            return 0;
    return 1;
}

static FILE *open_header(void) {
    const char *srcdir = getenv("srcdir");
    char path[4096];
    snprintf(path, sizeof path, "%s/autograd/autograd.h", srcdir ? srcdir : ".");
    FILE *header = fopen(path, "r");
    ck_assert_msg(header != NULL, "cannot read %s", path);
    return header;
}

START_TEST(every_builder_has_rows) {
    static const char prefix[] = "ERG_API erg_node *erg_";
    char line[512];
    int builders = 0;
    FILE *header = open_header();
    while (fgets(line, sizeof line, header)) {
        if (strncmp(line, prefix, strlen(prefix)) != 0)
            continue;
        char *name = line + strlen(prefix), *end = name;
        while (isalnum((unsigned char)*end) || *end == '_')
            end++;
        *end = '\0';
        builders++;
        if (!is_operation(name))
            continue;
        ck_assert_msg(count_good_rows(name) > 0, "erg_%s has no sample in ops_table.def", name);
        ck_assert_msg(count_bad_rows(name) > 0, "erg_%s has no mistake in ops_table.def", name);
    }
    fclose(header);
    ck_assert_int_gt(builders, 100);
}
END_TEST

/* Marks the operations that stand between a leaf and y. */
static void mark_reached(const setting *s, const erg_node *y, unsigned char *reached) {
    unsigned char *depends = calloc((size_t)s->graph->count, 1);
    for (int id = 0; id <= y->id; id++) {
        const erg_node *node = s->graph->nodes[id];
        depends[id] = node->op == ERG_OP_input;
        for (int k = 0; k < node->n_in; k++)
            depends[id] |= depends[node->in[k]->id];
        reached[node->op] |= depends[id];
    }
    free(depends);
}

START_TEST(every_derivative_rule_is_checked) {
    unsigned char reached[ERG_OP_COUNT] = {0};
    for (int i = 0; i < elementwise_count; i++) {
        setting s = setting_new(ERG_FLOAT64, elementwise_rows[i].domain);
        for (int k = 0; k < MAX_LEAVES; k++)
            setting_leaf(&s, k, 1, (int64_t[]){3});
        mark_reached(&s, elementwise_rows[i].build(s.leaf[0], s.leaf[1], s.leaf[2]), reached);
        setting_free(&s);
    }
    for (int i = 0; i < sample_count; i++) {
        setting s = setting_new(ERG_FLOAT64, sample_rows[i].domain);
        mark_reached(&s, sample_rows[i].build(&s), reached);
        setting_free(&s);
    }
    for (int op = 0; op < ERG_OP_COUNT; op++)
        ck_assert_msg(reached[op] || !erg_ops[op].vjp, "%s has a derivative but no sample",
                      erg_ops[op].name);
}
END_TEST

START_TEST(only_those_that_say_so_lack_a_derivative) {
    for (int op = 0; op < ERG_OP_COUNT; op++) {
        const erg_op_info *info = &erg_ops[op];
        int exempt = (info->flags & (LEAF | RANDOM | NO_DERIVATIVE)) != 0;
        ck_assert_msg(exempt == !info->vjp, "%s", info->name);
    }
}
END_TEST

START_TEST(no_operation_is_a_derivative) {
    for (int op = 0; op < ERG_OP_COUNT; op++) {
        const char *name = erg_ops[op].name, *end = strrchr(name, '_');
        ck_assert_msg(!strstr(name, "backward") && !strstr(name, "vjp"), "%s", name);
        ck_assert_msg(!end || strcmp(end, "_grad") != 0, "%s", name);
    }
}
END_TEST

/* ------------------------------------------------------------------------------- suite */

static Suite *ops_suite(void) {
    Suite *suite = suite_create("ops");

    TCase *elementwise = tcase_create("elementwise");
    tcase_add_loop_test(elementwise, elementwise_functions_are_right, 0, elementwise_count);
    tcase_add_loop_test(elementwise, elementwise_functions_refuse_wrong_operands, 0,
                        elementwise_count);
    suite_add_tcase(suite, elementwise);

    TCase *rows = tcase_create("rows");
    tcase_add_loop_test(rows, samples_have_right_derivatives, 0, sample_count);
    tcase_add_loop_test(rows, known_values_come_out, 0, value_count);
    tcase_add_loop_test(rows, mistakes_are_named, 0, error_count);
    suite_add_tcase(suite, rows);

    TCase *random = tcase_create("random");
    tcase_add_test(random, draws_are_named_by_seed_stream_and_run);
    tcase_add_test(random, categorical_has_the_probabilities_of_softmax);
    tcase_add_test(random, coins_have_their_probabilities);
    tcase_add_test(random, derivatives_pass_by_random_nodes);
    suite_add_tcase(suite, random);

    TCase *completeness = tcase_create("completeness");
    tcase_add_test(completeness, every_builder_has_rows);
    tcase_add_test(completeness, every_derivative_rule_is_checked);
    tcase_add_test(completeness, only_those_that_say_so_lack_a_derivative);
    tcase_add_test(completeness, no_operation_is_a_derivative);
    suite_add_tcase(suite, completeness);
    return suite;
}

int main(void) {
    SRunner *runner = srunner_create(ops_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
