/* print_graph.c: a graph as text and as a picture.
 *
 *     %0 = input "x"  float64 (4, 2)
 *     %1 = param "energy/weight"  float64 (3, 2)
 *     %2 = matmul(%0, %1) transpose_b  float64 (4, 3)  energy
 *
 * Both forms show what the outputs need, in the order in which it was made; %2 is the node's position
 * in its graph. The last column is the scope of a node that has no name of its own. */
#include <stdlib.h>
#include <string.h>

#include "plan.h"

enum { MAX_WORDS = 8 };

/* The word before each attribute. What has none continues a list: order 1 0 2. */
static const char *const words[ERG_OP_COUNT][MAX_WORDS] = {
    [ERG_OP_uniform] = {"stream"},
    [ERG_OP_normal] = {"stream"},
    [ERG_OP_polygamma] = {"order"},
    [ERG_OP_sum] = {"axes", "to"},
    [ERG_OP_max] = {"axes", "to"},
    [ERG_OP_cumsum] = {"axis"},
    [ERG_OP_argmax] = {"axis"},
    [ERG_OP_matmul] = {"transpose_a", "transpose_b"},
    [ERG_OP_conv2d] = {"stride", NULL, "padding", NULL, "dilation", NULL, "groups"},
    [ERG_OP_conv2d_input] = {"stride", NULL, "padding", NULL, "dilation", NULL, "groups", "size"},
    [ERG_OP_conv2d_weight] = {"stride", NULL, "padding", NULL, "dilation", NULL, "groups", "size"},
    [ERG_OP_permute] = {"order"},
    [ERG_OP_slice] = {"axis", "start", "step"},
    [ERG_OP_pad] = {"axis", "before", "after", "between"},
    [ERG_OP_concat] = {"axis"},
    [ERG_OP_gather] = {"axis"},
    [ERG_OP_scatter_add] = {"axis", "size"},
};

/* With a point in every locale. */
static void put_number(double number, FILE *out) {
    char text[32];
    snprintf(text, sizeof text, "%.10g", number);
    char *comma = strchr(text, ',');
    if (comma)
        *comma = '.';
    fprintf(out, " %s", text);
}

static void put_attributes(const erg_node *node, FILE *out) {
    if (node->op == ERG_OP_full)
        put_number(node->number, out);
    for (int k = 0; k < node->n_attr; k++) {
        const char *word = k < MAX_WORDS ? words[node->op][k] : NULL;
        bool flag = node->op == ERG_OP_matmul;
        if (word && (!flag || node->attr[k]))
            fprintf(out, " %s", word);
        if (!flag)
            fprintf(out, " %lld", (long long)node->attr[k]);
    }
}

/* The first bytes of a name, as they may stand between quotes in either form. */
static void put_escaped(const char *text, size_t length, FILE *out) {
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"' || text[i] == '\\')
            fputc('\\', out);
        if (text[i] == '\n')
            fputs("\\n", out);
        else
            fputc(text[i], out);
    }
}

static void put_type(const erg_node *node, FILE *out) {
    char text[ERG_SHAPE_TEXT];
    fprintf(out, "%s %s", erg_dtype_name(node->dtype), erg_shape_text(node->shape, text));
}

/* What both forms ask first. On success the caller frees *needed. */
static erg_status begin(const char *operation, erg_node *const *outputs, int count, FILE *out,
                        unsigned char **needed) {
    if (!outputs || count < 1 || !out)
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: no %s", operation, out ? "outputs" : "stream");
    for (int k = 0; k < count; k++) {
        if (!outputs[k])
            return erg_fail(ERG_ERROR_ARGUMENT, "%s: output %d is NULL", operation, k);
        if (outputs[k]->graph != outputs[0]->graph)
            return erg_fail(ERG_ERROR_ARGUMENT, "%s: outputs of different graphs", operation);
    }
    *needed = erg_collect(outputs[0]->graph, outputs, count);
    return *needed ? ERG_OK : erg_fail(ERG_ERROR_MEMORY, "%s: out of memory", operation);
}

static erg_status finish(const char *operation, FILE *out, unsigned char *needed) {
    free(needed);
    if (fflush(out) == EOF || ferror(out))
        return erg_fail(ERG_ERROR_IO, "%s: cannot write to the stream", operation);
    return ERG_OK;
}

