/* custom_energy.c: an energy of one's own. Points lie near a closed curve that nobody has told us.
 * The model is a tube of width w around a curve made of a few waves,
 *     E(x) = -log sum_j exp(-|x - c(t_j)|^2 / 2 w^2),   c(t) = a_0 + sum_k a_k cos kt + b_k sin kt,
 * with the t_j evenly around the circle; a_k, b_k and w are learned by denoising score matching. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <erg.h>

enum { PLACES = 96, WAVES = 4, BATCH = 256, CHAINS = 1000, TRANSITIONS = 500, SIDE = 200 };
static const double noise = 0.1, sigma = 0.1, half_width = 3;

/* ------------------------------------------------------------------------------- the energy */

typedef struct tube {
    erg_node *curve;     /* a_0 .. a_WAVES, b_1 .. b_WAVES: (2 WAVES + 1, 2) */
    erg_node *log_width; /* log w: () */
    erg_node *places;    /* c(t_j): (PLACES, 2) */
} tube;

static tube make_tube(erg_graph *g) {
    tube t = {erg_param(g, "curve", ERG_FLOAT64, ERG_SHAPE(2 * WAVES + 1, 2)),
              erg_param(g, "log_width", ERG_FLOAT64, ERG_SCALAR), NULL};
    erg_node *time = erg_mul_scalar(erg_arange(g, ERG_FLOAT64, PLACES), 2 * M_PI / PLACES);
    erg_node *angle = erg_mul(erg_unsqueeze(time, 1), erg_arange(g, ERG_FLOAT64, WAVES + 1));
    erg_node *sine = erg_sin(erg_slice(angle, 1, 1, ERG_END, 1));
    erg_node *waves = erg_concat((erg_node *[]){erg_cos(angle), sine}, 2, 1);
    t.places = erg_matmul(waves, t.curve);
    if (t.places) { /* a circle to begin with, and w = 1 */
        erg_tensor_set(erg_value(t.curve), 2, 1.5);
        erg_tensor_set(erg_value(t.curve), 2 * (WAVES + 1) + 1, 1.5);
    }
    return t;
}

/* (B, 2) -> (B) */
static erg_node *tube_energy(void *self, erg_node *x) {
    const tube *t = self;
    erg_node *offset = erg_sub(erg_unsqueeze(x, 1), t->places); /* (B, PLACES, 2) */
    erg_node *distance = erg_sum(erg_square(offset), ERG_AXES(2), 0);
    erg_node *scale = erg_mul_scalar(erg_exp(erg_mul_scalar(t->log_width, -2)), -0.5);
    return erg_neg(erg_logsumexp(erg_mul(distance, scale), ERG_AXES(1), 0));
}

/* ------------------------------------------------------------------------------- the data */

/* A heart with N(0, noise^2) on it: (n, 2), new points at each run. */
static erg_node *heart(erg_graph *g, int64_t n) {
    erg_node *t = erg_mul_scalar(erg_uniform(g, ERG_FLOAT64, ERG_SHAPE(n)), 2 * M_PI);
    const double weights[] = {13, -5, -2, -1};
    erg_node *x = erg_mul_scalar(erg_pow_scalar(erg_sin(t), 3), 16 / 8.0), *y = NULL;
    for (int k = 1; k <= 4; k++) {
        erg_node *wave = erg_mul_scalar(erg_cos(erg_mul_scalar(t, k)), weights[k - 1] / 8);
        y = y ? erg_add(y, wave) : wave;
    }
    erg_node *points = erg_stack((erg_node *[]){x, y}, 2, 1);
    erg_node *deviation = erg_normal(g, ERG_FLOAT64, ERG_SHAPE(n, 2));
    return erg_add(points, erg_mul_scalar(deviation, noise));
}

/* ------------------------------------------------------------------------------- what is done */

/* Derivatives of the energy by x and by its params, against finite differences, to third order. */
static erg_status check_derivatives(erg_graph *g, erg_energy energy) {
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(2, 2));
    erg_node *xs[] = {x, erg_find(g, "curve"), erg_find(g, "log_width")};
    erg_node *e = erg_energy_apply(energy, x);
    if (!e)
        return ERG_ERROR_GRAPH;
    const double points[] = {1, -0.5, 0.25, 2};
    for (int i = 0; i < 4; i++)
        erg_tensor_set(erg_value(x), i, points[i]);
    erg_gradcheck_result result = {0};
    erg_status status = erg_gradcheck(e, xs, 3, (erg_gradcheck_options){.order = 3}, &result);
    if (status == ERG_OK)
        printf("derivatives agree to third order\n");
    return status;
}

