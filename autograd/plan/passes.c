/* passes.c: the compiler as a whole. Each pass can be switched off with ERG_DEBUG=no-<pass>, and
 * with ERG_DEBUG=verify the graph is checked after each. */
#include "lower.h"
#include "passes.h"
#include "schedule.h"

/* A pass that rewrites the work graph. */
typedef struct pass {
    const char *name;
    const char *off; /* the word that switches it off */
    bool (*run)(erg_program *program);
} pass;

static const pass passes[] = {
    {"simplify", "no-simplify", erg_program_simplify},
    {"cse", "no-cse", erg_program_cse},
    {"factor", "no-factor", erg_program_factor},
    {"layout", "no-layout", erg_program_layout},
    {"pack", "no-pack", erg_program_pack},
    {"cse", "no-cse", erg_program_cse},
    {"epilogue", "no-epilogue", erg_program_epilogue},
    {"recompute", "no-recompute", erg_program_recompute},
};

/* Steps for a program whose graph is final. */
static bool finish(erg_plan *plan, const erg_program *program) {
    erg_schedule schedule = {.regions = !erg_debug("no-regions"),
                             .chains = !erg_debug("no-chains") && !plan->check_finite,
                             .small_tiles = erg_debug("small-tiles"),
                             .code = !erg_debug("no-code") && !plan->check_finite,
                             .reuse = !erg_debug("no-reuse"),
                             .threads = erg_threads()};
    plan->threads = schedule.threads;
    bool done = erg_schedule_make(&schedule, program) && erg_schedule_stores(&schedule, program) &&
                erg_lower(plan, &schedule) &&
                erg_schedule_memory(&schedule, program->graph, plan->steps) &&
                erg_bind(plan, program, &schedule);
    erg_schedule_free(&schedule);
    return done;
}

static bool fail(const erg_program *program) {
    const char *error = program->graph ? erg_graph_error(program->graph) : NULL;
    erg_fail(ERG_ERROR_MEMORY, "compile: %s", error ? error : "out of memory");
    return false;
}

bool erg_plan_optimised(erg_plan *plan, erg_node *const *outputs, int count) {
    erg_program program = {.graph = erg_graph_new(plan->graph->seed)};
    bool verify = erg_debug("verify");
    plan->work = program.graph;
    if (!program.graph || !erg_program_collect(&program, outputs, count))
        return fail(&program);
    if (verify && !erg_program_verify(&program, "collect"))
        return false;
    for (size_t i = 0; i < sizeof passes / sizeof *passes; i++) {
        if (erg_debug(passes[i].off))
            continue;
        if (!passes[i].run(&program))
            return fail(&program);
        if (verify && !erg_program_verify(&program, passes[i].name))
            return false;
    }
    return finish(plan, &program) || fail(&program);
}
