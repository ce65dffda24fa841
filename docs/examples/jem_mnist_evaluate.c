/* jem_mnist_evaluate.c: is a model right, does it know how sure to be, and does it know what a digit is?
 * Expected calibration error: Guo et al. 2017. */
#include <math.h>

#include "jem_mnist.h"

/* For each image the probabilities of the classes, then E: (N, DIGITS_CLASSES + 1). The caller frees
 * it. */
static erg_tensor *look(const task *t, int model, const erg_tensor *pixels) {
    const erg_classifier *classifier = &t->classifiers[model];
    erg_node *x = erg_input(t->graph, NULL, ERG_FLOAT32, pixels->shape);
    erg_node *logits = classifier->logits(classifier->self, x);
    erg_node *energy = erg_unsqueeze(erg_classifier_energy((void *)classifier, x), 1);
    if (!energy || erg_tensor_copy(erg_value(x), pixels) != ERG_OK)
        return NULL;
    return erg_evaluate(erg_concat((erg_node *[]){erg_softmax(logits, 1), energy}, 2, 1));
}

static int choice(const erg_tensor *seen, int64_t row) {
    int best = 0;
    for (int c = 1; c < DIGITS_CLASSES; c++)
        if (erg_tensor_get(seen, row * (DIGITS_CLASSES + 1) + c) >
            erg_tensor_get(seen, row * (DIGITS_CLASSES + 1) + best))
            best = c;
    return best;
}

static void calibrate(const erg_tensor *seen, const erg_tensor *labels, evaluation *e) {
    int64_t n = erg_tensor_size(labels);
    calibration *c = &e->calibration;
    for (int64_t i = 0; i < n; i++) {
        int chosen = choice(seen, i);
        double sure = erg_tensor_get(seen, i * (DIGITS_CLASSES + 1) + chosen);
        bool right = chosen == (int)erg_tensor_get(labels, i);
        int bin = (int)fmin(BINS - 1, floor(sure * BINS));
        c->count[bin]++;
        c->confidence[bin] += sure;
        c->accuracy[bin] += right;
        e->accuracy += right / (double)n;
    }
    for (int bin = 0; bin < BINS; bin++) {
        c->error += fabs(c->confidence[bin] - c->accuracy[bin]) / (double)n;
        c->confidence[bin] /= (double)c->count[bin];
        c->accuracy[bin] /= (double)c->count[bin];
    }
}

static erg_tensor *energies_of(const task *t, int model, const erg_tensor *pixels) {
    int64_t n = pixels->shape.dims[0];
    erg_tensor *seen = look(t, model, pixels),
               *energies = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(n));
    for (int64_t i = 0; seen && energies && i < n; i++)
        erg_tensor_set(energies, i, erg_tensor_get(seen, (i + 1) * (DIGITS_CLASSES + 1) - 1));
    if (!seen) {
        erg_tensor_free(energies);
        energies = NULL;
    }
    erg_tensor_free(seen);
    return energies;
}

/* How well E, higher for what is less probable, tells the held-out digits from other images, which
 * it frees. */
static erg_status tell_apart(const task *t, int model, erg_tensor *others, double *auroc) {
    erg_tensor *usual = energies_of(t, model, t->held_out);
    erg_tensor *unusual = others ? energies_of(t, model, others) : NULL;
    erg_status status = usual && unusual ? ERG_OK : erg_error_status();
    if (status == ERG_OK)
        *auroc = digits_auroc(usual, unusual);
    erg_tensor_free(usual);
    erg_tensor_free(unusual);
    erg_tensor_free(others);
    return status;
}

/* Uniform in [-1, 1). */
static erg_tensor *noise_like(const erg_tensor *pixels, uint64_t seed) {
    erg_tensor *noise = erg_tensor_new(ERG_FLOAT32, pixels->shape);
    if (noise)
        erg_random_uniform(noise, (erg_random){.seed = seed, .stream = UINT32_MAX});
    for (int64_t i = 0; noise && i < erg_tensor_size(noise); i++)
        erg_tensor_set(noise, i, 2 * erg_tensor_get(noise, i) - 1);
    return noise;
}

erg_status evaluate_model(const task *t, int model, evaluation *result) {
    *result = (evaluation){0};
    erg_tensor *seen = look(t, model, t->held_out);
    if (!seen)
        return erg_error_status();
    calibrate(seen, t->held_out_digits.labels, result);
    erg_tensor_free(seen);
    erg_status status =
        tell_apart(t, model, noise_like(t->held_out, t->options->common.seed), &result->noise);
    if (status == ERG_OK)
        status = tell_apart(t, model, digits_flipped(t->held_out), &result->flipped);
    return status;
}
