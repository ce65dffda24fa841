# tensor: shapes, storage, kernels, threads, random numbers, files and pictures.

nobase_pkginclude_HEADERS += %D%/tensor.h

libcore_la_SOURCES += \
    %D%/error.c \
    %D%/shape.c \
    %D%/tensor.c \
    %D%/print.c \
    %D%/random.c %D%/random.h \
    %D%/special.c %D%/special.h \
    %D%/eigen.c \
    %D%/threads.c %D%/threads.h \
    %D%/conv.h \
    %D%/dispatch.c \
    %D%/formula.c %D%/formula.h \
    %D%/x86.c %D%/x86.h \
    %D%/file.c %D%/file.h \
    %D%/scan.c %D%/scan.h \
    %D%/decode.c %D%/decode.h \
    %D%/checksum.c %D%/checksum.h \
    %D%/npy.c %D%/npy.h \
    %D%/csv.c \
    %D%/idx.c \
    %D%/bundle.c %D%/bundle.h \
    %D%/safetensors.c %D%/safetensors.h \
    %D%/safetensors_write.c \
    %D%/zip.c %D%/zip.h \
    %D%/npz.c \
    %D%/inflate.c %D%/inflate.h \
    %D%/gzip.c \
    %D%/png.c \
    %D%/deflate.c %D%/deflate.h \
    %D%/canvas.c %D%/canvas.h \
    %D%/font.c \
    %D%/colormap.c \
    %D%/ticks.c %D%/ticks.h \
    %D%/plot.c %D%/plot.h \
    %D%/plot_save.c \
    %D%/axes.c \
    %D%/legend.c \
    %D%/image_grid.c

# The kernels: the same sources once for each instruction set, each in a library with flags of its
# own, so that no instruction of a larger set can get into code that every machine runs.
kernel_sources = %D%/kernels.h %D%/kernels.inc %D%/real.inc %D%/scalar.def \
    %D%/elementwise.inc %D%/vmath.inc %D%/coefficients.inc %D%/cast.inc \
    %D%/gather.inc %D%/gemm.inc %D%/gemm_pack.inc %D%/gemm_thin.inc %D%/gemm_tile.inc \
    %D%/gemv.inc %D%/box.inc %D%/copy.inc %D%/fold.inc %D%/philox.inc %D%/random.inc %D%/reduce.inc \
    %D%/sparse.inc %D%/transpose.inc %D%/conv.h %D%/conv_way.inc %D%/conv_pixels.inc \
    %D%/conv_channels.inc %D%/conv.inc %D%/conv_weight.inc
kernel_cflags = $(AM_CFLAGS) -O3 -fno-trapping-math

noinst_LTLIBRARIES += %D%/libkernels_portable.la
libcore_la_LIBADD += %D%/libkernels_portable.la
%C%_libkernels_portable_la_SOURCES = %D%/kernels_portable.c $(kernel_sources)
%C%_libkernels_portable_la_CFLAGS = $(kernel_cflags)

if ERG_HAVE_X86
noinst_LTLIBRARIES += %D%/libkernels_avx2.la %D%/libkernels_avx512.la
libcore_la_LIBADD += %D%/libkernels_avx2.la %D%/libkernels_avx512.la
endif
%C%_libkernels_avx2_la_SOURCES = %D%/kernels_avx2.c $(kernel_sources)
%C%_libkernels_avx2_la_CFLAGS = $(kernel_cflags) -ffp-contract=fast $(avx2_flags)
%C%_libkernels_avx512_la_SOURCES = %D%/kernels_avx512.c $(kernel_sources)
%C%_libkernels_avx512_la_CFLAGS = $(kernel_cflags) -ffp-contract=fast $(avx512_flags)
