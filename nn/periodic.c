/* periodic.c: energies with cosines. Their normalisers are made of the modified Bessel functions
 *     I_k(x) = 1/pi int_0^pi exp(x cos t) cos(k t) dt,
 * the Fourier coefficients of exp(x cos t). */
#include <math.h>

#include "module.h"
#include "options.h"
#include "rejection.h"

/* exp(-x) I_k(x) for x >= 0. The trapezium rule is exact to rounding for a periodic function once its
 * points lie closer than the peak at t = 0 is wide, 1 / sqrt(x) (Trefethen & Weideman 2014). */
static double scaled_bessel(int k, double x) {
    int points = 32 + (int)(12 * sqrt(x));
    double sum = 0;
    for (int i = 0; i <= points; i++) {
        double t = M_PI * i / points, weight = i == 0 || i == points ? 0.5 : 1;
        sum += weight * exp(x * (cos(t) - 1)) * cos(k * t);
    }
    return sum / points;
}

/* Far more than any use, and few enough points. */
static const double MOST = 1e12;

/* ------------------------------------------------------------------------------- von Mises */

static erg_von_mises von_mises_options(const erg_von_mises *von_mises) {
    erg_von_mises v = von_mises ? *von_mises : (erg_von_mises){0};
    v.concentration = erg_option(v.concentration, 1);
    return v;
}

static bool check_von_mises(erg_graph *graph, erg_von_mises v) {
    return (v.concentration >= 0 && v.concentration <= MOST && isfinite(v.mean)) ||
           erg_graph_fail(graph, "von_mises: concentration %g, mean %g", v.concentration, v.mean);
}

erg_node *erg_von_mises_energy(void *self, erg_node *x) {
    erg_von_mises v = von_mises_options(self);
    if (!erg_module_has_width("von_mises_energy", x, ERG_ANY_WIDTH) ||
        !check_von_mises(erg_node_graph(x), v))
        return NULL;
    erg_node *cosine = erg_cos(erg_add_scalar(x, -v.mean));
    return erg_mul_scalar(erg_sum(cosine, ERG_AXES(1), 0), -v.concentration);
}

double erg_von_mises_log_z(const erg_von_mises *von_mises, int64_t d) {
    erg_von_mises v = von_mises_options(von_mises);
    if (!check_von_mises(NULL, v))
        return NAN;
    return (double)d * (v.concentration + log(2 * M_PI * scaled_bessel(0, v.concentration)));
}

/* Best & Fisher (1979) propose from the wrapped Cauchy density, of which
 *     p / q ~ exp(k cos t) (r - cos t) ~ c exp(-c), c = k (r - cos t),
 * is at most 1 / e, at c = 1; with r = (1 + sqrt(1 + 4 k^2)) / 2k most are accepted. A proposal is
 * a uniform angle, the tangent of its half times sqrt((r - 1) / (r + 1)). All is written with
 * k (r - 1), which is good to rounding for sharp peaks and for k = 0, where the proposal is uniform
 * and c = 1. */
erg_node *erg_von_mises_sample(erg_graph *graph, erg_dtype dtype, const erg_von_mises *von_mises,
                               int64_t n, int64_t d) {
    enum { PROPOSALS = 40 };
    erg_von_mises v = von_mises_options(von_mises);
    if (!check_von_mises(graph, v))
        return NULL;
    if (n < 0 || d < 1)
        return erg_graph_fail(graph, "von_mises_sample: %lld samples of %lld dimensions",
                              (long long)n, (long long)d);
    double twice = 2 * v.concentration, least = 0.5 + 0.5 / (hypot(1, twice) + twice);
    erg_node *u = erg_uniform(graph, dtype, ERG_SHAPE(n, d, PROPOSALS));
    erg_node *even = erg_mul_scalar(erg_add_scalar(u, -0.5), M_PI);
    erg_node *sine = erg_mul_scalar(erg_sin(even), sqrt(least / (least + twice)));
    erg_node *half = erg_atan2(sine, erg_cos(even));
    erg_node *rise = erg_mul_scalar(erg_square(erg_sin(half)), twice);
    erg_node *c = erg_add_scalar(rise, least);
    erg_node *ratio = erg_mul(c, erg_exp(erg_add_scalar(erg_neg(c), 1)));
    erg_node *angle = erg_rejection(erg_mul_scalar(half, 2), ratio);
    return erg_add_scalar(angle, v.mean);
}

/* ------------------------------------------------------------------------------- Rastrigin */

static double rastrigin_height(const erg_rastrigin *rastrigin) {
    return erg_option(rastrigin ? rastrigin->height : 0, 10);
}

static bool check_rastrigin(erg_graph *graph, const erg_rastrigin *rastrigin) {
    double height = rastrigin_height(rastrigin);
    return (height >= 0 && height <= MOST) || erg_graph_fail(graph, "rastrigin: height %g", height);
}

erg_node *erg_rastrigin_energy(void *self, erg_node *x) {
    if (!erg_module_has_width("rastrigin_energy", x, ERG_ANY_WIDTH) ||
        !check_rastrigin(erg_node_graph(x), self))
        return NULL;
    erg_node *wave = erg_add_scalar(erg_neg(erg_cos(erg_mul_scalar(x, 2 * M_PI))), 1);
    erg_node *each = erg_add(erg_square(x), erg_mul_scalar(wave, rastrigin_height(self)));
    return erg_sum(each, ERG_AXES(1), 0);
}

/* exp(-x^2) times the Fourier series of exp(A cos 2 pi x): the integral of each term is that of a
 * Gaussian, sqrt(pi) I_k(A) exp(-pi^2 k^2). */
double erg_rastrigin_log_z(const erg_rastrigin *rastrigin, int64_t d) {
    double height = rastrigin_height(rastrigin), sum = 0;
    if (!check_rastrigin(NULL, rastrigin))
        return NAN;
    for (int k = -2; k <= 2; k++)
        sum += scaled_bessel(k, height) * exp(-M_PI * M_PI * k * k);
    return (double)d * log(sqrt(M_PI) * sum);
}

/* ------------------------------------------------------------------------------- Ackley */

erg_node *erg_ackley_energy(void *self, erg_node *x) {
    erg_ackley a = self ? *(const erg_ackley *)self : (erg_ackley){0};
    a.height = erg_option(a.height, 20);
    a.slope = erg_option(a.slope, 0.2);
    a.frequency = erg_option(a.frequency, 2 * M_PI);
    if (!erg_module_has_width("ackley_energy", x, ERG_ANY_WIDTH))
        return NULL;
    if (!isfinite(a.height) || !isfinite(a.slope) || !isfinite(a.frequency))
        return erg_graph_fail(erg_node_graph(x), "ackley: height %g, slope %g, frequency %g",
                              a.height, a.slope, a.frequency);
    double root = sqrt((double)erg_node_shape(x).dims[1]);
    erg_node *distance = erg_norm(x, 2, ERG_AXES(1), 0);
    erg_node *hole = erg_exp(erg_mul_scalar(distance, -a.slope / root));
    erg_node *waves = erg_mean(erg_cos(erg_mul_scalar(x, a.frequency)), ERG_AXES(1), 0);
    erg_node *sum = erg_add(erg_mul_scalar(hole, a.height), erg_exp(waves));
    return erg_add_scalar(erg_neg(sum), a.height + M_E);
}
