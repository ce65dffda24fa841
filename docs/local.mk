# docs: the manual, and example programs that use nothing but the public headers.

# What the larger of them share; they link with $(program_libs).
noinst_LTLIBRARIES += %D%/examples/libprogram.la
%C%_examples_libprogram_la_SOURCES = %D%/examples/program.h %D%/examples/program_files.c \
    %D%/examples/program_options.c %D%/examples/program_page.c
program_libs = %D%/examples/libprogram.la liberg.la -lm

# What fit2d and gallery are made of.
fit2d = %D%/examples/fit2d.h %D%/examples/fit2d_chains.c %D%/examples/fit2d_chains.h \
    %D%/examples/fit2d_data.c %D%/examples/fit2d_evaluate.c %D%/examples/fit2d_fit.c \
    %D%/examples/fit2d_losses.c \
    %D%/examples/fit2d_model.c %D%/examples/fit2d_options.c %D%/examples/fit2d_plane.c \
    %D%/examples/fit2d_train.c

noinst_PROGRAMS += %D%/examples/fit2d
%C%_examples_fit2d_SOURCES = $(fit2d) %D%/examples/fit2d.c %D%/examples/fit2d_page.c \
    %D%/examples/fit2d_report.c %D%/examples/fit2d_report.h
%C%_examples_fit2d_LDADD = $(program_libs)

noinst_PROGRAMS += %D%/examples/gallery
%C%_examples_gallery_SOURCES = $(fit2d) %D%/examples/gallery.c %D%/examples/gallery.h \
    %D%/examples/gallery_page.c
%C%_examples_gallery_LDADD = $(program_libs)

noinst_PROGRAMS += %D%/examples/energy %D%/examples/custom_energy %D%/examples/derivations
%C%_examples_energy_LDADD = liberg.la
%C%_examples_custom_energy_LDADD = liberg.la -lm
%C%_examples_derivations_LDADD = liberg.la -lm

# What the programs about handwritten digits share.
digits = %D%/examples/digits.c %D%/examples/digits.h

noinst_PROGRAMS += %D%/examples/mnist_classifier
%C%_examples_mnist_classifier_SOURCES = %D%/examples/mnist_classifier.c \
    %D%/examples/mnist_classifier.h %D%/examples/mnist_classifier_options.c $(digits)
%C%_examples_mnist_classifier_LDADD = $(program_libs)

noinst_PROGRAMS += %D%/examples/ising_recover
%C%_examples_ising_recover_SOURCES = %D%/examples/ising_recover.c %D%/examples/ising_recover.h \
    %D%/examples/ising_recover_learn.c %D%/examples/ising_recover_report.c
%C%_examples_ising_recover_LDADD = $(program_libs)

noinst_PROGRAMS += %D%/examples/sample
%C%_examples_sample_SOURCES = %D%/examples/sample.c %D%/examples/sample.h \
    %D%/examples/sample_energies.c %D%/examples/sample_levels.c %D%/examples/sample_options.c \
    %D%/examples/sample_print.c %D%/examples/sample_report.c %D%/examples/sample_samplers.c
%C%_examples_sample_LDADD = $(program_libs)

# Trainings on digits.
digits_training = $(digits) %D%/examples/digits_training.c %D%/examples/digits_training.h

noinst_PROGRAMS += %D%/examples/mnist_ebm %D%/examples/inpaint
%C%_examples_mnist_ebm_SOURCES = %D%/examples/mnist_ebm.c %D%/examples/mnist_ebm.h \
    %D%/examples/mnist_ebm_plots.c %D%/examples/mnist_ebm_report.c $(digits_training)
%C%_examples_mnist_ebm_LDADD = $(program_libs)
%C%_examples_inpaint_SOURCES = %D%/examples/inpaint.c %D%/examples/inpaint.h \
    %D%/examples/inpaint_baselines.c %D%/examples/inpaint_report.c $(digits_training)
%C%_examples_inpaint_LDADD = $(program_libs)

noinst_PROGRAMS += %D%/examples/rbm_mnist
%C%_examples_rbm_mnist_SOURCES = %D%/examples/rbm_mnist.c %D%/examples/rbm_mnist.h \
    %D%/examples/rbm_mnist_likelihood.c %D%/examples/rbm_mnist_report.c $(digits_training)
%C%_examples_rbm_mnist_LDADD = $(program_libs)

noinst_PROGRAMS += %D%/examples/jem_mnist
%C%_examples_jem_mnist_SOURCES = %D%/examples/jem_mnist.c %D%/examples/jem_mnist.h \
    %D%/examples/jem_mnist_evaluate.c %D%/examples/jem_mnist_report.c $(digits_training)
%C%_examples_jem_mnist_LDADD = $(program_libs)

EXTRA_DIST += %D%/manual %D%/decisions

# Fits two moons by two losses. The pictures go to demo/ in the source tree, where people look.
demo: %D%/examples/fit2d$(EXEEXT)
	@cd $(top_srcdir) && for loss in dsm pcd; do \
	    set -- --data two_moons --loss $$loss --seed 1 --out demo/$$loss; \
	    echo "fit2d $$*"; \
	    $(MKDIR_P) demo/$$loss && $(abs_builddir)/%D%/examples/fit2d$(EXEEXT) "$$@" || exit 1; \
	done

.PHONY: demo
