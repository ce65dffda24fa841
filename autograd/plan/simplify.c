/* simplify.c: rewrites the program by rules until none applies.
 *
 * A derivative is written by rules that know one operation each, so it is full of ones, zeros and
 * stretched numbers; here is where they go. The rules themselves are in the files constant.c,
 * algebra.c, move.c, product.c and structure.c. */
#include "simplify.h"

#include <stdlib.h>

#include "passes.h"

erg_node *erg_simplify_by(const erg_simplify_table table, erg_node *node) {
    erg_node *other = NULL;
    for (int i = 0; !other && i < ERG_RULES_MAX && table[node->op][i]; i++)
        other = table[node->op][i](node);
    return other;
}

static erg_node *apply_once(erg_node *node) {
    static erg_simplify_rule *const families[] = {erg_simplify_constant, erg_simplify_algebra,
                                                  erg_simplify_move, erg_simplify_structure,
                                                  erg_simplify_product};
    erg_node *other = NULL;
    for (size_t i = 0; !other && i < sizeof families / sizeof *families; i++)
        other = families[i](node);
    return other;
}

erg_node *erg_simplified(erg_node *node) {
    for (erg_node *other = node; other; other = apply_once(node))
        node = other;
    return node;
}

/* ------------------------------------------------------------------------------- products */

int *erg_count_uses(const erg_program *program, int count) {
    int *uses = calloc((size_t)count, sizeof *uses);
    for (int k = 0; uses && k < program->n_outputs; k++)
        uses[program->outputs[k]->id]++;
    for (int k = 0; uses && k < program->n_effects; k++)
        uses[program->effects[k].value->id]++;
    for (int id = program->graph->count - 1; uses && id >= 0; id--) {
        const erg_node *node = program->graph->nodes[id];
        for (int k = 0; k < node->n_in && uses[id]; k++)
            uses[node->in[k]->id]++;
    }
    return uses;
}

/* By node id: is this the only user of a product? */
static bool *find_users_of_products(const erg_program *program) {
    int *uses = erg_count_uses(program, program->graph->count);
    bool *found = uses ? calloc((size_t)program->graph->count, sizeof *found) : NULL;
    for (int id = 0; found && id < program->graph->count; id++) {
        const erg_node *node = program->graph->nodes[id];
        found[id] =
            node->n_in > 0 && node->in[0]->op == ERG_OP_matmul && uses[node->in[0]->id] == 1;
    }
    free(uses);
    return found;
}

/* (a b)^T = b^T a^T costs no more than a b, but only if that is not wanted too. The order of
 * summation may be another. */
static erg_node *transposed_product(erg_node *node) {
    erg_node *product = node->in[0];
    if (product->op != ERG_OP_matmul) /* rewritten to something simpler */
        return node;
    return erg_node_new(&(erg_node){.op = ERG_OP_matmul,
                                    .n_in = 2,
                                    .in = (erg_node *[]){product->in[1], product->in[0]},
                                    .n_attr = 2,
                                    .attr = (int64_t[]){!product->attr[1], !product->attr[0]}});
}

/* What can be done to an operand in place of the result, when that is not wanted itself. */
static erg_node *move_into_product(erg_node *node) {
    if (node->op == ERG_OP_slice)
        return erg_sliced_product(node);
    return erg_is_transpose(node) ? transposed_product(node) : node;
}

static erg_node *rewrite(void *self, erg_node *node) {
    const bool *uses_product = self;
    return erg_simplified(uses_product[node->id] ? move_into_product(node) : node);
}

bool erg_program_simplify(erg_program *program) {
    bool *found = find_users_of_products(program);
    bool done = found && erg_program_rewrite(program, rewrite, found);
    free(found);
    return done;
}
