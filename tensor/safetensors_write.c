/* safetensors_write.c: named tensors as .safetensors files, written. Two bundles that hold the same
 * give the same bytes, in whatever order they were filled: tensors are sorted by dtype, the widest
 * first, which aligns all elements, then by name, as the format's reference implementation does;
 * texts by name. The header is padded with spaces to a multiple of 8 bytes. */
#include "safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "checksum.h"
#include "decode.h"
#include "file.h"

/* {"dtype":"F32","shape":[8 sizes],"data_offsets":[2 sizes]} with sizes of at most 19 digits. */
#define DESCRIPTION_SIZE 320

static const char *const dtypes[] = {
    [ERG_FLOAT64] = "F64", [ERG_FLOAT32] = "F32", [ERG_INT32] = "I32"};

static int compare_names(const void *a, const void *b) {
    const erg_entry *const *x = a, *const *y = b;
    return strcmp((*x)->name, (*y)->name);
}

static int compare_tensors(const void *a, const void *b) {
    static const int rank[] = {[ERG_FLOAT64] = 0, [ERG_FLOAT32] = 1, [ERG_INT32] = 2};
    const erg_entry *const *x = a, *const *y = b;
    const erg_tensor *s = (*x)->value, *t = (*y)->value;
    int by_dtype = rank[s->dtype] - rank[t->dtype];
    return by_dtype != 0 ? by_dtype : compare_names(a, b);
}

/* ------------------------------------------------------------------------------- the header */

/* No header of this bundle is longer. */
static size_t header_bound(const erg_bundle *bundle) {
    size_t bound = 128; /* brackets, the checksum, padding */
    for (int i = 0; i < bundle->tensors.count; i++) {
        bound += 6 * strlen(bundle->tensors.entries[i].name) + DESCRIPTION_SIZE;
    }
    for (int i = 0; i < bundle->texts.count; i++) {
        const erg_entry *text = &bundle->texts.entries[i];
        bound += 6 * (strlen(text->name) + strlen(text->value)) + 8;
    }
    return bound;
}

static char *print_text(char *out, const char *name, const char *text) {
    out = erg_print_string(out, name);
    *out++ = ':';
    out = erg_print_string(out, text);
    *out++ = ',';
    return out;
}

/* The texts behind a checksum of zeros, if one is wanted; the place of its digits is returned. */
static char *print_metadata(char **end, const erg_entry **texts, int count, int checksum) {
    char *out = *end, *digits = NULL;
    out += sprintf(out, "\"" ERG_METADATA_KEY "\":{");
    if (checksum) {
        out = print_text(out, ERG_CHECKSUM_KEY, "00000000");
        digits = out - 2 - ERG_CHECKSUM_DIGITS; /* before a quote and a comma */
    }
    for (int i = 0; i < count; i++) {
        out = print_text(out, texts[i]->name, texts[i]->value);
    }
    *end = out - 1 + sprintf(out - 1, "},"); /* for the last comma */
    return digits;
}

static char *print_tensor(char *out, const erg_entry *entry, size_t offset) {
    const erg_tensor *tensor = entry->value;
    out = erg_print_string(out, entry->name);
    out += sprintf(out, ":{\"dtype\":\"%s\",\"shape\":[", dtypes[tensor->dtype]);
    for (int d = 0; d < tensor->shape.ndim; d++) {
        out += sprintf(out, "%s%lld", d > 0 ? "," : "", (long long)tensor->shape.dims[d]);
    }
    return out +
           sprintf(out, "],\"data_offsets\":[%zu,%zu]},", offset, offset + erg_byte_count(tensor));
}

/* What is written, in order. */
typedef struct contents {
    const erg_bundle *bundle;
    const erg_entry **tensors, **texts;
    char *header; /* with its length in front */
    char *digits; /* of the checksum, or NULL */
    erg_piece *pieces;
} contents;

/* Prints the header behind its length and returns the size of both. */
static size_t print_header(contents *c, int checksum) {
    char *start = c->header + ERG_LENGTH_SIZE, *end = start;
    const erg_bundle *bundle = c->bundle;
    size_t offset = 0;
    *end++ = '{';
    if (checksum || bundle->texts.count > 0) {
        c->digits = print_metadata(&end, c->texts, bundle->texts.count, checksum);
    }
    for (int i = 0; i < bundle->tensors.count; i++) {
        end = print_tensor(end, c->tensors[i], offset);
        offset += erg_byte_count(c->tensors[i]->value);
    }
    end -= end[-1] == ',';
    *end++ = '}';
    while ((end - start) % 8 != 0) {
        *end++ = ' ';
    }
    erg_store_bits((uint8_t *)c->header, ERG_LENGTH_SIZE, (uint64_t)(end - start));
    return (size_t)(end - c->header);
}

/* ------------------------------------------------------------------------------- whole files */

/* The header is a piece, and so are the elements of each tensor. */
static void fill_pieces(contents *c, int checksum) {
    c->pieces[0] = (erg_piece){c->header, print_header(c, checksum)};
    for (int i = 0; i < c->bundle->tensors.count; i++) {
        const erg_tensor *tensor = c->tensors[i]->value;
        c->pieces[i + 1] = (erg_piece){tensor->data, erg_byte_count(tensor)};
    }
    if (c->digits != NULL) {
        char text[ERG_CHECKSUM_DIGITS + 1];
        uint32_t crc = 0;
        for (int i = 0; i <= c->bundle->tensors.count; i++) {
            crc = erg_crc32(crc, c->pieces[i].bytes, c->pieces[i].size);
        }
        snprintf(text, sizeof(text), "%08x", (unsigned)crc);
        memcpy(c->digits, text, ERG_CHECKSUM_DIGITS);
    }
}

static erg_status check_bundle(const erg_bundle *bundle) {
    if (bundle == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "safetensors_write: no bundle");
    }
    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) {
        return erg_fail(ERG_ERROR_ARGUMENT, "safetensors_write: the format wants the lowest byte "
                                            "first, which this machine has last");
    }
    if (erg_bundle_find(bundle, ERG_METADATA_KEY) != NULL ||
        erg_bundle_text(bundle, ERG_CHECKSUM_KEY) != NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "safetensors_write: no tensor can be called "
                                            "\"" ERG_METADATA_KEY "\", no text "
                                            "\"" ERG_CHECKSUM_KEY "\"");
    }
    if (header_bound(bundle) > ERG_MAX_HEADER) {
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "safetensors_write: %d names are too much for a header of 100 MB",
                        bundle->tensors.count);
    }
    return ERG_OK;
}

erg_status erg_safetensors_write(const char *path, const erg_bundle *bundle,
                                 erg_safetensors_options options) {
    erg_status status = check_bundle(bundle);
    if (status != ERG_OK) {
        return status;
    }
    contents c = {.bundle = bundle};
    size_t pieces = (size_t)bundle->tensors.count + 1;
    c.tensors = erg_table_sorted(&bundle->tensors, compare_tensors);
    c.texts = erg_table_sorted(&bundle->texts, compare_names);
    c.header = malloc(ERG_LENGTH_SIZE + header_bound(bundle));
    c.pieces = calloc(pieces, sizeof(*c.pieces));
    if (c.tensors != NULL && c.texts != NULL && c.header != NULL && c.pieces != NULL) {
        fill_pieces(&c, options.checksum);
        status = erg_file_replace("safetensors_write", path, c.pieces, (int)pieces);
    } else {
        status = erg_fail(ERG_ERROR_MEMORY, "safetensors_write: no memory for the header");
    }
    free(c.tensors);
    free(c.texts);
    free(c.header);
    free(c.pieces);
    return status;
}
