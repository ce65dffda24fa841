/* fit2d_options.c: the command line, read by one table. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fit2d.h"

const char *const loss_names[N_LOSSES] = {"cd", "pcd", "dsm", "sm"};

/* An option that is not given has this value until its default, which may depend on the loss. */
enum { NOT_GIVEN = -1 };

typedef enum value_kind { DATA, TEXT, LOSS, COUNT, NUMBER, SEED } value_kind;

typedef struct option_row {
    const char *name, *value, *help;
    value_kind kind;
    size_t offset;             /* of the field in fit_options */
    double low, high;          /* both allowed */
    double defaults[N_LOSSES]; /* of a COUNT or NUMBER */
} option_row;

#define FIELD(field) offsetof(fit_options, field)
#define BY_LOSS(cd, pcd, dsm, sm)                                                                  \
    { cd, pcd, dsm, sm }
#define ALWAYS(x) BY_LOSS(x, x, x, x)

static const option_row rows[] = {
    {"--data", "WHAT", "two_moons, eight_gaussians, FILE.npy or FILE.csv (two_moons)", DATA,
     FIELD(data), 0, 0, ALWAYS(0)},
    {"--loss", "LOSS",
     "cd, pcd: contrastive divergence from the data or from persistent chains;\n"
     "dsm, sm: denoising or exact score matching (pcd)",
     LOSS, FIELD(loss), 0, 0, ALWAYS(0)},
    {"--out", "DIR", "where pictures and tables go; made if missing (fit2d)", TEXT, FIELD(out), 0,
     0, ALWAYS(0)},
    {"--steps", "N", "training steps", COUNT, FIELD(steps), 1, 1e9,
     BY_LOSS(3000, 3000, 12000, 3000)},
    {"--batch", "N", "points in a step", COUNT, FIELD(batch), 1, 1e6, ALWAYS(256)},
    {"--hidden", "N", "width of each of the two hidden layers", COUNT, FIELD(hidden), 1, 4096,
     ALWAYS(128)},
    {"--lr", "X", "Adam's first learning rate; it falls to 0 along a cosine", NUMBER, FIELD(lr),
     1e-9, 10, ALWAYS(5e-3)},
    {"--base", "X", "stiffness of the bowl X |x|^2 / 2 under the network, 0 for none", NUMBER,
     FIELD(base), 0, 1e6, ALWAYS(0.1)},
    {"--sigma", "X", "dsm: standard deviation of the noise", NUMBER, FIELD(sigma), 1e-6, 1e6,
     ALWAYS(0.1)},
    {"--langevin-steps", "N", "cd, pcd: transitions of the chains in a training step", COUNT,
     FIELD(langevin_steps), 1, 1e6, ALWAYS(20)},
    {"--langevin-step", "X", "size e of a transition x - e grad E + sqrt(2 e) noise", NUMBER,
     FIELD(langevin_step), 1e-9, 1e6, ALWAYS(2e-3)},
    {"--penalty", "X", "cd, pcd: weight of mean(E(data)^2 + E(chains)^2), 0 for none", NUMBER,
     FIELD(penalty), 0, 1e6, ALWAYS(0.02)},
    {"--seed", "N", "of all random numbers (1)", SEED, FIELD(seed), 0, 0, ALWAYS(0)},
    {"--threads", "N", "at most this many; changes no result (all processors)", COUNT,
     FIELD(threads), 1, 256, ALWAYS(0)},
};
enum { N_ROWS = sizeof rows / sizeof rows[0] };

/* ------------------------------------------------------------------------------- help */

static void print_defaults(const option_row *row) {
    bool same = true;
    for (int i = 1; i < N_LOSSES; i++)
        same = same && row->defaults[i] == row->defaults[0];
    if (same && row->defaults[0] != 0)
        printf(" (%g)", row->defaults[0]);
    for (int i = 0; !same && i < N_LOSSES; i++)
        printf("%s%s %g%s", i ? ", " : " (", loss_names[i], row->defaults[i],
               i + 1 < N_LOSSES ? "" : ")");
}

static void print_help(void) {
    printf("fit2d: fits an energy E, p(x) = exp(-E(x)) / Z, to points in the plane.\n\n"
           "usage: fit2d [OPTION VALUE]...\n\n");
    for (const option_row *row = rows; row < rows + N_ROWS; row++) {
        const char *line = row->help, *end;
        printf("  %-16s %-5s ", row->name, row->value);
        for (; (end = strchr(line, '\n')); line = end + 1)
            printf("%.*s\n%25s", (int)(end - line), line, "");
        fputs(line, stdout);
        if (row->kind == COUNT || row->kind == NUMBER)
            print_defaults(row);
        putchar('\n');
    }
    printf("  %-16s %-5s this text\n", "--help", "");
}

