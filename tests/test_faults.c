/* test_faults.c: the system gives no memory for graphs, plans, files of tensors, pictures. */
#include "../autograd/graph.h"
#include "memory_faults.h"

#define F64 ERG_FLOAT64

static erg_node *mlp(void *self, erg_node *x) {
    erg_graph *graph = erg_node_graph(x);
    const int64_t sizes[] = {2, 4, 1};
    (void)self;
    erg_node *h = x;
    for (int k = 0; k < 2; k++) {
        char name[] = {(char)('0' + k), '\0'};
        erg_scope_push(graph, name);
        erg_node *w = erg_param(graph, "weight", F64, ERG_SHAPE(sizes[k], sizes[k + 1]));
        erg_node *b = erg_param(graph, "bias", F64, ERG_SHAPE(sizes[k + 1]));
        h = erg_add(erg_matmul(h, w), b);
        h = k ? h : erg_softplus(h);
        erg_scope_pop(graph);
    }
    return erg_squeeze(h, 1);
}

/* One step of training on the sum of the Laplacian, with what it assigns bundled into one node. */
static erg_node *training_step(erg_graph *graph, erg_node *x) {
    enum { MOST = 4 };
    erg_node *laplacian = erg_laplacian(erg_energy_apply((erg_energy){mlp, NULL}, x), x);
    erg_node *loss =
        erg_mean(erg_square(erg_sub(laplacian, erg_normal(graph, F64, ERG_SHAPE(3)))), ERG_ALL, 0);
    int count;
    erg_node **params = erg_params(graph, "", &count), *slopes[MOST], *steps[MOST + 1];
    if (!loss || !params)
        return NULL;
    erg_grad(loss, params, count, slopes);
    for (int k = 0; k < count; k++)
        steps[k] = erg_assign(params[k], erg_sub(params[k], erg_mul_scalar(slopes[k], 0.1)));
    steps[count] = erg_name(loss, "loss");
    return erg_group(steps, count + 1);
}

static bool run_and_print(erg_node **outputs, int count) {
    erg_plan *plan = erg_compile(outputs, count);
    if (!plan)
        return false;
    erg_run_n(plan, 2);
    expect(erg_tensor_get(erg_output(plan, 1), 0) == 36, "3 (2 + 4 + 6) is not 36");
    erg_plan_free(plan);
    FILE *sink = fopen("/dev/null", "w");
    erg_status printed = erg_graph_print(outputs, count, sink);
    erg_status drawn = erg_graph_dot(outputs, count, sink);
    fclose(sink);
    return !printed && !drawn;
}

/* Enough nodes for several blocks of memory and growths of arrays; one with many operands. */
static erg_node *long_chain(erg_node *x) {
    erg_node *parts[12];
    for (int k = 0; k < COUNT(parts); k++) {
        parts[k] = x;
        for (int i = 0; i < 40; i++)
            parts[k] = erg_add(parts[k], x);
    }
    return erg_gradient(erg_concat(parts, COUNT(parts), 0), x);
}

/* A node that could not be added has left no name behind. */
static bool names_have_nodes(const erg_graph *graph) {
    bool all = true;
    for (int i = 0; i < graph->n_named; i++) {
        const erg_node *node = graph->named[i];
        all &= node->id < graph->count && graph->nodes[node->id] == node;
    }
    return all;
}

static bool train(void) {
    erg_graph *graph = erg_graph_new(1);
    if (!graph)
        return false;
    erg_node *x = erg_input(graph, "x", F64, ERG_SHAPE(3, 2));
    erg_node *numbers = erg_cumsum(erg_full(graph, F64, ERG_SHAPE(3), 2), 0);
    erg_node *outputs[] = {training_step(graph, x), erg_sum(erg_mul_scalar(numbers, 3), ERG_ALL, 0),
                           long_chain(x), erg_one_hot(erg_arange(graph, ERG_INT32, 3), 3, F64)};
    bool built = true;
    for (int k = 0; k < COUNT(outputs); k++)
        built &= outputs[k] != NULL;
    expect(built == !erg_graph_error(graph), "one check after building is not enough");
    expect(names_have_nodes(graph), "a name without a node");
    bool done = run_and_print(outputs, COUNT(outputs));
    expect(built || !done, "compiled with a mistake in the graph");
    erg_tensor *value = erg_evaluate(outputs[1]);
    done &= value != NULL;
    erg_tensor_free(value);
    erg_graph_free(graph);
    return done;
}

static bool train_by_interpreter(void) {
    setenv("ERG_DEBUG", "reference", 1);
    bool done = train();
    unsetenv("ERG_DEBUG");
    return done;
}

