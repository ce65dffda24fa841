# losses: training objectives and the training loop.

nobase_pkginclude_HEADERS += %D%/losses.h

libcore_la_SOURCES += \
    %D%/contrastive.c \
    %D%/entropy.c \
    %D%/fast_weights.c \
    %D%/generator.c \
    %D%/improved_contrastive.c \
    %D%/jem.c \
    %D%/parts.c \
    %D%/parts.h \
    %D%/reconstruction.c \
    %D%/recovery.c \
    %D%/score_matching.c
