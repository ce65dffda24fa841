# tests: one Check program per subject, scripts that test the installed library, and the targets
# that run the programs under sanitizers, valgrind and coverage.

test_programs = \
    %D%/test_activations \
    %D%/test_adam \
    %D%/test_ais \
    %D%/test_ais_paths \
    %D%/test_analytic \
    %D%/test_annealed \
    %D%/test_bundles \
    %D%/test_calibration \
    %D%/test_canvas \
    %D%/test_chain \
    %D%/test_checkpoint \
    %D%/test_compiler \
    %D%/test_compositions \
    %D%/test_conditional \
    %D%/test_contrastive \
    %D%/test_conv \
    %D%/test_copy \
    %D%/test_corpus \
    %D%/test_dataset \
    %D%/test_derivatives \
    %D%/test_diagnostics \
    %D%/test_discrete \
    %D%/test_discrete_chains \
    %D%/test_discrete_losses \
    %D%/test_dropout \
    %D%/test_dynamics \
    %D%/test_effects \
    %D%/test_energies \
    %D%/test_faults \
    %D%/test_file_faults \
    %D%/test_files \
    %D%/test_fit \
    %D%/test_flow \
    %D%/test_fold \
    %D%/test_formula \
    %D%/test_gemm \
    %D%/test_generator \
    %D%/test_gradcheck \
    %D%/test_graph \
    %D%/test_identities \
    %D%/test_image_grid \
    %D%/test_improved \
    %D%/test_inflate \
    %D%/test_jem \
    %D%/test_kernels \
    %D%/test_lattice_energies \
    %D%/test_lattices \
    %D%/test_layer_formulas \
    %D%/test_layer_misuse \
    %D%/test_layers \
    %D%/test_lbfgs \
    %D%/test_likelihood \
    %D%/test_log_z \
    %D%/test_loss_gradients \
    %D%/test_losses \
    %D%/test_matvec \
    %D%/test_metropolis \
    %D%/test_misuse \
    %D%/test_model_faults \
    %D%/test_model_formulas \
    %D%/test_models \
    %D%/test_nn \
    %D%/test_noise_contrast \
    %D%/test_nuts \
    %D%/test_ode \
    %D%/test_ops \
    %D%/test_optimisers \
    %D%/test_passes \
    %D%/test_persistent \
    %D%/test_philox \
    %D%/test_plan \
    %D%/test_plan_chain \
    %D%/test_plot \
    %D%/test_png \
    %D%/test_print_graph \
    %D%/test_quadrature \
    %D%/test_random \
    %D%/test_rbm \
    %D%/test_reconstruction \
    %D%/test_recovery \
    %D%/test_regions \
    %D%/test_rejection \
    %D%/test_replay \
    %D%/test_same_bits \
    %D%/test_sampler_faults \
    %D%/test_samplers \
    %D%/test_score_identities \
    %D%/test_score_matching \
    %D%/test_simplify \
    %D%/test_sparse \
    %D%/test_spectral_norm \
    %D%/test_layout \
    %D%/test_structure \
    %D%/test_state_dict \
    %D%/test_svgd \
    %D%/test_tempered_transition \
    %D%/test_tempering \
    %D%/test_tensor \
    %D%/test_thread_faults \
    %D%/test_threads \
    %D%/test_toy \
    %D%/test_trainer \
    %D%/test_trainer_options \
    %D%/test_trainer_runs \
    %D%/test_vmath \
    %D%/test_warm_up
test_scripts = %D%/test_exports.sh %D%/test_install.sh %D%/test_examples.sh \
    %D%/test_fit2d.sh %D%/test_gallery.sh %D%/test_inpaint.sh %D%/test_ising_recover.sh \
    %D%/test_jem_mnist.sh %D%/test_mnist_classifier.sh %D%/test_mnist_ebm.sh \
    %D%/test_rbm_mnist.sh %D%/test_sample.sh

