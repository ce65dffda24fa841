/* watch.c: what ERG_DEBUG asks for: a look at a plan, and at what its steps yield and cost. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "conv.h"
#include "plan.h"

/* ------------------------------------------------------------------------------- words */

bool erg_debug(const char *word) {
    const char *list = getenv("ERG_DEBUG");
    size_t length = strlen(word);
    while (list && *list) {
        size_t item = strcspn(list, ",");
        if (item == length && memcmp(list, word, length) == 0)
            return true;
        list += item + (list[item] == ',');
    }
    return false;
}

void erg_debug_warn(void) {
    static const char *const known =
        ",nan,plan,time,reference,verify,no-simplify,no-pack,"
        "no-cse,no-factor,no-layout,no-epilogue,no-regions,no-chains,no-code,no-recompute,"
        "small-tiles,no-reuse,";
    const char *list = getenv("ERG_DEBUG");
    while (list && *list) {
        int item = (int)strcspn(list, ",");
        char word[64];
        snprintf(word, sizeof word, ",%.*s,", item, list);
        if (item && !strstr(known, word))
            fprintf(stderr, "erg: ERG_DEBUG has no word \"%.*s\"\n", item, list);
        list += item + (list[item] == ',');
    }
}

/* ------------------------------------------------------------------------------- printing */

static void describe_node(const erg_node *node, FILE *out) {
    char text[ERG_NODE_TEXT];
    fprintf(out, "%%%d %s", node->id, erg_node_text(node, text));
}

/* The main node, after the operations of the others in the step. */
static void describe(const erg_step *step, FILE *out) {
    for (int i = 0; i < step->n_nodes; i++)
        if (step->nodes[i] != step->node)
            fprintf(out, "%s, ", erg_ops[step->nodes[i]->op].name);
    describe_node(step->node, out);
}

double erg_watch_begin(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double bytes_of(const erg_node *node) {
    return (double)erg_shape_size(node->shape) * (double)erg_dtype_size(node->dtype);
}

/* Or shares the memory of one that is. */
static bool is_among(const erg_node *node, const erg_step *step) {
    bool found = false;
    while (node->op == ERG_OP_reshape || node->op == ERG_OP_stop_gradient)
        node = node->in[0];
    for (int i = 0; i < step->n_nodes; i++)
        found |= step->nodes[i] == node;
    return found;
}

/* Results, and operands that are not computed in the step itself. */
static double bytes_touched(const erg_step *step) {
    double bytes = 0;
    bool once = step->node->op == ERG_OP_matvec; /* all of them read one matrix */
    for (int i = 0; i < step->n_out; i++)
        bytes += bytes_of(step->result_nodes[i]);
    for (int i = 0; i < step->n_nodes; i++)
        for (int k = 0; k < (once && i > 0 ? 1 : step->nodes[i]->n_in); k++)
            if (!is_among(step->nodes[i]->in[k], step))
                bytes += bytes_of(step->nodes[i]->in[k]);
    return bytes;
}

/* All three convolutions multiply and add as often: zeros around the image are counted too. */
static double conv_operations(const erg_node *node) {
    erg_conv v = erg_conv_of(node);
    double products = (double)v.batch * (double)v.groups * (double)v.channels * (double)v.filters;
    for (int k = 0; k < 2; k++)
        products *= (double)v.axis[k].kernel * (double)v.axis[k].out;
    return 2 * products;
}

/* A product of (M, K) and (K, N) is 2 M N K operations, of which the result shows M N. */
static double operations(const erg_step *step) {
    const erg_node *node = step->node;
    bool folds = node->op == ERG_OP_sum || node->op == ERG_OP_max;
    const erg_node *largest = folds ? node->in[0] : node;
    double results = (double)erg_shape_size(largest->shape) * step->n_nodes;
    if (node->op == ERG_OP_conv2d || node->op == ERG_OP_conv2d_input ||
        node->op == ERG_OP_conv2d_weight || node->op == ERG_OP_conv2d_last)
        return conv_operations(node);
    if (node->op == ERG_OP_matmul_sparse)
        return 2 * (double)node->shape.dims[0] * (double)node->attr[1];
    if (node->op == ERG_OP_matvec)
        return 2 * results * (double)erg_shape_size(node->in[0]->shape);
    if (node->op != ERG_OP_matmul && node->op != ERG_OP_matmul_packed &&
        node->op != ERG_OP_matmul_biased)
        return results;
    const erg_node *a = node->in[0];
    bool transposed = node->op == ERG_OP_matmul && node->attr[0];
    return 2 * results * (double)a->shape.dims[a->shape.ndim - (transposed ? 2 : 1)];
}

void erg_plan_print_times(const erg_plan *plan) {
    for (int i = 0; i < plan->n_steps; i++) {
        const erg_step *step = &plan->steps[i];
        if (step->calls == 0)
            continue;
        double seconds = step->seconds / (double)step->calls;
        fprintf(stderr, "%9.2f us %8.2f GFLOP/s %8.2f GB/s  ", 1e6 * seconds,
                1e-9 * operations(step) / seconds, 1e-9 * bytes_touched(step) / seconds);
        describe(step, stderr);
        fputc('\n', stderr);
    }
}

void erg_plan_print(const erg_plan *plan) {
    fprintf(stderr,
            "plan: %d steps, %d stores%s, arena %zu bytes, of which %d x %zu for tiles, code %zu\n",
            plan->n_steps, plan->n_stores, plan->loops ? " in a loop" : "", plan->arena_size,
            plan->threads, plan->tile_arena, (size_t)(plan->code.at - plan->code.begin));
    for (int p = 0; p < plan->n_phases; p++) {
        const erg_phase *phase = &plan->phases[p];
        if (phase->rows)
            fprintf(stderr, "  region: %lld rows, %lld at a time\n", (long long)phase->rows,
                    (long long)phase->tile);
        for (int i = phase->first; i < phase->first + phase->count; i++) {
            fprintf(stderr, phase->rows ? "    " : "  ");
            describe(&plan->steps[i], stderr);
            fputc('\n', stderr);
        }
    }
}

/* ------------------------------------------------------------------------------- running */

static bool is_finite(const erg_node *node, void *data, int64_t rows) {
    erg_tensor value = {node->dtype, node->shape, data};
    if (rows)
        value.shape.dims[0] = rows;
    return erg_tensor_all_finite(&value);
}

void erg_watch_end(erg_plan *plan, erg_step *step, double start, void *const *results, int64_t rows,
                   uint64_t run, bool last) {
    step->seconds += erg_watch_begin() - start;
    step->calls += last;
    for (int k = 0; k < step->n_out && plan->check_finite && !plan->found; k++) {
        if (is_finite(step->result_nodes[k], results[k], rows))
            continue;
        plan->found = true;
        fprintf(stderr, "erg: run %llu: not finite: ", (unsigned long long)run);
        describe_node(step->result_nodes[k], stderr);
        fputc('\n', stderr);
    }
}
