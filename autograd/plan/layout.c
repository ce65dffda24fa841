/* layout.c: where the channels of images are in memory.
 *
 * To the user an image is (B, C, H, W): planes. A convolution of many channels computes all channels
 * of a pixel together (see tensor/conv_channels.inc), and has to transpose them to planes, unless those
 * who read them take the channels as last axis. Other convolutions do; and elementwise nodes, to which
 * any order is as good as another, so long as it is the same for all operands; and sums over the
 * batch, the channels or the pixels.
 *
 * So elementwise nodes, and the convolutions between which they lie, are families with one layout
 * each. A family is turned if that saves transpositions. Each convolution whose result is a member
 * saves one, and each derivative by a weight that reads a member as its cotangent. A member that
 * somebody wants in planes costs one, and so does an operand that comes in planes.
 *
 * A member becomes the permute of a node that has its channels last. Members and other readers take what
 * is below the permute, and it is computed for those alone who want planes. */
#include <stdlib.h>

#include "../conv.h"
#include "schedule.h"
#include "simplify.h"

typedef struct families {
    int count;    /* nodes before the pass */
    int *uses;    /* by id */
    int *family;  /* by id: another member, or itself (a forest) */
    int *saved;   /* by id of those: transpositions */
    bool *member; /* by id: of a family */
    bool *planes; /* by id: somebody wants the value in planes */
} families;

static int find(const families *f, int id) {
    while (f->family[id] != id)
        id = f->family[id] = f->family[f->family[id]];
    return id;
}

/* ------------------------------------------------------------------------------- who is what */

static bool is_elementwise(const erg_node *node) {
    return erg_ops[node->op].flags & ELEMENTWISE;
}

static bool is_convolution(const erg_node *node) {
    return node->op == ERG_OP_conv2d || node->op == ERG_OP_conv2d_input;
}

static bool is_by_channel(const erg_node *node) {
    erg_conv conv = erg_conv_of(node);
    erg_conv_form form = {.transposed = node->op == ERG_OP_conv2d_input};
    return erg_kernels_get()->conv_needs[node->dtype](&conv, form).by_channel;
}

static bool can_be_turned(const erg_node *node) {
    if (node->shape.ndim != 4 || node->shape.dims[1] < ERG_CHANNELS ||
        erg_shape_size(node->shape) == 0)
        return false;
    return is_elementwise(node) || (is_convolution(node) && is_by_channel(node));
}

/* Numbers, what is much smaller than what it is stretched to, and the user's own images with channels
 * last. */
static bool is_free(const erg_node *x) {
    return x->op == ERG_OP_full || x->op == ERG_OP_broadcast || erg_is_in_planes(x);
}

/* The axes of a reduction once the channels are last: false if they are not neighbours. */
static bool turned_axes(const erg_node *node, int64_t *axes) {
    static const int to[] = {0, 3, 1, 2};
    int64_t first = 3, last = 0, count = node->attr[1] - node->attr[0] + 1;
    for (int64_t k = node->attr[0]; k <= node->attr[1]; k++) {
        first = to[k] < first ? to[k] : first;
        last = to[k] > last ? to[k] : last;
    }
    axes[0] = first;
    axes[1] = last;
    return last - first + 1 == count;
}

static bool is_reduction(const erg_node *node) {
    int64_t axes[2];
    return (node->op == ERG_OP_sum || node->op == ERG_OP_max) && node->in[0]->shape.ndim == 4 &&
           turned_axes(node, axes);
}

/* ------------------------------------------------------------------------------- counting */

/* Node reads member x, which is none of its own family. */
static void count_reading(families *f, const erg_node *node, int k) {
    const erg_node *x = node->in[k];
    int *saved = &f->saved[find(f, x->id)];
    if (is_convolution(node) && k == 0)
        *saved -= !is_by_channel(node);
    else if (node->op == ERG_OP_conv2d_weight)
        *saved += k;
    else if (!is_reduction(node))
        f->planes[x->id] = true;
}

static void find_families(families *f, const erg_graph *graph) {
    for (int id = 0; id < f->count; id++) {
        const erg_node *node = graph->nodes[id];
        f->family[id] = id;
        f->member[id] = f->uses[id] && can_be_turned(node);
        for (int k = 0; f->member[id] && is_elementwise(node) && k < node->n_in; k++)
            if (f->member[node->in[k]->id])
                f->family[find(f, node->in[k]->id)] = id;
    }
}