/* ------------------------------------------------------------------------------- values */

static bool ends_with(const char *text, const char *end) {
    size_t length = strlen(text), tail = strlen(end);
    return length > tail && strcmp(text + length - tail, end) == 0;
}

static bool store_loss(fit_loss *loss, const char *text) {
    for (int i = 0; i < N_LOSSES; i++)
        if (strcmp(text, loss_names[i]) == 0) {
            *loss = (fit_loss)i;
            return true;
        }
    return false;
}

/* Digits alone: strtoull would take spaces and signs. */
static bool parse_whole(const char *text, uint64_t *value) {
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 10);
    return isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0;
}

static bool parse_number(const char *text, double *value) {
    char *end;
    *value = strtod(text, &end);
    return !isspace((unsigned char)text[0]) && end != text && *end == '\0' && isfinite(*value);
}

/* Sets the row's field; false if the text is none of its values. */
static bool store(const option_row *row, const char *text, fit_options *options) {
    void *field = (char *)options + row->offset;
    uint64_t whole;
    double number;
    switch (row->kind) {
    case DATA:
        *(const char **)field = text;
        return is_toy(text) || ends_with(text, ".npy") || ends_with(text, ".csv");
    case TEXT:
        *(const char **)field = text;
        return text[0] != '\0';
    case LOSS:
        return store_loss(field, text);
    case COUNT:
        if (!parse_whole(text, &whole) || (double)whole < row->low || (double)whole > row->high)
            return false;
        *(int64_t *)field = (int64_t)whole;
        return true;
    case NUMBER:
        if (!parse_number(text, &number) || number < row->low || number > row->high)
            return false;
        *(double *)field = number;
        return true;
    case SEED:
        return parse_whole(text, field);
    }
    return false;
}

static void complain(const option_row *row, const char *text) {
    fprintf(stderr, "fit2d: %s needs ", row->name);
    switch (row->kind) {
    case DATA:
        fprintf(stderr, "two_moons, eight_gaussians, FILE.npy or FILE.csv");
        break;
    case TEXT:
        fprintf(stderr, "a name");
        break;
    case LOSS:
        fprintf(stderr, "cd, pcd, dsm or sm");
        break;
    case SEED:
        fprintf(stderr, "a whole number from 0 to %llu", (unsigned long long)UINT64_MAX);
        break;
    default:
        fprintf(stderr, "a %s from %.10g to %.10g", row->kind == COUNT ? "whole number" : "number",
                row->low, row->high);
    }
    fprintf(stderr, ", not \"%s\"; see fit2d --help\n", text);
}

/* ------------------------------------------------------------------------------- command line */

static const option_row *find_row(const char *name) {
    for (const option_row *row = rows; row < rows + N_ROWS; row++)
        if (strcmp(row->name, name) == 0)
            return row;
    return NULL;
}

/* Defaults of the numbers: NOT_GIVEN before the command line is read, the loss's own after it. */
static void fill_defaults(fit_options *options, bool before) {
    for (const option_row *row = rows; row < rows + N_ROWS; row++) {
        void *field = (char *)options + row->offset;
        double value = before ? NOT_GIVEN : row->defaults[options->loss];
        if (row->kind == COUNT && (before || *(int64_t *)field == NOT_GIVEN))
            *(int64_t *)field = (int64_t)value;
        if (row->kind == NUMBER && (before || *(double *)field == NOT_GIVEN))
            *(double *)field = value;
    }
}

bool read_options(int argc, char **argv, fit_options *options, int *exit_status) {
    *options = (fit_options){.data = "two_moons", .out = "fit2d", .loss = LOSS_PCD, .seed = 1};
    fill_defaults(options, true);
    *exit_status = EXIT_USAGE;
    for (int i = 1; i < argc; i += 2) {
        if (strcmp(argv[i], "--help") == 0) {
            print_help();
            *exit_status = EXIT_SUCCESS;
            return false;
        }
        const option_row *row = find_row(argv[i]);
        if (!row) {
            fprintf(stderr, "fit2d: there is no option \"%s\"; see fit2d --help\n", argv[i]);
            return false;
        }
        if (i + 1 == argc) {
            fprintf(stderr, "fit2d: %s needs a value; see fit2d --help\n", argv[i]);
            return false;
        }
        if (!store(row, argv[i + 1], options)) {
            complain(row, argv[i + 1]);
            return false;
        }
    }
    fill_defaults(options, false);
    return true;
}
