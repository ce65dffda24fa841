/* fit2d_page.c: a page of HTML with the pictures, the numbers, and the command that made them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fit2d.h"

static const char style[] =
    "body { max-width: 94rem; margin: 2rem auto; padding: 0 1rem; color: #222; background: #fff;\n"
    "       font: 16px/1.5 system-ui, sans-serif; }\n"
    "h1 { font-weight: 600; font-size: 1.6rem; }\n"
    "code { background: #f3f3f3; padding: .3rem .5rem; border-radius: 4px; }\n"
    "table { border-collapse: collapse; margin: 1.5rem 0; }\n"
    "th, td { text-align: left; font-weight: normal; padding: .25rem 1.5rem .25rem 0;\n"
    "         border-bottom: 1px solid #ddd; }\n"
    "td { font-variant-numeric: tabular-nums; }\n"
    ".pictures { display: flex; flex-wrap: wrap; gap: 1.5rem; }\n"
    "figure { margin: 0; width: 45rem; max-width: 100%; }\n"
    "img { max-width: 100%; height: auto; }\n"
    "figcaption { color: #555; }\n";

/* Text in which no character has a meaning in HTML. */
static void put_escaped(FILE *out, const char *text) {
    for (; *text; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*text, out);
        }
}

static void put_figure(FILE *out, const char *name, const char *caption) {
    fprintf(out, "<figure><img src=\"%s\" alt=\"%s\"><figcaption>%s</figcaption></figure>\n", name,
            caption, caption);
}

/* One row of the table. */
#define ROW(head, format, ...)                                                                     \
    fprintf(out, "<tr><th>" head "</th><td>" format "</td></tr>\n", __VA_ARGS__)

static void put_numbers(FILE *out, const fit *fit) {
    const evaluation *e = fit->evaluation;
    const history *h = fit->history;
    const fit_options *o = fit->options;
    fputs("<table>\n", out);
    if (e->normalised) {
        ROW("mean log-likelihood of held-out points", "%.4f &plusmn; %.4f nats", e->log_likelihood,
            e->error);
    } else {
        fputs("<tr><th>mean log-likelihood</th><td>unknown: ", out);
        put_escaped(out, e->problem);
        fputs("</td></tr>\n", out);
    }
    if (fit->data->exact.fn) {
        ROW("best possible: minus the entropy", "%.4f nats", e->best);
        ROW("the true density on the held-out points", "%.4f nats", e->exact);
    }
    if (fit->data->exact.fn && o->loss == LOSS_DSM)
        ROW("best possible for dsm: the true density smoothed by &sigma;", "%.4f nats",
            e->best_smooth);
    ROW("points to train on, and held out", "%lld, %lld",
        (long long)fit->data->train->shape.dims[0], (long long)fit->data->held_out->shape.dims[0]);
    ROW("steps", "%lld of %lld", (long long)h->steps, (long long)o->steps);
    ROW("time", "%.1f s training, %.1f s in all", h->seconds, fit->seconds);
    if (e->normalised) {
        ROW("log Z, in the units of the fit", "%.5f", e->log_z);
        ROW("half width of the box of the quadrature", "%.4g", e->half_width);
        ROW("mass in its outer ring", "%.2g", e->outer_mass);
    }
    fputs("</table>\n", out);
}

static void put_pictures(FILE *out, const fit *fit) {
    fputs("<div class=\"pictures\">\n", out);
    put_figure(out, "landscape.png", "The energy, with points of the data.");
    put_figure(out, "samples.png", "The energy, with samples drawn from it by Langevin dynamics.");
    if (fit->evaluation->normalised)
        put_figure(out, "density.png", "The density that the model has learned.");
    if (fit->evaluation->normalised && fit->data->exact.fn)
        put_figure(out, "truth.png", "The density that the data comes from, in the same colours.");
    put_figure(out, "loss.png", "The loss, and its running mean.");
    put_figure(out, "gap.png",
               fit->options->loss == LOSS_CD || fit->options->loss == LOSS_PCD
                   ? "Mean energy of the chains minus that of the data."
                   : "Mean energy of Gaussian noise as wide as the data, minus that of the data.");
    fputs("</div>\n", out);
}

static void put_page(FILE *out, const fit *fit) {
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>fit2d: ",
          out);
    put_escaped(out, fit->options->data);
    fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>", style);
    put_escaped(out, fit->options->data);
    fprintf(out, ", fitted by %s</h1>\n<p><code>", loss_names[fit->options->loss]);
    for (int i = 0; i < fit->argc; i++) {
        fputs(i ? " " : "", out);
        put_escaped(out, fit->argv[i]);
    }
    fputs("</code></p>\n", out);
    put_numbers(out, fit);
    put_pictures(out, fit);
    fputs("<p><a href=\"samples.npy\">samples.npy</a> holds the samples, "
          "<a href=\"log.csv\">log.csv</a> the curves.</p>\n</body>\n</html>\n",
          out);
}

erg_status write_page(const fit *fit, const char *path) {
    FILE *out = fopen(path, "w");
    if (!out)
        return erg_fail(ERG_ERROR_IO, "cannot write \"%s\": %s", path, strerror(errno));
    put_page(out, fit);
    int bad = ferror(out);
    if (fclose(out) != 0 || bad)
        return erg_fail(ERG_ERROR_IO, "cannot write \"%s\"", path);
    return ERG_OK;
}
