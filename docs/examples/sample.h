/* sample.h: what the files of sample share. */
#ifndef SAMPLE_H
#define SAMPLE_H

#include "program.h"

/* An energy that can be asked for by name. */
typedef struct energy_entry {
    const char *name, *help;
    int64_t dimension; /* the only one; 0: any */
    bool angles;       /* one turn counts: draws are moved to [-pi, pi], steps stay */
    erg_energy (*make)(erg_graph *graph, int64_t dimension); /* fn NULL on a mistake */
} energy_entry;

/* What a sampler is made of. */
typedef struct sampler_setting {
    erg_energy energy;
    erg_node *x;         /* state (rows, dimension), float64 */
    erg_node *step_size; /* state () */
    erg_metric *metric;
} sampler_setting;

typedef struct sampler_entry {
    const char *name, *help;
    double step;    /* the default of --step */
    double target;  /* of the mean acceptance in the warm-up, which adapts; 0: nothing to adapt */
    int64_t levels; /* the chains of exp(-E) are the first of this many equal parts of x's rows */
    erg_transition (*make)(sampler_setting setting); /* next NULL on a mistake */
} sampler_entry;

/* Ends with an entry without a name. */
extern const energy_entry energy_entries[];
extern const sampler_entry sampler_entries[];

typedef struct sample_options {
    const energy_entry *energy;
    const sampler_entry *sampler;
    const char *out;
    int64_t dimension, chains, draws, warm_up;
    uint64_t seed;
    int64_t threads; /* 0: all processors */
    double step;     /* 0: the sampler's own */
} sample_options;

extern const program sample_program;
/* program_read, and the check that the energy has that dimension. */
bool read_options(int argc, char **argv, sample_options *options, int *exit_status);

/* Writes draws (draws, chains, dimension) and pictures of them into the folder, which exists. */
erg_status write_report(const sample_options *options, erg_graph *graph, erg_energy energy,
                        const erg_tensor *draws);

#endif
