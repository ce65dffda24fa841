/* run.c: compiling and running, whatever made the steps.
 *
 * A run is: all steps in order, then the stores of assigned leaves, then one more on the graph's run
 * counter, from which random nodes draw. It allocates nothing and has nothing left to check. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plan.h"

/* ------------------------------------------------------------------------------- ERG_DEBUG */

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

/* Words this library does not know are said, so that a typing mistake is not a silent nothing. */
static void warn_unknown_words(void) {
    static const char *const known = ",nan,plan,time,reference,verify,no-simplify,no-cse,no-reuse,";
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

static void describe(const erg_step *step, FILE *out) {
    const erg_node *node = step->node;
    char text[ERG_SHAPE_TEXT];
    fprintf(out, "%%%d %s %s %s%s%s", node->id, erg_ops[node->op].name,
            erg_dtype_name(node->dtype), erg_shape_text(node->shape, text),
            node->name || node->scope[0] ? " at " : "", node->name ? node->name : node->scope);
}

/* True at the first element of a step's result that is not finite. */
static bool all_finite(const erg_step *step) {
    erg_tensor result = {step->node->dtype, step->node->shape, step->out};
    return erg_tensor_all_finite(&result);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double bytes_touched(const erg_node *node) {
    double bytes = (double)erg_shape_size(node->shape) * (double)erg_dtype_size(node->dtype);
    for (int k = 0; k < node->n_in; k++)
        bytes += (double)erg_shape_size(node->in[k]->shape) *
                 (double)erg_dtype_size(node->in[k]->dtype);
    return bytes;
}

/* A product of (M, K) and (K, N) is 2 M N K operations, of which the result shows M N. */
static double operations(const erg_node *node) {
    double results = (double)erg_shape_size(node->shape);
    if (node->op != ERG_OP_matmul)
        return results;
    const erg_node *a = node->in[0];
    return 2 * results * (double)a->shape.dims[a->shape.ndim - (node->attr[0] ? 2 : 1)];
}

static void print_times(const erg_plan *plan) {
    for (int i = 0; i < plan->n_steps; i++) {
        const erg_step *step = &plan->steps[i];
        if (step->calls == 0)
            continue;
        double seconds = step->seconds / (double)step->calls;
        fprintf(stderr, "%9.2f us %8.2f GFLOP/s %8.2f GB/s  ", 1e6 * seconds,
                1e-9 * operations(step->node) / seconds, 1e-9 * bytes_touched(step->node) / seconds);
        describe(step, stderr);
        fputc('\n', stderr);
    }
}

static void print_plan(const erg_plan *plan) {
    fprintf(stderr, "plan: %d steps, %d stores, arena %zu bytes\n", plan->n_steps, plan->n_stores,
            plan->arena_size);
    for (int i = 0; i < plan->n_steps; i++) {
        fprintf(stderr, "  ");
        describe(&plan->steps[i], stderr);
        fputc('\n', stderr);
    }
}

/* ------------------------------------------------------------------------------- compiling */

/* Every node needed by a node is needed; and what a group among the outputs bundles is an effect. */
unsigned char *erg_collect(const erg_graph *graph, erg_node *const *outputs, int count) {
    unsigned char *needed = calloc((size_t)graph->count + 1, 1);
    for (int k = 0; needed && k < count; k++)
        needed[outputs[k]->id] = 2;
    for (int id = graph->count - 1; needed && id >= 0; id--) {
        const erg_node *node = graph->nodes[id];
        unsigned char mark = node->op == ERG_OP_group ? needed[id] : needed[id] != 0;
        for (int k = 0; k < node->n_in; k++)
            needed[node->in[k]->id] |= mark;
    }
    return needed;
}

/* Two different values for one leaf would make the result depend on their order. */
static bool check_assigns(const erg_graph *graph, const unsigned char *needed) {
    bool *assigned = calloc((size_t)graph->count + 1, sizeof *assigned);
    bool good = assigned != NULL;
    if (!good)
        erg_fail(ERG_ERROR_MEMORY, "compile: out of memory");
    for (int id = 0; good && id < graph->count; id++) {
        const erg_node *node = graph->nodes[id];
        if (node->op != ERG_OP_assign || !(needed[id] & 2))
            continue;
        good = !assigned[node->in[0]->id];
        assigned[node->in[0]->id] = true;
        if (!good)
            erg_fail(ERG_ERROR_ARGUMENT, "compile: leaf \"%s\" is assigned twice",
                     node->in[0]->name ? node->in[0]->name : "");
    }
    free(assigned);
    return good;
}

static bool check_outputs(erg_node *const *outputs, int count) {
    if (!outputs || count < 1)
        return erg_fail(ERG_ERROR_ARGUMENT, "compile: no outputs"), false;
    const erg_graph *graph = NULL;
    for (int k = 0; k < count; k++)
        graph = outputs[k] ? outputs[k]->graph : graph;
    if (graph && erg_graph_error(graph))
        return erg_fail(ERG_ERROR_GRAPH, "%s", erg_graph_error(graph)), false;
    for (int k = 0; k < count; k++) {
        if (!outputs[k])
            return erg_fail(ERG_ERROR_ARGUMENT, "compile: output %d is NULL", k), false;
        if (outputs[k]->graph != graph)
            return erg_fail(ERG_ERROR_ARGUMENT, "compile: outputs of different graphs"), false;
    }
    unsigned char *needed = erg_collect(graph, outputs, count);
    if (!needed)
        return erg_fail(ERG_ERROR_MEMORY, "compile: out of memory"), false;
    bool good = check_assigns(graph, needed);
    free(needed);
    return good;
}

erg_plan *erg_compile(erg_node *const *outputs, int count) {
    if (!check_outputs(outputs, count))
        return NULL;
    warn_unknown_words();
    erg_plan *plan = calloc(1, sizeof *plan);
    if (!plan) {
        erg_fail(ERG_ERROR_MEMORY, "compile: out of memory");
        return NULL;
    }
    plan->graph = outputs[0]->graph;
    plan->check_finite = erg_debug("nan");
    plan->timed = erg_debug("time");
    bool done = erg_debug("reference") ? erg_plan_interpreted(plan, outputs, count)
                                       : erg_plan_optimised(plan, outputs, count);
    if (done && erg_debug("plan"))
        print_plan(plan);
    if (done)
        return plan;
    erg_plan_free(plan);
    return NULL;
}

void erg_plan_free(erg_plan *plan) {
    if (!plan)
        return;
    if (plan->timed && plan->steps)
        print_times(plan);
    erg_graph_free(plan->work);
    free(plan->steps);
    free(plan->stores);
    free(plan->outputs);
    free(plan->arena);
    free(plan->memory);
    free(plan);
}

/* ------------------------------------------------------------------------------- running */

/* The same loop with a developer looking on. */
static void run_watched(erg_plan *plan) {
    bool found = !plan->check_finite;
    for (int i = 0; i < plan->n_steps; i++) {
        erg_step *step = &plan->steps[i];
        double start = now();
        step->run(step, plan->graph->runs);
        step->seconds += now() - start;
        step->calls++;
        if (!found && !all_finite(step)) {
            found = true;
            fprintf(stderr, "erg: run %llu: not finite: ", (unsigned long long)plan->graph->runs);
            describe(step, stderr);
            fputc('\n', stderr);
        }
    }
}

void erg_run(erg_plan *plan) {
    if (!plan)
        return;
    if (plan->check_finite || plan->timed)
        run_watched(plan);
    else
        for (int i = 0; i < plan->n_steps; i++)
            plan->steps[i].run(&plan->steps[i], plan->graph->runs);
    for (int i = 0; i < plan->n_stores; i++)
        memcpy(plan->stores[i].dst, plan->stores[i].src, plan->stores[i].bytes);
    plan->graph->runs++;
}

void erg_run_n(erg_plan *plan, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        erg_run(plan);
}

const erg_tensor *erg_output(const erg_plan *plan, int index) {
    if (plan && index >= 0 && index < plan->n_outputs)
        return &plan->outputs[index];
    erg_fail(ERG_ERROR_ARGUMENT, "output: %s", plan ? "index out of range" : "no plan");
    return NULL;
}

int erg_plan_steps(const erg_plan *plan) {
    return plan ? plan->n_steps : 0;
}

size_t erg_plan_arena(const erg_plan *plan) {
    return plan ? plan->arena_size : 0;
}

erg_tensor *erg_evaluate(erg_node *node) {
    erg_plan *plan = erg_compile(&node, 1);
    if (!plan)
        return NULL;
    erg_run(plan);
    erg_tensor *value = erg_tensor_clone(erg_output(plan, 0));
    erg_plan_free(plan);
    return value;
}
