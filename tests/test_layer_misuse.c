/* test_layer_misuse.c: layers that are made or applied wrongly are refused, in words that say what
 * is wrong. */
#include "modules.h"

START_TEST(makers_refuse_misuse) {
    const erg_convolution_options three = {.kernel = {3, 3}};
    const erg_norm_options norm = {0};
    erg_graph *g = erg_graph_new(0);
    ck_assert_ptr_null(erg_convolution_new(NULL, "c", 1, 1, three));
    ck_assert_ptr_null(erg_attention_new(NULL, "a", 4, 2, (erg_attention_options){0}));
    ck_assert_ptr_null(erg_layer_norm_new(NULL, "n", ERG_SHAPE(3), norm));
    ck_assert_ptr_null(erg_residual_block_new(NULL, "n", 3, 3, (erg_residual_options){0}));
    REFUSES(g, "0 to 3 channels", erg_convolution_new(g, "c", 0, 3, three));
    REFUSES(g, "kernel of 0 x 3",
            erg_convolution_new(g, "c", 1, 1, (erg_convolution_options){.kernel = {0, 3}}));
    REFUSES(g, "2 groups do not divide 3",
            erg_convolution_new(g, "c", 3, 4,
                                (erg_convolution_options){.kernel = {3, 3}, .groups = 2}));
    REFUSES(g, "groups",
            erg_convolution_new(g, "c", 3, 3,
                                (erg_convolution_options){.kernel = {3, 3}, .groups = -1}));
    REFUSES(g, "large", erg_convolution_new(g, "c", INT64_MAX / 4, INT64_MAX / 4, three));
    REFUSES(g, "name", erg_convolution_new(g, NULL, 1, 1, three));
    REFUSES(g, "one or more axes", erg_layer_norm_new(g, "n", ERG_SCALAR, norm));
    REFUSES(g, "size", erg_layer_norm_new(g, "n", ERG_SHAPE(3, 0), norm));
    REFUSES(g, "epsilon -1",
            erg_layer_norm_new(g, "n", ERG_SHAPE(3), (erg_norm_options){.epsilon = -1}));
    REFUSES(g, "epsilon", erg_group_norm_new(g, "n", 1, 3, (erg_norm_options){.epsilon = NAN}));
    REFUSES(g, "2 groups of 3", erg_group_norm_new(g, "n", 2, 3, norm));
    REFUSES(g, "0 groups", erg_group_norm_new(g, "n", 0, 3, norm));
    REFUSES(g, "3 heads", erg_attention_new(g, "a", 4, 3, (erg_attention_options){0}));
    REFUSES(g, "too large", erg_attention_new(g, "a", INT64_MAX, 1, (erg_attention_options){0}));
    REFUSES(g, "0 vectors", erg_embedding_new(g, "e", 0, 3, (erg_embedding_options){0}));
    REFUSES(g, "float",
            erg_embedding_new(g, "e", 3, 3, (erg_embedding_options){.dtype = ERG_INT32}));
    REFUSES(g, "0 inputs", erg_fourier_new(g, "f", 0, 3, (erg_fourier_options){0}));
    REFUSES(g, "spread", erg_fourier_new(g, "g", 1, 3, (erg_fourier_options){.scale = -1}));
    REFUSES(g, "0 channels", erg_film_new(g, "f", 3, 0, (erg_linear_options){0}));
    REFUSES(g, "channels", erg_film_new(g, "f", 3, INT64_MAX, (erg_linear_options){0}));
    REFUSES(g, "at \"r\"", erg_residual_block_new(g, "r", 0, 3, (erg_residual_options){0}));
    REFUSES(g, "3 groups of 4",
            erg_residual_block_new(g, "r", 4, 3, (erg_residual_options){.groups = 3}));
    REFUSES(g, "0 to 3", erg_residual_linear_new(g, "r", 0, 3, (erg_mlp_options){0}));
    erg_graph_free(g);
}
END_TEST

