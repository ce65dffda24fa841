# samplers: transitions, the driver that runs them, the replay buffer, and toy distributions.

nobase_pkginclude_HEADERS += %D%/samplers.h

libcore_la_SOURCES += \
    %D%/ais.c \
    %D%/autocorrelation.c \
    %D%/boltzmann.h \
    %D%/chain.c \
    %D%/chain_plots.c \
    %D%/chains.c %D%/chains.h \
    %D%/diagnostics.c \
    %D%/enumerate.c \
    %D%/fft.c %D%/fft.h \
    %D%/langevin.c \
    %D%/flow.c \
    %D%/ising_torus.c \
    %D%/quadrature.c \
    %D%/replay.c \
    %D%/summary.c \
    %D%/toy.c
