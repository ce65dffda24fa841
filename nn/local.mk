# nn: layers, energies, initialisation and optimisers, all modules of a graph.

nobase_pkginclude_HEADERS += %D%/nn.h

libcore_la_SOURCES += \
    %D%/adam.c \
    %D%/energies.c \
    %D%/evaluate.c \
    %D%/init.c \
    %D%/linear.c \
    %D%/mlp.c
