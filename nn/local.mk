# nn: layers, energies, initialisation and optimisers, all modules of a graph.

nobase_pkginclude_HEADERS += %D%/nn.h

libcore_la_SOURCES += \
    %D%/adagrad.c \
    %D%/adam.c \
    %D%/bent.c \
    %D%/checkpoint.c \
    %D%/compositions.c \
    %D%/conditional.c \
    %D%/dataset.c \
    %D%/ema.c \
    %D%/energies.c \
    %D%/energies.h \
    %D%/evaluate.c \
    %D%/gaussian.c \
    %D%/gradients.c \
    %D%/init.c \
    %D%/lbfgs.c \
    %D%/line_search.c \
    %D%/line_search.h \
    %D%/linear.c \
    %D%/mixture.c \
    %D%/mlp.c \
    %D%/names.h \
    %D%/optimiser.c \
    %D%/optimiser.h \
    %D%/options.h \
    %D%/params.c \
    %D%/periodic.c \
    %D%/rmsprop.c \
    %D%/schedules.c \
    %D%/sgd.c \
    %D%/standardise.c \
    %D%/weights.c \
    %D%/wells.c
