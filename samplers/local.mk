# samplers: transitions, the driver that runs them, the replay buffer, and toy distributions.

nobase_pkginclude_HEADERS += %D%/samplers.h

libcore_la_SOURCES += \
    %D%/chain.c \
    %D%/langevin.c \
    %D%/quadrature.c \
    %D%/replay.c \
    %D%/toy.c
