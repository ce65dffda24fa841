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
    /* E(x, s) of the density smoothed by N(0, s^2), if it is known; NULL: it is not. */
    erg_pair_energy (*smooth)(erg_graph *graph, int64_t dimension);
} energy_entry;

/* What a sampler is made of. */
typedef struct sampler_setting {
    erg_energy energy;
    erg_pair_energy smooth; /* where the sampler asks for it */
    erg_node *x;            /* state (rows, dimension), float64 */
    erg_node *step_size;    /* state (), set */
    erg_metric *metric;
    int64_t warm_up;
} sampler_setting;

/* What its draws are. */
typedef enum sampler_kind {
    SAMPLES_CHAINS,    /* chains, which forget where they began: row after row of x is a chain's */
    SAMPLES_PASS,      /* one pass from much noise to little, of as many rows as there are draws */
    SAMPLES_PARTICLES, /* one set, as many rows as there are draws, which see each other */
    SAMPLES_DESCENT,   /* no draws: the way down to a mode */
} sampler_kind;

typedef struct sampler_entry {
    const char *name, *help;
    sampler_kind kind;
    double step;    /* the default of --step; 0: it takes none */
    double target;  /* of the mean acceptance in the warm-up, which adapts; 0: nothing to adapt */
    int64_t levels; /* the chains of exp(-E) are the first of this many equal parts of x's rows */
    erg_transition (*make)(sampler_setting setting); /* next NULL on a mistake */
    erg_status (*pass)(sampler_setting setting);     /* of SAMPLES_PASS, instead */
} sampler_entry;

/* Ends with an entry without a name. */
extern const energy_entry energy_entries[];
extern const sampler_entry sampler_entries[];

/* sample_levels.c: from pure noise in x to draws. */
erg_status pass_annealed(sampler_setting setting);
erg_status pass_predictor_corrector(sampler_setting setting);
erg_status pass_probability_flow(sampler_setting setting);

typedef struct sample_options {
    const energy_entry *energy;
    const sampler_entry *sampler;
    const char *out;
    int64_t dimension, chains, draws, warm_up, pictures;
    uint64_t seed;
    int64_t threads; /* 0: all processors */
    double step;     /* 0: the sampler's own */
} sample_options;

extern const program sample_program;
/* program_read, and the check that the energy has that dimension and all that the sampler asks for. */
bool read_options(int argc, char **argv, sample_options *options, int *exit_status);

/* The energies (n) and scores -grad E (n, dimension) at points of that shape. False after a mistake;
 * else the caller frees both. */
bool energies_and_scores(erg_graph *graph, erg_energy energy, const erg_tensor *points,
                         erg_tensor **energies, erg_tensor **scores);

/* sample_report.c: writes draws (draws, chains, dimension) and pictures of them into the folder, which
 * exists. */
erg_status write_report(const sample_options *options, erg_graph *graph, erg_energy energy,
                        const erg_tensor *draws);

/* sample_print.c: the tables of particles, draws (particles, 1, dimension), and of the ends of
 * descents, the last of the draws. Those of chains are erg_summary_print's. */
erg_status print_particles(erg_graph *graph, erg_energy energy, const erg_tensor *draws);
erg_status print_modes(erg_graph *graph, erg_energy energy, const erg_tensor *draws);

#endif