START_TEST(layers_refuse_misuse) {
    const erg_linear_options linear = {0};
    erg_graph *g = erg_graph_new(0);
    erg_node *x = erg_input(g, "x", ERG_FLOAT32, ERG_SHAPE(2, 4)), *none = NULL;
    erg_node *images = erg_input(g, "images", ERG_FLOAT32, ERG_SHAPE(2, 4, 3, 3));
    erg_node *sets = erg_input(g, "sets", ERG_FLOAT32, ERG_SHAPE(2, 3, 4));
    REFUSES(g, "no layer", erg_convolution_apply(NULL, x));
    REFUSES(g, "no layer", erg_layer_norm_apply(NULL, x));
    REFUSES(g, "no layer", erg_group_norm_apply(NULL, x));
    REFUSES(g, "no layer", erg_attention_apply(NULL, x, NULL));
    REFUSES(g, "no layer", erg_embedding_apply(NULL, x));
    REFUSES(g, "no layer", erg_fourier_apply(NULL, x));
    REFUSES(g, "no layer", erg_film_apply(NULL, x, x));
    REFUSES(g, "no block", erg_residual_linear_apply(NULL, x));
    REFUSES(g, "no block", erg_residual_block_apply(NULL, x));
    REFUSES(g, "rate of 1", erg_dropout(x, 1, NULL));
    REFUSES(g, "rate of -0.5", erg_dropout(x, -0.5, NULL));
    REFUSES(g, "shape ()", erg_dropout(x, 0.5, x));
    REFUSES(g, "alpha 0", erg_celu(x, 0));
    REFUSES(g, "beta -1", erg_softplus_beta(x, -1));
    REFUSES(g, "width of 3", erg_sinusoidal(x, 3, 0));
    REFUSES(g, "period of -2", erg_sinusoidal(x, 4, -2));

    erg_layer_norm *norm = erg_layer_norm_new(g, "n", ERG_SHAPE(3), (erg_norm_options){0});
    REFUSES(g, "layer_norm: x is (2, 4), must be (B, ...) and end in (3)",
            erg_layer_norm_apply(norm, x));
    REFUSES(g, "end in (3)",
            erg_layer_norm_apply(norm, erg_input(g, NULL, ERG_FLOAT32, ERG_SHAPE(3))));
    erg_group_norm *group = erg_group_norm_new(g, "g", 1, 3, (erg_norm_options){0});
    REFUSES(g, "group_norm: x is (2, 4), must be (B, 3, ...)", erg_group_norm_apply(group, x));
    erg_attention *attention = erg_attention_new(g, "a", 4, 2, (erg_attention_options){0});
    REFUSES(g, "attention: x is (2, 4), must be (B, N, 4)",
            erg_attention_apply(attention, x, NULL));
    REFUSES(g, "the mask is (2, 4), must fit (2, 3, 3)", erg_attention_apply(attention, sets, x));
    REFUSES(g, "the mask is (2, 3, 4)", erg_attention_apply(attention, sets, sets));
    REFUSES(g, "the mask is (2, 4, 3, 3)", erg_attention_apply(attention, sets, images));
    erg_film *film = erg_film_new(g, "f", 4, 5, linear);
    REFUSES(g, "film: x is (2, 4), must be (B, 5, ...)", erg_film_apply(film, x, x));
    erg_film *fitting = erg_film_new(g, "h", 4, 4, linear);
    REFUSES(g, "0 conditions for 2", erg_film_apply(fitting, x, images));
    REFUSES(g, "3 conditions for 2",
            erg_film_apply(fitting, x, erg_input(g, NULL, ERG_FLOAT32, ERG_SHAPE(3, 4))));
    REFUSES(g, "3", erg_film_apply(fitting, x, erg_input(g, NULL, ERG_FLOAT32, ERG_SHAPE(2, 3))));
    erg_convolution *convolution =
        erg_convolution_new(g, "c", 3, 1, (erg_convolution_options){.kernel = {3, 3}});
    REFUSES(g, "conv2d", erg_convolution_apply(convolution, images));
    erg_embedding *embedding = erg_embedding_new(g, "e", 3, 3, (erg_embedding_options){0});
    REFUSES(g, "int32", erg_embedding_apply(embedding, x));
    erg_node *ignored[] = {erg_layer_norm_apply(norm, none),
                           erg_group_norm_apply(group, none),
                           erg_attention_apply(attention, none, none),
                           erg_film_apply(film, none, none),
                           erg_film_apply(fitting, x, none),
                           erg_dropout(none, 0.5, none),
                           erg_attention_mask(none),
                           erg_sinusoidal(none, 4, 0),
                           erg_mish(none),
                           erg_selu(none),
                           erg_softsign(none),
                           erg_hard_swish(none)};
    for (int i = 0; i < COUNT(ignored); i++)
        ck_assert_msg(ignored[i] == NULL, "number %d", i);
    erg_graph_free(g);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("layer_misuse");
    TCase *misuse = tcase_create("misuse");
    tcase_add_test(misuse, makers_refuse_misuse);
    tcase_add_test(misuse, layers_refuse_misuse);
    suite_add_tcase(suite, misuse);
    return run_suite(suite);
}
