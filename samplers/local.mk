# samplers: transitions, the driver that runs them, the replay buffer, toy distributions, log Z,
# diagnostics and goodness of fit.

nobase_pkginclude_HEADERS += %D%/samplers.h

libcore_la_SOURCES += \
    %D%/ais.c \
    %D%/annealed.c \
    %D%/autocorrelation.c \
    %D%/batch.c \
    %D%/batch.h \
    %D%/block_gibbs.c \
    %D%/boltzmann.h \
    %D%/chain.c \
    %D%/chain_plots.c \
    %D%/chains.c \
    %D%/chains.h \
    %D%/diagnostics.c \
    %D%/discrepancy.c \
    %D%/discrete.h \
    %D%/discrete_langevin.c \
    %D%/enumerate.c \
    %D%/fft.c \
    %D%/fft.h \
    %D%/first_step.c \
    %D%/flow.c \
    %D%/frechet.c \
    %D%/gibbs.c \
    %D%/guard.c \
    %D%/hmc.c \
    %D%/ising_torus.c \
    %D%/langevin.c \
    %D%/latent.c \
    %D%/metric.c \
    %D%/metropolis.c \
    %D%/metropolis.h \
    %D%/neighbours.c \
    %D%/nuts.c \
    %D%/ode.c \
    %D%/parallel_tempering.c \
    %D%/points.c \
    %D%/points.h \
    %D%/probability_flow.c \
    %D%/progress.c \
    %D%/progress.h \
    %D%/quadrature.c \
    %D%/replay.c \
    %D%/schedule.c \
    %D%/sgld.c \
    %D%/single_site.c \
    %D%/sites.c \
    %D%/statistics.c \
    %D%/summary.c \
    %D%/svgd.c \
    %D%/tempered_transition.c \
    %D%/tempering.c \
    %D%/tempering.h \
    %D%/toy.c \
    %D%/two_sample.c \
    %D%/underdamped.c \
    %D%/unroll.c \
    %D%/warm_up.c
