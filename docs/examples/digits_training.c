/* digits_training.c: see digits_training.h. */
#include <unistd.h>

#include "digits_training.h"

erg_status digits_start(const digits_options *o, digits *train, digits *held_out) {
    erg_status status = o->threads > 0 ? erg_set_threads((int)o->threads) : ERG_OK;
    if (status == ERG_OK)
        status = digits_read(
            (digits_source){
                .folder = o->data, .files = o->files, .held_out = o->held_out, .batch = o->batch},
            train, held_out);
    return status == ERG_OK ? make_folder(o->out) : status;
}

erg_status digits_start_pixels(const digits_options *o, erg_tensor **train, erg_tensor **held_out) {
    digits first = {0}, last = {0};
    erg_status status = digits_start(o, &first, &last);
    if (status == ERG_OK) {
        *train = digits_pixels(first.images);
        *held_out = digits_pixels(last.images);
        status = *train && *held_out ? ERG_OK : erg_error_status();
    }
    digits_free(&first);
    digits_free(&last);
    return status;
}

static int report(void *self, erg_trainer *trainer, const char *note) {
    (void)self;
    if (note)
        fprintf(stderr, "step %lld: %s\n", (long long)erg_trainer_steps(trainer), note);
    return interrupted;
}

erg_trainer_options digits_trainer_options(const digits_options *o) {
    catch_interrupts();
    return (erg_trainer_options){
        .saving = {.path = o->checkpoint, .every = o->checkpoint ? 100 : 0},
        .report = report,
        .progress = stderr};
}

erg_status digits_train(erg_trainer *trainer, const digits_options *o, double *seconds) {
    erg_status status = ERG_OK;
    if (o->checkpoint && access(o->checkpoint, F_OK) == 0) {
        status = erg_trainer_load(trainer, o->checkpoint);
        if (status == ERG_OK)
            printf("resumed after step %lld\n", (long long)erg_trainer_steps(trainer));
    }
    double start = seconds_now();
    if (status == ERG_OK)
        status = erg_trainer_run(trainer, o->steps);
    *seconds = seconds_now() - start;
    return status;
}

static erg_status write_weights(erg_graph *graph, const char *path) {
    erg_bundle *weights = erg_weights(graph, NULL);
    erg_status status = weights ? erg_safetensors_write(path, weights, (erg_safetensors_options){0})
                                : erg_error_status();
    erg_bundle_free(weights);
    return status;
}

bool digits_has_history(const erg_trainer *trainer) {
    return erg_trainer_history(trainer)->shape.dims[0] > 0;
}

static erg_status write_history(const erg_trainer *trainer, const digits_options *o,
                                const char *const *columns, int n, const char *picture) {
    path_text path;
    erg_status status = join_path(path, o->out, "history.csv");
    if (status == ERG_OK)
        status = erg_trainer_write(trainer, path);
    if (status == ERG_OK)
        status = join_path(path, o->out, picture);
    return status == ERG_OK ? erg_trainer_plot(trainer, columns, n, path) : status;
}

erg_status digits_write_training(const erg_trainer *trainer, erg_graph *graph,
                                 const digits_options *o, const char *const *columns, int n,
                                 const char *picture) {
    path_text path;
    erg_status status = ERG_OK;
    if (digits_has_history(trainer))
        status = write_history(trainer, o, columns, n, picture);
    if (status == ERG_OK)
        status = join_path(path, o->out, "weights.safetensors");
    return status == ERG_OK ? write_weights(graph, path) : status;
}
