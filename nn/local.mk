# nn: layers, energies, initialisation and optimisers, all modules of a graph.

nobase_pkginclude_HEADERS += %D%/nn.h

libcore_la_SOURCES += \
    %D%/activation.c \
    %D%/adagrad.c \
    %D%/adam.c \
    %D%/attention.c \
    %D%/bent.c \
    %D%/checkpoint.c \
    %D%/classifier.c \
    %D%/cnn.c \
    %D%/compositions.c \
    %D%/conditional.c \
    %D%/convolution.c \
    %D%/dataset.c \
    %D%/dropout.c \
    %D%/ema.c \
    %D%/embedding.c \
    %D%/evaluate.c \
    %D%/experts.c \
    %D%/features.c \
    %D%/film.c \
    %D%/gaussian.c \
    %D%/gradients.c \
    %D%/hopfield.c \
    %D%/init.c \
    %D%/lattice.c \
    %D%/lbfgs.c \
    %D%/line_search.c \
    %D%/line_search.h \
    %D%/linear.c \
    %D%/mixture.c \
    %D%/mlp.c \
    %D%/module.c \
    %D%/module.h \
    %D%/names.h \
    %D%/noise_mlp.c \
    %D%/norm.c \
    %D%/optimiser.c \
    %D%/optimiser.h \
    %D%/options.h \
    %D%/params.c \
    %D%/periodic.c \
    %D%/rbm.c \
    %D%/rejection.c \
    %D%/rejection.h \
    %D%/residual.c \
    %D%/rmsprop.c \
    %D%/schedules.c \
    %D%/sgd.c \
    %D%/spectral_norm.c \
    %D%/standardise.c \
    %D%/weights.c \
    %D%/wells.c