LDADD = libcore.la $(CHECK_LIBS) -lm -lpthread

%C%_test_ops_SOURCES = %D%/test_ops.c %D%/ops_table.c %D%/ops_table.h %D%/ops_table.def
%C%_test_plan_SOURCES = %D%/test_plan.c %D%/random_graph.c %D%/random_graph.h %D%/plan_tools.h \
    %D%/ops_table.c %D%/ops_table.h %D%/ops_table.def
%C%_test_passes_SOURCES = %D%/test_passes.c %D%/random_graph.c %D%/random_graph.h %D%/plan_tools.h
%C%_test_regions_SOURCES = %D%/test_regions.c %D%/random_graph.c %D%/random_graph.h %D%/plan_tools.h
%C%_test_plan_chain_SOURCES = %D%/test_plan_chain.c %D%/compiler_graph.h %D%/plan_tools.h
%C%_test_compiler_SOURCES = %D%/test_compiler.c %D%/compiler_graph.h %D%/plan_tools.h
%C%_test_simplify_SOURCES = %D%/test_simplify.c %D%/plan_tools.h
%C%_test_layout_SOURCES = %D%/test_layout.c %D%/compiler_graph.h %D%/plan_tools.h \
    %D%/random_graph.c %D%/random_graph.h
%C%_test_fold_SOURCES = %D%/test_fold.c %D%/compiler_graph.h %D%/plan_tools.h
%C%_test_structure_SOURCES = %D%/test_structure.c %D%/compiler_graph.h %D%/plan_tools.h
%C%_test_matvec_SOURCES = %D%/test_matvec.c %D%/arrays.h %D%/compiler_graph.h %D%/plan_tools.h
%C%_test_sparse_SOURCES = %D%/test_sparse.c %D%/arrays.h %D%/compiler_graph.h %D%/plan_tools.h
%C%_test_passes_LDFLAGS = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc \
    -Wl,--wrap=free
%C%_test_diagnostics_SOURCES = %D%/test_diagnostics.c %D%/golden_diagnostics.h
%C%_test_fit_SOURCES = %D%/test_fit.c %D%/golden_fit.h
%C%_test_optimisers_SOURCES = %D%/test_optimisers.c %D%/golden_optimisers.h
%C%_test_state_dict_SOURCES = %D%/test_state_dict.c %D%/golden_state_dict.h %D%/modules.h
%C%_test_conv_SOURCES = %D%/test_conv.c %D%/conv_cases.h %D%/golden_conv.h %D%/arrays.h %D%/plan_tools.h
golden_headers = %D%/golden_checks.h %D%/golden_layers.h %D%/module_checks.h %D%/plan_tools.h
%C%_test_activations_SOURCES = %D%/test_activations.c $(golden_headers)
%C%_test_layers_SOURCES = %D%/test_layers.c $(golden_headers)
%C%_test_spectral_norm_SOURCES = %D%/test_spectral_norm.c $(golden_headers)
%C%_test_layer_formulas_SOURCES = %D%/test_layer_formulas.c %D%/module_checks.h %D%/plan_tools.h
%C%_test_dropout_SOURCES = %D%/test_dropout.c %D%/plan_tools.h
model_headers = %D%/models.h %D%/module_checks.h %D%/plan_tools.h
%C%_test_lattice_energies_SOURCES = %D%/test_lattice_energies.c $(model_headers)
%C%_test_model_formulas_SOURCES = %D%/test_model_formulas.c $(model_headers)
%C%_test_models_SOURCES = %D%/test_models.c $(model_headers)
%C%_test_rbm_SOURCES = %D%/test_rbm.c $(model_headers)
%C%_test_ais_SOURCES = %D%/test_ais.c %D%/log_z.h
%C%_test_ais_paths_SOURCES = %D%/test_ais_paths.c %D%/log_z.h
%C%_test_log_z_SOURCES = %D%/test_log_z.c %D%/log_z.h
memory_faults = %D%/memory_faults.c %D%/memory_faults.h
wrap_memory = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc \
    -Wl,--wrap=posix_memalign,--wrap=strdup,--wrap=realpath,--wrap=newlocale,--wrap=free
