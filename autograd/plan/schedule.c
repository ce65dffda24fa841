/* schedule.c: which nodes are steps. A node is one if its elements are read by a step or wanted as
 * a result; reshapes share their operand's memory, numbers and constants are written once and for
 * all at compile time, and an elementwise step reads stretched operands where they are. */
#include "schedule.h"

#include "../conv.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------------------- views */

static erg_view plain_view(const erg_node *node, int k, int64_t row) {
    return (erg_view){node->in[k], row, 1};
}

/* A broadcast as rows, each of them one run of axes that are all stretched or all kept, with the
 * axes before it of the other kind; false if the two kinds are mixed. */
static bool find_rows(const erg_node *broadcast, int64_t *row_size, erg_view *view) {
    erg_node *x = broadcast->in[0];
    erg_shape from = x->shape, to = broadcast->shape;
    bool stretched = false; /* the last run of axes */
    int i = to.ndim;
    *row_size = 1;
    for (; i > 0; i--) {
        bool now = from.dims[i - 1] != to.dims[i - 1];
        if (to.dims[i - 1] == 1)
            continue;
        if (*row_size == 1)
            stretched = now;
        else if (now != stretched)
            break;
        *row_size *= to.dims[i - 1];
    }
    bool one_run = i == 0;
    for (; i > 0; i--)
        if (to.dims[i - 1] != 1 && (from.dims[i - 1] != to.dims[i - 1]) == stretched)
            return false;
    int64_t all = stretched ? 0 : *row_size, each = stretched ? 1 : 0;
    *view = (erg_view){x, one_run ? all : each, stretched ? 0 : 1};
    return true;
}

static bool takes_views(const erg_node *node) {
    return erg_ops[node->op].flags & ELEMENTWISE && node->n_in >= 2;
}

/* The kernel of `where` reads a mask element by element. */
static bool is_readable(const erg_node *node, int k, erg_view view) {
    return view.step == 1 || !(node->op == ERG_OP_where && k == 0);
}

static bool is_one_number(erg_view view) {
    return view.row == 0 && view.step == 0;
}

static bool has_rows(const erg_node *node, int k, int64_t *row_size) {
    erg_view view;
    const erg_node *x = node->in[k];
    return x->op == ERG_OP_broadcast && find_rows(x, row_size, &view) && !is_one_number(view) &&
           is_readable(node, k, view) && *row_size >= ERG_SHORTEST_ROW;
}

/* One matrix for all of a batch. */
static bool is_same_matrix(const erg_node *x) {
    bool same = x->op == ERG_OP_broadcast;
    for (int i = 0; same && i < x->shape.ndim; i++)
        same = x->in[0]->shape.dims[i] == (i < x->shape.ndim - 2 ? 1 : x->shape.dims[i]);
    return same;
}

/* One index for each row that is gathered. */
static bool is_row_index(const erg_node *node, int k, erg_view *view) {
    int64_t row_size;
    erg_span span = erg_span_of(node->shape, (int)node->attr[0], (int)node->attr[0]);
    return k == 1 && span.outer == 1 && node->in[1]->op == ERG_OP_broadcast &&
           find_rows(node->in[1], &row_size, view) && row_size == span.inner && view->row == 1;
}

static bool permutes(const erg_node *x, const int64_t *order) {
    return x->op == ERG_OP_permute && x->n_attr == 4 &&
           memcmp(x->attr, order, 4 * sizeof *order) == 0;
}

bool erg_is_turned_weight(const erg_node *node, const erg_node *x) {
    static const int64_t back[2][4] = {{3, 0, 1, 2}, {0, 3, 1, 2}};
    return permutes(x, back[erg_conv_is_transposed(node)]);
}

bool erg_is_in_planes(const erg_node *x) {
    return permutes(x, (int64_t[]){0, 3, 1, 2});
}

static bool is_convolution(const erg_node *node) {
    return node->op == ERG_OP_conv2d || node->op == ERG_OP_conv2d_input ||
           node->op == ERG_OP_conv2d_weight || node->op == ERG_OP_conv2d_last;
}

