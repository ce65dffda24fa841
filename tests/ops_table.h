/* ops_table.h: the rows of ops_table.def as tables of functions that build nodes. */
#ifndef ERG_TESTS_OPS_TABLE_H
#define ERG_TESTS_OPS_TABLE_H

#include "../autograd/autograd.h"

enum { MAX_LEAVES = 3 };

/* Where an expression is built. */
typedef struct setting {
    erg_graph *graph, *foreign; /* the other one is for operands that do not belong */
    erg_dtype dtype;
    double domain[2];
    erg_node *leaf[MAX_LEAVES]; /* A, B, C, or NULL for those not used */
} setting;

setting setting_new(erg_dtype dtype, const double *domain);
void setting_free(setting *s);
/* Leaf number k; made, with numbers of the domain, if there is none. */
erg_node *setting_leaf(setting *s, int k, int ndim, const int64_t *dims);

/* What all rows have: the builder they are for, and where they stand. */
typedef struct row {
    const char *builder, *text;
    int line;
} row;

typedef struct elementwise_row {
    row row;
    int operands;
    double domain[2];
    erg_node *(*build)(erg_node *a, erg_node *b, erg_node *c);
    double (*value)(double a, double b, double c);
} elementwise_row;

typedef struct sample_row {
    row row;
    double domain[2];
    erg_node *(*build)(setting *s);
} sample_row;

typedef struct value_row {
    row row;
    erg_node *(*build)(setting *s);
    int is_index; /* int32 */
    int ndim;
    const int64_t *dims;
    int count;
    const double *numbers;
} value_row;

typedef struct error_row {
    row row;
    erg_node *(*build)(setting *s);
    const char *message;
} error_row;

extern const elementwise_row elementwise_rows[];
extern const sample_row sample_rows[];
extern const value_row value_rows[];
extern const error_row error_rows[];
extern const int elementwise_count, sample_count, value_count, error_count;

#endif