static void count_saved(families *f, const erg_program *program) {
    for (int id = 0; id < f->count; id++) {
        const erg_node *node = program->graph->nodes[id];
        bool elementwise = is_elementwise(node);
        f->saved[find(f, id)] += f->member[id] && !elementwise;
        for (int k = 0; f->uses[id] && k < node->n_in; k++) {
            const erg_node *x = node->in[k];
            if (f->member[x->id] && find(f, x->id) != find(f, id))
                count_reading(f, node, k);
            else if (f->member[id] && elementwise && !f->member[x->id] && !is_free(x))
                f->saved[find(f, id)]--;
        }
    }
    for (int k = 0; k < program->n_outputs; k++)
        f->planes[program->outputs[k]->id] = true;
    for (int k = 0; k < program->n_effects; k++)
        f->planes[program->effects[k].value->id] = true;
    for (int id = 0; id < f->count; id++)
        f->saved[find(f, id)] -= f->planes[id];
}

/* ------------------------------------------------------------------------------- turning */

static const int to_last[] = {0, 2, 3, 1}, to_planes[] = {0, 3, 1, 2};

static erg_shape turned_shape(erg_shape planes) {
    return ERG_SHAPE(planes.dims[0], planes.dims[2], planes.dims[3], planes.dims[1]);
}

static erg_node *in_planes(erg_node *last) {
    return last ? erg_simplified(erg_permute(last, to_planes)) : NULL;
}

/* x with its channels last. */
static erg_node *with_channels_last(erg_node *x) {
    if (erg_is_in_planes(x))
        return x->in[0];
    if (x->op == ERG_OP_full)
        return erg_full(x->graph, x->dtype, turned_shape(x->shape), x->number);
    if (x->op != ERG_OP_broadcast)
        return erg_simplified(erg_permute(x, to_last));
    erg_node *small = erg_simplified(erg_permute(x->in[0], to_last));
    return small ? erg_simplified(erg_broadcast(small, turned_shape(x->shape))) : NULL;
}

static erg_node *turn_convolution(const erg_node *node) {
    int64_t attr[ERG_CONV_LAST_ATTRIBUTES] = {0};
    for (int i = 0; i < node->n_attr; i++)
        attr[i] = node->attr[i];
    attr[ERG_CONV_LAST_ATTRIBUTES - 1] = node->op == ERG_OP_conv2d_input;
    return in_planes(erg_node_new(&(erg_node){.op = ERG_OP_conv2d_last,
                                              .dtype = node->dtype,
                                              .shape = turned_shape(node->shape),
                                              .n_in = 2,
                                              .in = node->in,
                                              .n_attr = ERG_CONV_LAST_ATTRIBUTES,
                                              .attr = attr}));
}

static erg_node *turn_elementwise(const erg_node *node) {
    erg_node *in[3];
    for (int k = 0; k < node->n_in; k++)
        in[k] = with_channels_last(node->in[k]);
    return in_planes(erg_node_new(&(erg_node){.op = node->op,
                                              .dtype = node->dtype,
                                              .n_in = node->n_in,
                                              .in = in,
                                              .n_attr = node->n_attr,
                                              .attr = node->attr}));
}

static erg_node *turn_reduction(const erg_node *node) {
    int64_t axes[2];
    if (!turned_axes(node, axes))
        return NULL;
    return in_planes(erg_simplified(erg_node_attr(node->op, node->in[0]->in[0], 2, axes)));
}

static erg_node *turn(void *self, erg_node *node) {
    const families *f = self;
    if (f->member[node->id] && f->saved[find(f, node->id)] > 0)
        return is_elementwise(node) ? turn_elementwise(node) : turn_convolution(node);
    return is_reduction(node) && erg_is_in_planes(node->in[0]) ? turn_reduction(node) : NULL;
}

bool erg_program_layout(erg_program *program) {
    families f = {.count = program->graph->count};
    size_t n = (size_t)f.count;
    f.uses = erg_count_uses(program, f.count);
    f.family = calloc(n, sizeof *f.family);
    f.saved = calloc(n, sizeof *f.saved);
    f.member = calloc(n, sizeof *f.member);
    f.planes = calloc(n, sizeof *f.planes);
    bool done = f.uses && f.family && f.saved && f.member && f.planes;
    if (done) {
        find_families(&f, program->graph);
        count_saved(&f, program);
        done = erg_program_rewrite(program, turn, &f);
    }
    free(f.uses);
    free(f.family);
    free(f.saved);
    free(f.member);
    free(f.planes);
    return done;
}