%C%_test_faults_SOURCES = %D%/test_faults.c $(memory_faults)
%C%_test_faults_LDFLAGS = $(wrap_memory)
%C%_test_model_faults_SOURCES = %D%/test_model_faults.c $(memory_faults)
%C%_test_model_faults_LDFLAGS = $(wrap_memory)
%C%_test_sampler_faults_SOURCES = %D%/test_sampler_faults.c $(memory_faults)
%C%_test_sampler_faults_LDFLAGS = $(wrap_memory)
%C%_test_thread_faults_LDFLAGS = -Wl,--wrap=pthread_create
%C%_test_file_faults_LDFLAGS = -Wl,--wrap=open,--wrap=openat,--wrap=write,--wrap=fsync \
    -Wl,--wrap=rename,--wrap=renameat
%C%_test_corpus_LDFLAGS = -Wl,--wrap=malloc,--wrap=calloc

dist_check_SCRIPTS += $(test_scripts)
EXTRA_DIST += %D%/arrays.h %D%/decode_png.h %D%/descent.h %D%/leaves.h %D%/lightness.h \
    %D%/misuse.def %D%/programs.sh %D%/faults.h %D%/modules.h %D%/mcmc.h %D%/discrete_kernels.h \
    %D%/enumerate.h %D%/likelihood.h %D%/trainer_fit.h %D%/terminal.h %D%/header.h %D%/study.h \
    %D%/smooth.h %D%/tempered.h
EXTRA_DIST += %D%/goldens %D%/fuzz/corpus build-aux/count_tests.sh build-aux/variant.sh

if HAVE_CHECK
check_PROGRAMS += $(test_programs)
TESTS = $(test_programs) $(test_scripts)
else
EXTRA_PROGRAMS += $(test_programs)
check-local:
	@echo "make check: the tests need the Check library (Debian package: check);" \
	    "install it and run configure again" >&2; exit 1
endif

TEST_EXTENSIONS = .sh
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = \
    CC='$(CC)'; NM='$(NM)'; PKG_CONFIG='$(PKG_CONFIG)'; export CC NM PKG_CONFIG; \
    CK_DEFAULT_TIMEOUT=$${CK_DEFAULT_TIMEOUT:-60}; export CK_DEFAULT_TIMEOUT;

# "N passed, N failed, N skipped" over the results of the last run.
check-summary:
	@$(SHELL) $(top_srcdir)/build-aux/count_tests.sh $(TEST_LOGS)

# ---- sanitizers, valgrind, coverage

# Leak checkers and CK_FORK=no belong together: forked children would be checked one by one. Tests
# ask for more memory than there is, which is to be refused, not to end the program.
check_programs_only = $(MAKE) $(AM_MAKEFLAGS) check TESTS='$(test_programs)'
variant = CC='$(CC)' $(SHELL) $(top_srcdir)/build-aux/variant.sh

sanitizer_options = allocator_may_return_null=1
sanitize = -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=all

check-asan:
	@$(variant) build-asan '$(sanitize) -fsanitize=address,undefined'
	@cd build-asan && CK_FORK=no UBSAN_OPTIONS=print_stacktrace=1 \
	    ASAN_OPTIONS="$(sanitizer_options):detect_leaks=1:$$ASAN_OPTIONS" $(check_programs_only)

check-tsan:
	@$(variant) build-tsan '$(sanitize) -fsanitize=thread'
	@cd build-tsan && CK_FORK=no TSAN_OPTIONS="$(sanitizer_options):halt_on_error=1:die_after_fork=0:$$TSAN_OPTIONS" \
	    $(check_programs_only)