static bool check_gradient(void) {
    erg_graph *graph = erg_graph_new(1);
    if (!graph)
        return false;
    erg_node *x = erg_state(graph, NULL, F64, ERG_SHAPE(2));
    if (x)
        erg_tensor_fill(erg_value(x), 0.5);
    bool done = erg_gradcheck(erg_square(erg_sin(x)), &x, 1, (erg_gradcheck_options){.order = 2},
                              NULL) == ERG_OK;
    expect(!x || erg_tensor_get(erg_value(x), 0) == 0.5, "x is not what it was");
    erg_graph_free(graph);
    return done;
}

static bool same(const erg_tensor *a, const erg_tensor *b) {
    bool equal = erg_shape_equal(a->shape, b->shape);
    for (int64_t i = 0; equal && i < erg_tensor_size(a); i++)
        equal = erg_tensor_get(a, i) == erg_tensor_get(b, i);
    return equal;
}

static bool write_and_read(void) {
    erg_tensor *table = erg_tensor_from(F64, ERG_SHAPE(2, 2), (double[]){1, -2.5, 1e300, 4});
    erg_tensor *copy = table ? erg_tensor_clone(table) : NULL, *npy = NULL, *csv = NULL;
    bool done = copy && !erg_npy_write("a.npy", table) && !erg_csv_write("a.csv", table, "a,b") &&
                (npy = erg_npy_read("a.npy")) && (csv = erg_csv_read("a.csv"));
    if (done)
        expect(same(table, copy) && same(table, npy) && same(table, csv), "another table");
    erg_tensor_free(table);
    erg_tensor_free(copy);
    erg_tensor_free(npy);
    erg_tensor_free(csv);
    return done;
}

/* A .gz file: one packed block with the IDX file 0 0 8 1, 0 0 0 2, 7, 8. */
static const unsigned char labels[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xff,
                                       0x63, 0x60, 0xe0, 0x60, 0x64, 0x60, 0x60, 0x60, 0x62, 0xe7,
                                       0x00, 0x00, 0xec, 0xb2, 0x06, 0xd4, 0x0a, 0x00, 0x00, 0x00};

static bool exchange(void) {
    FILE *file = fopen("labels.gz", "wb");
    fwrite(labels, 1, sizeof labels, file);
    fclose(file);
    erg_tensor *table = erg_tensor_from(F64, ERG_SHAPE(2, 2), (double[]){1, -2.5, 1e300, 4});
    erg_bundle *bundle = erg_bundle_new(), *npz = NULL, *safe = NULL;
    const erg_safetensors_options checked = {.checksum = 1};
    char name[] = "a";
    bool done = table && bundle;
    for (; done && name[0] < 'l'; name[0]++)
        done = !erg_bundle_add(bundle, name, table);
    done = done && !erg_npz_write("a.npz", bundle) && !erg_bundle_add_text(bundle, "k", "text") &&
           !erg_safetensors_write("a", bundle, checked) && (npz = erg_npz_read("a.npz")) &&
           (safe = erg_safetensors_read("a"));
    if (done)
        expect(same(table, erg_bundle_find(npz, "k")) && same(table, erg_bundle_find(safe, "k")) &&
                   erg_bundle_text(safe, "k"),
               "another bundle");
    erg_tensor *unpacked = erg_idx_read("labels.gz");
    if (unpacked)
        expect(erg_tensor_get(unpacked, 1) == 8, "other labels");
    done = done && unpacked;
    erg_tensor_free(unpacked);
    erg_tensor_free(table);
    erg_bundle_free(bundle);
    erg_bundle_free(npz);
    erg_bundle_free(safe);
    return done;
}

static bool draw(void) {
    erg_plot *plot = erg_plot_new((erg_plot_options){
        .width = 120, .height = 90, .title = "t", .x_label = "x", .y_label = "y"});
    erg_tensor *values = erg_tensor_from(F64, ERG_SHAPE(2, 2), (double[]){1, 2, 3, 4});
    erg_tensor *line = erg_tensor_from(F64, ERG_SHAPE(3), (double[]){1, 3, 2});
    erg_tensor *images = erg_tensor_new(F64, ERG_SHAPE(3, 4, 4));
    bool done = plot && values && line && images &&
                !erg_plot_heatmap(plot, values, (erg_heatmap_options){.label = "E"}) &&
                !erg_plot_scatter(plot, values, (erg_mark_options){.label = "points"}) &&
                !erg_plot_line(plot, NULL, line, (erg_mark_options){.label = "line"}) &&
                !erg_plot_save(plot, "a.png") && !erg_image_grid_write("b.png", images, 0, 0, 0);
    erg_plot_free(plot);
    erg_tensor_free(values);
    erg_tensor_free(line);
    erg_tensor_free(images);
    return done;
}

static const scenario scenarios[] = {
    {"train", train, 20},
    {"train by interpreter", train_by_interpreter, 20},
    {"check_gradient", check_gradient, 10},
    {"write and read", write_and_read, 10},
    {"exchange", exchange, 60},
    {"draw", draw, 10},
};

int main(void) {
    return refuse_memory("faults", scenarios, COUNT(scenarios));
}
