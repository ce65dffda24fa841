# nn: layers, energies, initialisation and optimisers, all modules of a graph.

nobase_pkginclude_HEADERS += %D%/nn.h

libcore_la_SOURCES += \
    %D%/linear.c \
    %D%/mlp.c \
    %D%/init.c \
    %D%/energies.c \
    %D%/adam.c
