/* file.h: whole files in and out, and the readers as they see a file in memory. Internal.
 *
 * `operation` is the name that a message begins with ("npy_read"). */
#ifndef ERG_TENSOR_FILE_H
#define ERG_TENSOR_FILE_H

#include "tensor.h"

/* Reads a whole regular file. The caller frees *bytes, which is not NULL even when *size is 0. */
erg_status erg_file_read(const char *operation, const char *path, uint8_t **bytes, size_t *size);

/* A part of what a file will hold. */
typedef struct erg_piece {
    const void *bytes;
    size_t size;
} erg_piece;

/* Makes the file hold the pieces, one after the other. Whoever looks, also after a crash, sees the
 * old file or the new one, never a part: the pieces go to a temporary file in the same folder,
 * which is synced and then renamed. On failure the old file stays and the temporary goes; only if
 * the folder itself cannot be synced at the very end is the new file in place already. A symbolic
 * link is followed, permissions are kept, and what is not a regular file is never replaced. */
erg_status erg_file_replace(const char *operation, const char *path, const erg_piece *pieces,
                            int count);

/* What erg_npy_read and its like do with the content of a file; name is for messages. */
erg_tensor *erg_npy_parse(const uint8_t *bytes, size_t size, const char *name);
erg_tensor *erg_csv_parse(const uint8_t *bytes, size_t size, const char *name);
erg_tensor *erg_idx_parse(const uint8_t *bytes, size_t size, const char *name);
erg_bundle *erg_safetensors_parse(const uint8_t *bytes, size_t size, const char *name);
erg_bundle *erg_npz_parse(const uint8_t *bytes, size_t size, const char *name);

#endif
