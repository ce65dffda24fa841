# samplers: transitions, the driver that runs them, the replay buffer, toy distributions, log Z,
# diagnostics and goodness of fit.

nobase_pkginclude_HEADERS += %D%/samplers.h

libcore_la_SOURCES += \
    %D%/annealed.c \
    %D%/batch.c \
    %D%/batch.h \
    %D%/chain.c \
    %D%/hmc.c \
    %D%/langevin.c \
    %D%/metric.c \
    %D%/metropolis.c \
    %D%/metropolis.h \
    %D%/nuts.c \
    %D%/progress.c \
    %D%/progress.h \
    %D%/quadrature.c \
    %D%/replay.c \
    %D%/schedule.c \
    %D%/statistics.c \
    %D%/toy.c \
    %D%/warm_up.c
    %D%/guard.c \
    %D%/langevin.c \
    %D%/ode.c \
    %D%/parallel_tempering.c \
    %D%/probability_flow.c \
    %D%/quadrature.c \
    %D%/replay.c \
    %D%/sgld.c \
    %D%/svgd.c \
    %D%/tempered_transition.c \
    %D%/tempering.c \
    %D%/tempering.h \
    %D%/toy.c \
    %D%/underdamped.c \
    %D%/unroll.c
    %D%/block_gibbs.c \
    %D%/chain.c \
    %D%/discrete.h \
    %D%/discrete_langevin.c \
    %D%/gibbs.c \
    %D%/langevin.c \
    %D%/latent.c \
    %D%/quadrature.c \
    %D%/replay.c \
    %D%/single_site.c \
    %D%/sites.c \
    %D%/toy.c
    %D%/ais.c \
    %D%/autocorrelation.c \
    %D%/boltzmann.h \
    %D%/chain.c \
    %D%/chain_plots.c \
    %D%/chains.c %D%/chains.h \
    %D%/diagnostics.c \
    %D%/discrepancy.c \
    %D%/enumerate.c \
    %D%/fft.c %D%/fft.h \
    %D%/flow.c \
    %D%/frechet.c \
    %D%/ising_torus.c \
    %D%/langevin.c \
    %D%/neighbours.c \
    %D%/points.c %D%/points.h \
    %D%/quadrature.c \
    %D%/replay.c \
    %D%/summary.c \
    %D%/toy.c \
    %D%/two_sample.c
