# losses: training objectives and the training loop.

nobase_pkginclude_HEADERS += %D%/losses.h

libcore_la_SOURCES += \
    %D%/contrastive.c \
    %D%/score_matching.c
