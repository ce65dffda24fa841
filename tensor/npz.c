/* npz.c: NumPy's .npz files: a zip archive of .npy files, "name.npy" for the array called name. */
#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "checksum.h"
#include "file.h"
#include "inflate.h"
#include "npy.h"
#include "zip.h"

#define SUFFIX ".npy"
#define SUFFIX_SIZE 4

/* ------------------------------------------------------------------------------- reading */

/* A member's content: in the archive, or unpacked, which the caller frees as *unpacked. */
static const char *unpack(const erg_zip_member *member, const uint8_t **bytes, uint8_t **unpacked) {
    *bytes = member->packed;
    if (member->method == ERG_ZIP_DEFLATED) {
        size_t used;
        if (member->size / ERG_MAX_INFLATION > member->packed_size) {
            return "the archive announces more than it can hold";
        }
        *bytes = *unpacked = malloc(member->size + 1);
        if (*unpacked == NULL) {
            return erg_no_memory;
        }
        const char *problem =
            erg_inflate(member->packed, member->packed_size, *unpacked, member->size, &used);
        if (problem != NULL || used != member->packed_size) {
            return problem != NULL ? problem : "something stands behind the packed data";
        }
    }
    return erg_crc32(0, *bytes, member->size) == member->crc
               ? NULL
               : "the file is damaged: the checksum of a member is another";
}

/* The array's name, which the caller frees. */
static const char *array_name(const erg_zip_member *member, char **name) {
    size_t size = member->name_size;
    if (size < SUFFIX_SIZE || memcmp(member->name + size - SUFFIX_SIZE, SUFFIX, SUFFIX_SIZE) != 0) {
        return "a member's name does not end in .npy";
    }
    size -= SUFFIX_SIZE;
    if (!erg_is_utf8(member->name, size) || memchr(member->name, '\0', size) != NULL) {
        return "a member's name is not UTF-8";
    }
    *name = calloc(size + 1, 1);
    if (*name == NULL) {
        return erg_no_memory;
    }
    memcpy(*name, member->name, size);
    return NULL;
}

static erg_status read_array(erg_place *place, const erg_zip_member *member, erg_bundle *bundle) {
    const uint8_t *bytes = NULL;
    uint8_t *unpacked = NULL;
    const char *problem = NULL;
    if (erg_bundle_find(bundle, place->tensor) != NULL) {
        problem = "the name is there twice";
    } else {
        problem = unpack(member, &bytes, &unpacked);
    }
    erg_status status = problem != NULL ? erg_fail_at(place, problem) : ERG_OK;
    if (status == ERG_OK) {
        erg_tensor *tensor = erg_npy_parse_at(place, bytes, member->size);
        status = tensor != NULL ? erg_bundle_own(bundle, place->tensor, tensor) : ERG_ERROR_FORMAT;
    }
    free(unpacked);
    return status;
}

static erg_status read_members(erg_place *place, erg_zip_reader *zip, erg_bundle *bundle) {
    while (zip->left > 0) {
        erg_zip_member member;
        char *name = NULL;
        const char *problem = erg_zip_next(zip, &member);
        if (problem == NULL) {
            problem = array_name(&member, &name);
        }
        place->tensor = name;
        erg_status status =
            problem != NULL ? erg_fail_at(place, problem) : read_array(place, &member, bundle);
        free(name);
        if (status != ERG_OK) {
            return status;
        }
    }
    return ERG_OK;
}

erg_bundle *erg_npz_parse(const uint8_t *bytes, size_t size, const char *name) {
    erg_place place = {.operation = "npz_read", .file = name};
    erg_zip_reader zip;
    const char *problem = erg_zip_open(&zip, bytes, size);
    if (problem != NULL) {
        erg_fail_at(&place, problem);
        return NULL;
    }
    erg_bundle *bundle = erg_bundle_new();
    if (bundle != NULL && read_members(&place, &zip, bundle) != ERG_OK) {
        erg_bundle_free(bundle);
        bundle = NULL;
    }
    return bundle;
}

erg_bundle *erg_npz_read(const char *path) {
    uint8_t *bytes;
    size_t size;
    if (erg_file_read("npz_read", path, &bytes, &size) != ERG_OK) {
        return NULL;
    }
    erg_bundle *bundle = erg_npz_parse(bytes, size, path);
    free(bytes);
    return bundle;
}

/* ------------------------------------------------------------------------------- writing */

/* What is written: for each array zip's header, name and NumPy's header, then its elements; then
 * zip's directory and end. */
typedef struct contents {
    const erg_table *arrays;
    erg_zip_member *members;
    uint8_t *bytes; /* all but the elements */
    erg_piece *pieces;
} contents;

