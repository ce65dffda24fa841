# autograd: the graph, its primitive operations and their derivatives, and the plan that runs it.

nobase_pkginclude_HEADERS += %D%/autograd.h

libcore_la_SOURCES += \
    %D%/ops.def \
    %D%/compose.c \
    %D%/conv.c \
    %D%/conv.h \
    %D%/derivative.c \
    %D%/draw.c \
    %D%/effect.c \
    %D%/elementwise.c \
    %D%/execute.c \
    %D%/gradcheck.c \
    %D%/graph.c \
    %D%/graph.h \
    %D%/index.c \
    %D%/interpret.c \
    %D%/interpret.h \
    %D%/interpret_conv.c \
    %D%/interpreted.c \
    %D%/leaf.c \
    %D%/linear.c \
    %D%/node.c \
    %D%/not_finite.c \
    %D%/plan.h \
    %D%/pool.c \
    %D%/print_graph.c \
    %D%/reduce.c \
    %D%/reshape.c \
    %D%/run.c \
    %D%/sweep.c \
    %D%/watch.c

# The compiler.
libcore_la_SOURCES += \
    %D%/plan/algebra.c \
    %D%/plan/arena.c \
    %D%/plan/arena.h \
    %D%/plan/bind.c \
    %D%/plan/chain.c \
    %D%/plan/chain_builder.h \
    %D%/plan/chain_code.h \
    %D%/plan/collect.c \
    %D%/plan/constant.c \
    %D%/plan/cse.c \
    %D%/plan/epilogue.c \
    %D%/plan/factor.c \
    %D%/plan/layout.c \
    %D%/plan/level.c \
    %D%/plan/loop.c \
    %D%/plan/lower.c \
    %D%/plan/lower.h \
    %D%/plan/lower_chain.c \
    %D%/plan/lower_conv.c \
    %D%/plan/lower_fold.c \
    %D%/plan/lower_formula.c \
    %D%/plan/lower_index.c \
    %D%/plan/lower_matmul.c \
    %D%/plan/lower_matvec.c \
    %D%/plan/lower_move.c \
    %D%/plan/lower_reduce.c \
    %D%/plan/lower_source.c \
    %D%/plan/lower_sparse.c \
    %D%/plan/memory.c \
    %D%/plan/move.c \
    %D%/plan/pack.c \
    %D%/plan/passes.c \
    %D%/plan/passes.h \
    %D%/plan/product.c \
    %D%/plan/recompute.c \
    %D%/plan/region.c \
    %D%/plan/rewrite.c \
    %D%/plan/rows.c \
    %D%/plan/run_chain.c \
    %D%/plan/schedule.c \
    %D%/plan/schedule.h \
    %D%/plan/simplify.c \
    %D%/plan/simplify.h \
    %D%/plan/store.c \
    %D%/plan/structure.c \
    %D%/plan/tile.c \
    %D%/plan/verify.c \
    %D%/plan/wave.c
