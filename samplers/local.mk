# samplers: transitions, the driver that runs them, the replay buffer, and toy distributions.

nobase_pkginclude_HEADERS += %D%/samplers.h

libcore_la_SOURCES += \
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
