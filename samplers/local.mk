# samplers: transitions, the driver that runs them, the replay buffer, and toy distributions.

nobase_pkginclude_HEADERS += %D%/samplers.h

libcore_la_SOURCES += \
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