/* Prints the width at the end, and that of a tube around the noisy data. */
static erg_status train(erg_graph *g, erg_energy energy, long steps) {
    erg_node *loss = erg_denoising_score_matching(energy, heart(g, BATCH),
                                                  (erg_denoising_options){.sigma = sigma});
    erg_node *step = erg_state(g, "step", ERG_FLOAT64, ERG_SCALAR);
    erg_node *rate = erg_cosine_schedule(step, 0.02, 0, steps);
    int n;
    erg_node **params = erg_params(g, NULL, &n);
    erg_node *update =
        erg_adam(loss, params, n, (erg_adam_options){.learning_rate_node = rate, .step = step});
    erg_plan *plan = erg_compile((erg_node *[]){update, loss}, 2);
    if (!plan)
        return ERG_ERROR_GRAPH;
    bool terminal = isatty(STDERR_FILENO);
    for (long k = 0; k < steps; k++) {
        erg_run(plan);
        if (terminal && k % 20 == 0)
            fprintf(stderr, "\r%ld/%ld  loss %.3f \033[K", k, steps,
                    erg_tensor_get(erg_output(plan, 1), 0));
    }
    if (terminal)
        fputs("\r\033[K", stderr);
    erg_plan_free(plan);
    double width = exp(erg_tensor_get(erg_value(erg_find(g, "log_width")), 0));
    printf("width %.3f, of the data and the noise added to them %.3f\n", width,
           hypot(noise, sigma));
    return ERG_OK;
}

/* Langevin dynamics from a wide cloud. The samples are in the state that is returned. */
static erg_node *sample(erg_graph *g, erg_energy energy) {
    erg_node *x = erg_state(g, "chains", ERG_FLOAT64, ERG_SHAPE(CHAINS, 2));
    erg_node *next = erg_langevin(energy, x, (erg_langevin_options){.step_size = 0.002});
    erg_chain *chain = erg_chain_new(x, next);
    erg_status status = chain ? erg_init_normal(x, 1.5) : ERG_ERROR_GRAPH;
    if (status == ERG_OK)
        status = erg_chain_run(chain, TRANSITIONS);
    erg_chain_free(chain);
    return status == ERG_OK ? x : NULL;
}

/* The energy on a grid of SIDE x SIDE points, (SIDE, SIDE). */
static erg_tensor *landscape(erg_graph *g, erg_energy energy) {
    erg_evaluator *evaluator = erg_evaluator_new(g, energy, ERG_FLOAT64, ERG_SHAPE(2), 0);
    erg_tensor *points = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(SIDE * SIDE, 2));
    erg_tensor *flat = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(SIDE * SIDE)), *map = NULL;
    for (int i = 0; points && i < SIDE * SIDE; i++) {
        erg_tensor_set(points, 2 * i, half_width * (2 * (i % SIDE + 0.5) / SIDE - 1));
        erg_tensor_set(points, 2 * i + 1, half_width * (2 * (i / SIDE + 0.5) / SIDE - 1));
    }
    if (evaluator && points && flat && erg_evaluator_run(evaluator, points, flat) == ERG_OK)
        map = erg_tensor_from(ERG_FLOAT64, ERG_SHAPE(SIDE, SIDE), flat->data);
    erg_tensor_free(points);
    erg_tensor_free(flat);
    erg_evaluator_free(evaluator);
    return map;
}

static erg_status draw(const erg_tensor *energies, const erg_tensor *samples, const char *path) {
    erg_plot *plot = erg_plot_new(
        (erg_plot_options){.width = 640, .height = 560, .equal = 1, .title = "energy and samples"});
    erg_status status = plot ? ERG_OK : ERG_ERROR_MEMORY;
    if (status == ERG_OK)
        status = erg_plot_heatmap(plot, energies,
                                  (erg_heatmap_options){.x_min = -half_width,
                                                        .x_max = half_width,
                                                        .y_min = -half_width,
                                                        .y_max = half_width,
                                                        .low = -3,
                                                        .high = 20});
    if (status == ERG_OK)
        status = erg_plot_scatter(plot, samples,
                                  (erg_mark_options){.color = 0xFFFFFF, .size = 2, .opacity = 0.6});
    if (status == ERG_OK)
        status = erg_plot_save(plot, path);
    erg_plot_free(plot);
    return status;
}

/* ------------------------------------------------------------------------------- the program */

static erg_status run(erg_graph *g, long steps, const char *path) {
    tube t = make_tube(g);
    erg_energy energy = {tube_energy, &t};
    erg_status status = check_derivatives(g, energy);
    if (status == ERG_OK)
        status = train(g, energy, steps);
    erg_node *samples = status == ERG_OK ? sample(g, energy) : NULL;
    erg_tensor *energies = samples ? landscape(g, energy) : NULL;
    if (status == ERG_OK)
        status = energies ? draw(energies, erg_value(samples), path) : erg_error_status();
    erg_tensor_free(energies);
    return status;
}

int main(int argc, char **argv) {
    const char usage[] = "usage: custom_energy [--steps N] [--out FILE.png]\n", *path = NULL;
    char *end = "";
    long steps = 1000;
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout), 0;
    for (int i = 1; i + 1 < argc; i += 2)
        if (strcmp(argv[i], "--out") == 0)
            path = argv[i + 1];
        else
            steps = strcmp(argv[i], "--steps") == 0 ? strtol(argv[i + 1], &end, 10) : 0;
    if (argc % 2 == 0 || steps < 1 || *end != '\0')
        return fputs(usage, stderr), 2;
    erg_graph *g = erg_graph_new(1);
    erg_status status = run(g, steps, path ? path : "custom_energy.png");
    if (status != ERG_OK)
        fprintf(stderr, "custom_energy: %s\n", erg_error_message());
    erg_graph_free(g);
    return status == ERG_OK ? 0 : 1;
}
