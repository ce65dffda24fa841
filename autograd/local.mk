# autograd: the graph, its primitive operations and their derivatives, and the plan that runs it.

nobase_pkginclude_HEADERS += %D%/autograd.h

libcore_la_SOURCES += \
    %D%/ops.def \
    %D%/graph.c %D%/graph.h \
    %D%/node.c \
    %D%/leaf.c \
    %D%/elementwise.c \
    %D%/reduce.c \
    %D%/reshape.c \
    %D%/linear.c \
    %D%/index.c \
    %D%/draw.c \
    %D%/effect.c \
    %D%/compose.c \
    %D%/sweep.c \
    %D%/derivative.c \
    %D%/interpret.c \
    %D%/run.c \
    %D%/debug.c \
    %D%/print_graph.c \
    %D%/gradcheck.c

libcore_la_SOURCES += \
    %D%/plan/plan.c %D%/plan/plan.h \
    %D%/plan/collect.c \
    %D%/plan/simplify.c \
    %D%/plan/cse.c \
    %D%/plan/memory.c \
    %D%/plan/lower.c
