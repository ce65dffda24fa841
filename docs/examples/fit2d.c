/* fit2d.c: fits an energy to points in the plane, says how good the fit is, and draws it. */
#include <stdio.h>

#include "fit2d_report.h"

enum { N_SAMPLES = 2000 };

/* ------------------------------------------------------------------------------- summary */

static void print_truth(const fit *fit) {
    const evaluation *e = &fit->evaluation;
    printf("the true density         %.4f on these points\n", fit->truth->exact);
    if (e->normalised)
        printf("for endlessly many       %.4f, which is %.4f below the best possible\n", e->mean,
               fit->truth->best - e->mean);
    printf("best possible            %.4f, minus the entropy\n", fit->truth->best);
    if (fit->data.smoothed.fn)
        printf("best for a smoothing     %.4f, of the density smoothed by %g\n", e->best_blur,
               blur_of(fit->options));
}

static void print_summary(const fit *fit, double seconds) {
    const fit_options *o = fit->options;
    const evaluation *e = &fit->evaluation;
    long long steps = (long long)erg_trainer_steps(fit->training.trainer), all = o->set.steps;
    printf("%s by %s: %lld steps in %.1f s, %.1f s in all\n", o->data, o->loss->name, steps,
           fit->training.seconds, seconds);
    if (steps < all)
        printf("interrupted: %lld steps were still to come\n", all - steps);
    if (fit->training.note[0])
        printf("%s\n", fit->training.note);
    if (e->normalised)
        printf("held-out log-likelihood  %.4f +- %.4f nats, mean over %lld points\n",
               e->log_likelihood, e->error, (long long)fit->data.held_out->shape.dims[0]);
    else
        printf("held-out log-likelihood  unknown: %s\n", e->problem);
    if (fit->truth->points)
        print_truth(fit);
    if (e->normalised)
        printf("normalised on a box of half width %.3g, whose outer ring holds %.1g of the mass\n",
               e->half_width, e->outer_mass);
    if (!erg_tensor_all_finite(fit->samples))
        printf("some samples are not finite: the chains ran away\n");
    printf("see %s/index.html\n", o->out);
}

/* ------------------------------------------------------------------------------- the program */

static erg_status learn_and_report(fit *fit, int argc, char **argv) {
    double start = seconds_now();
    truth truth = {0};
    erg_status status = fit_load(fit);
    if (status == ERG_OK)
        status = truth_find(&truth, fit->graph, &fit->data);
    fit->truth = &truth;
    if (status == ERG_OK)
        status = fit_learn(fit);
    if (status == ERG_OK && !(fit->samples = draw_samples(fit, N_SAMPLES)))
        status = erg_error_status();
    if (status == ERG_OK)
        status = write_report(fit, seconds_now() - start, argc, argv);
    if (status == ERG_OK)
        print_summary(fit, seconds_now() - start);
    truth_free(&truth);
    return status;
}

int main(int argc, char **argv) {
    fit_options options = fit2d_defaults;
    int exit_status;
    if (!program_read(&fit2d_program, argc, argv, &options, &exit_status))
        return exit_status;
    if (options.threads > 0)
        erg_set_threads((int)options.threads);
    catch_interrupts();
    fit fit = {.options = &options};
    erg_status status = make_folder(options.out);
    if (status == ERG_OK)
        status = learn_and_report(&fit, argc, argv);
    exit_status = program_end(&fit2d_program, status);
    fit_free(&fit);
    return exit_status;
}
