# samplers: transitions, the driver that runs them, the replay buffer, toy distributions, log Z,
# diagnostics and goodness of fit.

nobase_pkginclude_HEADERS += %D%/samplers.h

libcore_la_SOURCES += \
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
