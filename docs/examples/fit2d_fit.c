/* fit2d_fit.c: a fit from beginning to end, for programs that make one or many. */
#include "fit2d.h"

erg_status fit_load(fit *fit) {
    fit->graph = erg_graph_new(fit->options->seed);
    return fit->graph ? dataset_load(&fit->data, fit->graph, fit->options) : erg_error_status();
}

erg_status fit_learn(fit *fit) {
    model_build(&fit->model, fit->graph, fit->options);
    erg_status status = train(fit);
    return status == ERG_OK ? evaluate(fit, fit->model.energy, ERG_FLOAT32, &fit->evaluation)
                            : status;
}

void fit_free(fit *fit) {
    training_free(&fit->training);
    erg_tensor_free(fit->samples);
    dataset_free(&fit->data);
    erg_graph_free(fit->graph);
}
