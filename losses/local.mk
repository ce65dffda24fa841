# losses: training objectives and the training loop.

nobase_pkginclude_HEADERS += %D%/losses.h

libcore_la_SOURCES += \
    %D%/bounded.c \
    %D%/composite_likelihood.c \
    %D%/concrete_score.c \
    %D%/conditional_nce.c \
    %D%/contrastive.c \
    %D%/curvature_propagation.c \
    %D%/energy_discrepancy.c \
    %D%/entropy.c \
    %D%/fast_weights.c \
    %D%/finite_difference.c \
    %D%/flow_contrastive.c \
    %D%/generator.c \
    %D%/improved_contrastive.c \
    %D%/jem.c \
    %D%/neighbours.c \
    %D%/neighbours.h \
    %D%/noise_contrastive.c \
    %D%/noise_levels.c \
    %D%/parts.c \
    %D%/parts.h \
    %D%/probability_flow.c \
    %D%/projections.c \
    %D%/projections.h \
    %D%/pseudo_likelihood.c \
    %D%/ranking.c \
    %D%/ratio_matching.c \
    %D%/reconstruction.c \
    %D%/recovery.c \
    %D%/samples.c \
    %D%/samples.h \
    %D%/score_matching.c \
    %D%/sliced.c \
    %D%/stein.c \
    %D%/trace.c \
    %D%/trainer.c \
    %D%/trainer.h \
    %D%/trainer_batches.c \
    %D%/trainer_health.c \
    %D%/trainer_history.c \
    %D%/trainer_plot.c \
    %D%/trainer_progress.c \
    %D%/trainer_rollback.c \
    %D%/trainer_rules.c \
    %D%/trainer_update.c
