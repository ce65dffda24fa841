/* test_activations.c: activations against PyTorch, finite differences and the interpreter. */
#include "golden_checks.h"

static const struct {
    const char *name;
    erg_activation activation;
} activations[] = {
    {"silu", ERG_SILU},
    {"relu", ERG_RELU},
    {"leaky_relu", ERG_LEAKY_RELU},
    {"elu", ERG_ELU},
    {"selu", ERG_SELU},
    {"gelu", ERG_GELU},
    {"gelu_tanh", ERG_GELU_TANH},
    {"mish", ERG_MISH},
    {"tanh", ERG_TANH},
    {"sigmoid", ERG_SIGMOID},
    {"log_sigmoid", ERG_LOG_SIGMOID},
    {"softplus", ERG_SOFTPLUS},
    {"softsign", ERG_SOFTSIGN},
    {"hard_tanh", ERG_HARD_TANH},
    {"hard_sigmoid", ERG_HARD_SIGMOID},
    {"hard_swish", ERG_HARD_SWISH},
    {"identity", ERG_IDENTITY},
};

static void check_activation(const char *name, erg_node *(*f)(int which, erg_node *x), int which) {
    erg_graph *g = erg_graph_new(1);
    erg_node *x = erg_input(g, "x", ERG_FLOAT64, ERG_SHAPE(15));
    fill(x, 1);
    for (int i = 0; i < 15; i++)
        erg_tensor_set(erg_value(x), i, 4 * erg_tensor_get(erg_value(x), i));
    erg_node *y = f(which, x);
    check_golden(name, y, &x, 1);
    check_derivatives(name, y, &x, 1, 3);
    check_plan(name, y, &x, 1);
    erg_graph_free(g);
}

static erg_node *activate(int which, erg_node *x) {
    return erg_activate((erg_activation)which, x);
}

static erg_node *with_parameter(int which, erg_node *x) {
    return which ? erg_softplus_beta(x, 2.5) : erg_celu(x, 0.5);
}

START_TEST(activation_is_as_pytorch) {
    check_activation(activations[_i].name, activate, (int)activations[_i].activation);
}
END_TEST

START_TEST(activation_with_parameter_is_as_pytorch) {
    check_activation(_i ? "softplus, 2.5" : "celu, 0.5", with_parameter, _i);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("activations");
    TCase *functions = tcase_create("activations");
    tcase_add_loop_test(functions, activation_is_as_pytorch, 0, COUNT(activations));
    tcase_add_loop_test(functions, activation_with_parameter_is_as_pytorch, 0, 2);
    suite_add_tcase(suite, functions);
    return run_suite(suite);
}