/* What a convolution reads below a permute. */
static bool reads_below(const erg_node *node, int k) {
    const erg_node *x = node->in[k];
    if (k == 1 && node->op != ERG_OP_conv2d_weight)
        return erg_is_turned_weight(node, x);
    bool wants_planes = node->op != ERG_OP_conv2d_last;
    return erg_is_in_planes(x) && !(wants_planes && x->shape.dims[1] < ERG_CHANNELS);
}

int64_t erg_row_size(const erg_node *node) {
    int64_t row_size;
    for (int k = 0; takes_views(node) && k < node->n_in; k++)
        if (has_rows(node, k, &row_size))
            return row_size;
    return erg_shape_size(node->shape);
}

erg_view erg_view_operand(const erg_node *node, int k) {
    const erg_node *x = node->in[k];
    if (node->op == ERG_OP_matmul) {
        int last = x->shape.ndim - 1;
        return is_same_matrix(x)
                   ? (erg_view){x->in[0], 0, 1}
                   : plain_view(node, k, x->shape.dims[last - 1] * x->shape.dims[last]);
    }
    erg_view index;
    if (node->op == ERG_OP_gather && is_row_index(node, k, &index))
        return index;
    if (is_convolution(node) && reads_below(node, k))
        return (erg_view){x->in[0], erg_shape_size(x->shape), 1};
    if (!takes_views(node))
        return plain_view(node, k, erg_shape_size(x->shape));
    int64_t row_size = erg_row_size(node), own_size;
    erg_view view = {x, 0, 0};
    bool found = x->op == ERG_OP_full;
    if (x->op == ERG_OP_broadcast && find_rows(x, &own_size, &view))
        found = own_size == row_size || is_one_number(view);
    return found && is_readable(node, k, view) ? view : plain_view(node, k, row_size);
}

/* ------------------------------------------------------------------------------- steps */

static bool shares_memory(const erg_node *node) {
    return node->op == ERG_OP_reshape || node->op == ERG_OP_stop_gradient;
}

/* Results without elements need no step; a leaf needs one if its value must outlive the run, in
 * which it may be stored to. */
bool erg_is_step(const erg_schedule *schedule, const erg_node *node) {
    unsigned use = schedule->use[node->id];
    if (!(use & AS_ARRAY) || shares_memory(node) || erg_shape_size(node->shape) == 0)
        return false;
    if (node->op == ERG_OP_full || node->op == ERG_OP_constant)
        return false;
    return !(erg_ops[node->op].flags & LEAF) || use & HELD;
}

static void find_roots(erg_schedule *s, const erg_graph *graph) {
    for (int id = 0; id < graph->count; id++) {
        const erg_node *node = graph->nodes[id];
        s->root[id] = shares_memory(node) ? s->root[node->in[0]->id] : id;
    }
}

static void hold(erg_schedule *s, const erg_node *node) {
    s->use[s->root[node->id]] |= AS_ARRAY | HELD;
}

static void read_operands(erg_schedule *s, const erg_node *node) {
    for (int k = 0; k < node->n_in; k++) {
        erg_view view = erg_view_operand(node, k);
        bool number = view.source->op == ERG_OP_full && is_one_number(view);
        s->use[s->root[view.source->id]] |= number ? AS_NUMBER : AS_ARRAY;
    }
}

bool erg_schedule_make(erg_schedule *s, const erg_program *program) {
    const erg_graph *graph = program->graph;
    size_t count = (size_t)graph->count;
    s->use = calloc(count, sizeof *s->use);
    s->root = calloc(count, sizeof *s->root);
    if (!s->use || !s->root)
        return false;
    find_roots(s, graph);
    for (int k = 0; k < program->n_outputs; k++)
        hold(s, program->outputs[k]);
    for (int k = 0; k < program->n_effects; k++)
        hold(s, program->effects[k].value);
    for (int id = graph->count - 1; id >= 0; id--)
        if (erg_is_step(s, graph->nodes[id])) {
            read_operands(s, graph->nodes[id]);
            s->n_placed++;
        }
    return erg_schedule_phases(s, program);
}

void erg_schedule_free(erg_schedule *s) {
    free(s->use);
    free(s->root);
    free(s->order);
    free(s->first);
    free(s->phases);
    free(s->phase);
    free(s->wave);
    free(s->step);
    free(s->last);
    free(s->shared);
    free(s->inner);
    free(s->stores);
    free(s->offset);
}
