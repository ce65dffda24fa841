/* golden_state_dict.h: made by tests/goldens/state_dict.py with PyTorch 1.13.0. */
static const double golden_mlp[] = {-0.2380165013029952, -0.25517948624030024, -0.25576936749885193,
                                    -0.23714907142166308, -0.23051070630012591};
static const double golden_conv[] = {0.14055203864592275, 0.1459345846948259, 0.18133442255327528};
static const double golden_vision[] = {-0.91197358289153763, -0.94254842479766998,
                                       -0.93620594180996175};