# Valgrind knows no AVX-512, and is slow: ERG_TEST_FAST=1 asks a test for fewer repetitions.
check-valgrind:
	@CK_FORK=no ERG_CPU=avx2 ERG_TEST_FAST=$${ERG_TEST_FAST:-1} \
	    $(check_programs_only) LOG_COMPILER=valgrind \
	    LOG_FLAGS='--quiet --leak-check=full --show-leak-kinds=all --error-exitcode=1'

layers = tensor autograd nn samplers losses

# The initial capture makes files that no test reaches count too.
coverage:
	@$(variant) build-coverage '-O0 -g --coverage'
	@cd build-coverage && $(check_programs_only)
	@cd build-coverage && \
	    lcov --quiet --capture --initial --directory . --output-file initial.info && \
	    lcov --quiet --capture --directory . --output-file run.info && \
	    lcov --quiet --add-tracefile initial.info --add-tracefile run.info --output-file all.info && \
	    lcov --quiet --extract all.info $(layers:%='*/%/*') --output-file layers.info
	@genhtml --quiet build-coverage/layers.info --output-directory coverage
	@lcov --summary build-coverage/layers.info; echo "see coverage/index.html"

# ---- fuzzing: needs clang; FUZZ_SECONDS for each reader. New inputs go to build-fuzz/corpus.

FUZZ_SECONDS = 60
fuzzed = npy csv idx npz safetensors
fuzz_programs = $(fuzzed:%=%D%/fuzz/fuzz_%)
EXTRA_PROGRAMS += %D%/fuzz/fuzz_npy %D%/fuzz/fuzz_csv %D%/fuzz/fuzz_idx %D%/fuzz/fuzz_npz \
    %D%/fuzz/fuzz_safetensors
%C%_fuzz_fuzz_npy_LDFLAGS = -fsanitize=fuzzer
%C%_fuzz_fuzz_csv_LDFLAGS = -fsanitize=fuzzer
%C%_fuzz_fuzz_idx_LDFLAGS = -fsanitize=fuzzer
%C%_fuzz_fuzz_npz_LDFLAGS = -fsanitize=fuzzer
%C%_fuzz_fuzz_safetensors_LDFLAGS = -fsanitize=fuzzer

fuzz:
	@CC=clang $(SHELL) $(top_srcdir)/build-aux/variant.sh build-fuzz \
	    '$(sanitize) -fsanitize=fuzzer-no-link,address,undefined'
	@cd build-fuzz && $(MAKE) $(AM_MAKEFLAGS) $(fuzz_programs)
	@for format in $(fuzzed); do \
	    $(MKDIR_P) build-fuzz/corpus/$$format && \
	    build-fuzz/%D%/fuzz/fuzz_$$format -max_total_time=$(FUZZ_SECONDS) \
	        build-fuzz/corpus/$$format $(srcdir)/%D%/fuzz/corpus/$$format || exit 1; \
	done

# ---- benchmarks: JSON lines as a table; BENCH_AGAINST is a file of such lines of other libraries

EXTRA_PROGRAMS += %D%/bench/bench
EXTRA_DIST += %D%/bench/table.awk
%C%_bench_bench_SOURCES = %D%/bench/bench.c %D%/bench/bench.h %D%/bench/det.c %D%/bench/models.c \
    %D%/bench/sampling_cases.c %D%/bench/score_cases.c %D%/bench/kernel_cases.c
%C%_bench_bench_LDADD = liberg.la -lm
bench: %D%/bench/bench$(EXEEXT)
	@%D%/bench/bench$(EXEEXT) $(BENCH_ARGS) | \
	    $(AWK) -f $(srcdir)/%D%/bench/table.awk $(BENCH_AGAINST) -

clean-local:
	rm -rf build-asan build-tsan build-coverage build-fuzz coverage

.PHONY: check-summary check-asan check-tsan check-valgrind coverage fuzz bench