static size_t name_size(const contents *c, int i) {
    return strlen(c->arrays->entries[i].name) + SUFFIX_SIZE;
}

static uint8_t *put_name(const contents *c, int i, uint8_t *out) {
    size_t size = name_size(c, i);
    memcpy(out, c->arrays->entries[i].name, size - SUFFIX_SIZE);
    memcpy(out + size - SUFFIX_SIZE, SUFFIX, SUFFIX_SIZE);
    return out + size;
}

/* Headers of array number i at `out`, and both pieces of it; returns the end. */
static uint8_t *put_array(contents *c, int i, uint8_t *out) {
    const erg_tensor *tensor = c->arrays->entries[i].value;
    erg_zip_member *member = &c->members[i];
    uint8_t *start = out, *header = put_name(c, i, out + ERG_ZIP_LOCAL_SIZE);
    erg_npy_header(tensor, (char *)header);
    member->name_size = name_size(c, i);
    member->size = ERG_NPY_HEADER + erg_byte_count(tensor);
    member->crc =
        erg_crc32(erg_crc32(0, header, ERG_NPY_HEADER), tensor->data, erg_byte_count(tensor));
    erg_zip_local(out, member);
    out = header + ERG_NPY_HEADER;
    c->pieces[2 * i] = (erg_piece){start, (size_t)(out - start)};
    c->pieces[2 * i + 1] = (erg_piece){tensor->data, erg_byte_count(tensor)};
    return out;
}

static void put_all(contents *c) {
    uint8_t *out = c->bytes;
    int count = c->arrays->count;
    for (int i = 0; i < count; i++) {
        out = put_array(c, i, out);
    }
    uint8_t *directory = out;
    size_t offset = 0;
    for (int i = 0; i < count; i++) {
        erg_zip_entry(out, &c->members[i], offset);
        out = put_name(c, i, out + ERG_ZIP_ENTRY_SIZE);
        offset += c->pieces[2 * i].size + c->pieces[2 * i + 1].size;
    }
    erg_zip_end(out, (size_t)count, offset, (size_t)(out - directory));
    out += ERG_ZIP_END_SIZE;
    c->pieces[2 * count] = (erg_piece){directory, (size_t)(out - directory)};
}

/* Checks that zip can hold the arrays and adds up what is not elements. */
static erg_status check(const erg_bundle *bundle, size_t *overhead) {
    if (bundle == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "npz_write: no bundle");
    }
    if (bundle->texts.count > 0) {
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "npz_write: .npz files have no place for the text "
                        "\"%s\"",
                        bundle->texts.entries[0].name);
    }
    contents c = {.arrays = &bundle->tensors};
    uint64_t total = ERG_ZIP_END_SIZE;
    for (int i = 0; i < c.arrays->count && total <= ERG_ZIP_LARGEST; i++) {
        size_t own =
            ERG_ZIP_LOCAL_SIZE + ERG_ZIP_ENTRY_SIZE + ERG_NPY_HEADER + 2 * name_size(&c, i);
        if (name_size(&c, i) > UINT16_MAX) {
            return erg_fail(ERG_ERROR_ARGUMENT, "npz_write: a name of %zu bytes is too long",
                            name_size(&c, i));
        }
        *overhead += own;
        total += own + erg_byte_count(c.arrays->entries[i].value);
    }
    if (total > ERG_ZIP_LARGEST || c.arrays->count > ERG_ZIP_MOST) {
        return erg_fail(ERG_ERROR_ARGUMENT,
                        "npz_write: more than 4 GB or 65534 arrays need zip64, which is not "
                        "written; .safetensors has no such limit");
    }
    return ERG_OK;
}

erg_status erg_npz_write(const char *path, const erg_bundle *bundle) {
    size_t overhead = ERG_ZIP_END_SIZE;
    erg_status status = check(bundle, &overhead);
    if (status != ERG_OK) {
        return status;
    }
    size_t count = (size_t)bundle->tensors.count;
    contents c = {.arrays = &bundle->tensors,
                  .members = calloc(count + 1, sizeof(*c.members)),
                  .bytes = malloc(overhead),
                  .pieces = calloc(2 * count + 1, sizeof(*c.pieces))};
    if (c.members != NULL && c.bytes != NULL && c.pieces != NULL) {
        put_all(&c);
        status = erg_file_replace("npz_write", path, c.pieces, 2 * (int)count + 1);
    } else {
        status = erg_fail(ERG_ERROR_MEMORY, "npz_write: no memory for the headers");
    }
    free(c.members);
    free(c.bytes);
    free(c.pieces);
    return status;
}