/* ------------------------------------------------------------------------------- text */

static void print_node(const erg_node *node, FILE *out) {
    fprintf(out, "%%%d = %s", node->id, erg_ops[node->op].name);
    for (int k = 0; k < node->n_in; k++)
        fprintf(out, "%s%%%d", k ? ", " : "(", node->in[k]->id);
    if (node->n_in)
        fputc(')', out);
    put_attributes(node, out);
    if (node->name) {
        fputs(" \"", out);
        put_escaped(node->name, strlen(node->name), out);
        fputc('"', out);
    }
    fputs("  ", out);
    put_type(node, out);
    if (!node->name && node->scope[0]) {
        fputs("  ", out);
        put_escaped(node->scope, strlen(node->scope), out);
    }
    fputc('\n', out);
}

erg_status erg_graph_print(erg_node *const *outputs, int count, FILE *out) {
    unsigned char *needed;
    erg_status status = begin("graph_print", outputs, count, out, &needed);
    if (status != ERG_OK)
        return status;
    const erg_graph *graph = outputs[0]->graph;
    for (int id = 0; id < graph->count; id++)
        if (needed[id])
            print_node(graph->nodes[id], out);
    return finish("graph_print", out, needed);
}

/* ------------------------------------------------------------------------------- Graphviz */

static const char *fill_color(const erg_node *node) {
    switch (node->op) {
    case ERG_OP_input:
        return "#cfe2f3";
    case ERG_OP_param:
        return "#f9cb9c";
    case ERG_OP_state:
        return "#d9ead3";
    case ERG_OP_constant:
    case ERG_OP_full:
        return "#eeeeee";
    case ERG_OP_uniform:
    case ERG_OP_normal:
        return "#fff2cc";
    case ERG_OP_assign:
        return "#ead1dc";
    default:
        return "white";
    }
}

/* A scope is a cluster, inside the clusters of the scopes around it. Graphviz takes clusters of one
 * name for one, so a scope may be opened again whenever a node of it comes. */
static void open_scope(const char *scope, FILE *out) {
    for (const char *part = scope; *part;) {
        size_t length = strcspn(part, "/");
        fputs("subgraph \"cluster ", out);
        put_escaped(scope, (size_t)(part - scope) + length, out);
        fputs("\" { label=\"", out);
        put_escaped(part, length, out);
        fputs("\";\n", out);
        part += length + (part[length] == '/');
    }
}

static void close_scope(const char *scope, FILE *out) {
    for (const char *part = scope; *part; part++)
        if (part == scope || *part == '/')
            fputs("}\n", out);
}

static void dot_node(const erg_node *node, bool is_output, FILE *out) {
    fprintf(out, "n%d [label=\"%s", node->id, erg_ops[node->op].name);
    put_attributes(node, out);
    fputs("\\n", out);
    if (node->name) {
        put_escaped(node->name, strlen(node->name), out);
        fputs("\\n", out);
    }
    put_type(node, out);
    fprintf(out, "\", fillcolor=\"%s\"%s];\n", fill_color(node), is_output ? ", penwidth=3" : "");
}

static void dot_edges(const erg_node *node, FILE *out) {
    for (int k = 0; k < node->n_in; k++)
        fprintf(out, "n%d -> n%d;\n", node->in[k]->id, node->id);
}

erg_status erg_graph_dot(erg_node *const *outputs, int count, FILE *out) {
    unsigned char *needed;
    erg_status status = begin("graph_dot", outputs, count, out, &needed);
    if (status != ERG_OK)
        return status;
    const erg_graph *graph = outputs[0]->graph;
    const char *scope = "";
    fputs("digraph erg {\nnode [shape=box, style=\"rounded,filled\"];\n", out);
    for (int id = 0; id < graph->count; id++) {
        const erg_node *node = graph->nodes[id];
        if (!needed[id])
            continue;
        if (strcmp(scope, node->scope) != 0) {
            close_scope(scope, out);
            open_scope(node->scope, out);
            scope = node->scope;
        }
        dot_node(node, needed[id] & 2, out);
    }
    close_scope(scope, out);
    for (int id = 0; id < graph->count; id++)
        if (needed[id])
            dot_edges(graph->nodes[id], out);
    fputs("}\n", out);
    return finish("graph_dot", out, needed);
}
