/* names.h: the names of params and states in files. Internal to nn/.
 *
 * A file calls "layers/0/weight" "layers.0.weight", as PyTorch's state dictionaries do. */
#ifndef ERG_NN_NAMES_H
#define ERG_NN_NAMES_H

#include "nn.h"

/* Memory for the longest name in files of any param or state; NULL (with a message) if there is
 * none. The caller frees it. */
char *erg_file_name_buffer(const erg_graph *graph);
/* Writes the name of this name's variable in files into the buffer, which it returns. */
const char *erg_file_name(char *buffer, const char *name);

#endif
