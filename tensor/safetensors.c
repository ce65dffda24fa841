/* safetensors.c: named tensors as .safetensors files, read.
 *
 *     length of the header, 8 bytes, lowest first | header | elements of all tensors
 *     header: {"__metadata__": {"key": "text", ...},
 *              "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ...}
 *
 * Offsets count from the header's end. The tensors must fill the rest of the file without gap or
 * overlap, as the format asks. A file of the library's own may hold a checksum among the texts: the
 * CRC-32 of the whole file with the checksum's eight digits as zeros. */
#include "safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "bundle.h"
#include "checksum.h"
#include "decode.h"
#include "file.h"

/* One tensor as the header tells of it. */
typedef struct item {
    char *name;
    erg_encoding encoding;
    erg_shape shape;
    int64_t begin, end;
} item;

typedef struct reader {
    erg_place place;
    erg_cursor c;
    erg_bundle *bundle;
    item *items;
    size_t count, capacity;
    int metadata_seen;
    const char *checksum; /* its digits in the header, or NULL */
} reader;

/* ------------------------------------------------------------------------------- one tensor */

static const char *parse_dtype(erg_cursor *c, item *it) {
    static const struct {
        const char *name;
        erg_encoding encoding;
    } known[] = {
        {"\"F64\"", {'f', 8, 0, 0}},  {"\"F32\"", {'f', 4, 0, 0}}, {"\"F16\"", {'f', 2, 0, 0}},
        {"\"BF16\"", {'g', 2, 0, 0}}, {"\"I64\"", {'i', 8, 0, 0}}, {"\"I32\"", {'i', 4, 0, 0}},
        {"\"I16\"", {'i', 2, 0, 0}},  {"\"I8\"", {'i', 1, 0, 0}},  {"\"U64\"", {'u', 8, 0, 0}},
        {"\"U32\"", {'u', 4, 0, 0}},  {"\"U16\"", {'u', 2, 0, 0}}, {"\"U8\"", {'u', 1, 0, 0}},
        {"\"BOOL\"", {'b', 1, 0, 0}}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (erg_accept(c, known[i].name)) {
            it->encoding = known[i].encoding;
            return NULL;
        }
    }
    return "dtype is none of F64, F32, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, BOOL";
}

/* [a, b, ...] with at most `most` sizes; -1 if it is not that. */
static int accept_sizes(erg_cursor *c, int64_t *sizes, int most) {
    int count = 0;
    if (!erg_accept(c, "[")) {
        return -1;
    }
    if (erg_accept(c, "]")) {
        return 0;
    }
    do {
        if (count == most || !erg_accept_size(c, &sizes[count++])) {
            return -1;
        }
    } while (erg_accept(c, ","));
    return erg_accept(c, "]") ? count : -1;
}

static const char *parse_shape(erg_cursor *c, item *it) {
    int64_t sizes[ERG_MAX_DIMS];
    int ndim = accept_sizes(c, sizes, ERG_MAX_DIMS);
    if (ndim < 0) {
        return "shape is not a list of at most 8 sizes";
    }
    it->shape = erg_shape_make(ndim, sizes);
    return erg_shape_size(it->shape) < 0 ? "shape is too large" : NULL;
}

static const char *parse_offsets(erg_cursor *c, item *it) {
    int64_t offsets[2];
    if (accept_sizes(c, offsets, 2) != 2) {
        return "data_offsets are not two sizes";
    }
    it->begin = offsets[0];
    it->end = offsets[1];
    return it->begin <= it->end ? NULL : "data_offsets are the wrong way round";
}

static const struct field {
    const char *name;
    const char *(*parse)(erg_cursor *c, item *it);
} fields[] = {
    {"\"dtype\"", parse_dtype}, {"\"shape\"", parse_shape}, {"\"data_offsets\"", parse_offsets}};
#define FIELDS (sizeof(fields) / sizeof(fields[0]))

static const char *parse_field(erg_cursor *c, item *it, int seen[FIELDS]) {
    for (size_t i = 0; i < FIELDS; i++) {
        if (erg_accept(c, fields[i].name)) {
            if (seen[i]++) {
                return "dtype, shape or data_offsets are there twice";
            }
            return erg_accept(c, ":") ? fields[i].parse(c, it) : "a key without a value";
        }
    }
    return "something other than dtype, shape and data_offsets";
}

static const char *parse_item(erg_cursor *c, item *it) {
    int seen[FIELDS] = {0};
    if (!erg_accept(c, "{")) {
        return "its description is not an object";
    }
    do {
        const char *problem = parse_field(c, it, seen);
        if (problem != NULL) {
            return problem;
        }
    } while (erg_accept(c, ","));
    if (!erg_accept(c, "}")) {
        return "its description does not end";
    }
    if (!seen[0] || !seen[1] || !seen[2]) {
        return "dtype, shape or data_offsets are missing";
    }
    uint64_t wanted = (uint64_t)erg_shape_size(it->shape) * it->encoding.size;
    return (uint64_t)(it->end - it->begin) == wanted
               ? NULL
               : "data_offsets do not span the bytes of its shape and dtype";
}

/* ------------------------------------------------------------------------------- the header */

/* The checksum's place is kept until all of the header is known to be good. */
static const char *parse_checksum(reader *r) {
    if (r->checksum != NULL || !erg_accept(&r->c, "\"") ||
        r->c.end - r->c.at <= ERG_CHECKSUM_DIGITS || r->c.at[ERG_CHECKSUM_DIGITS] != '"') {
        return "the checksum is not one string of 8 digits";
    }
    r->checksum = r->c.at;
    r->c.at += ERG_CHECKSUM_DIGITS + 1;
    return NULL;
}

static const char *parse_text(reader *r, const char *key) {
    char *text = NULL;
    if (erg_bundle_text(r->bundle, key) != NULL) {
        return "__metadata__ holds a key twice";
    }
    const char *problem = erg_scan_string(&r->c, &text);
    if (problem == NULL && erg_bundle_add_text(r->bundle, key, text) != ERG_OK) {
        problem = erg_no_memory;
    }
    free(text);
    return problem;
}

static const char *parse_key(reader *r) {
    char *key = NULL;
    const char *problem = erg_scan_string(&r->c, &key);
    if (problem == NULL && !erg_accept(&r->c, ":")) {
        problem = "a key without a value";
    }
    if (problem == NULL) {
        int is_checksum = strcmp(key, ERG_CHECKSUM_KEY) == 0;
        problem = is_checksum ? parse_checksum(r) : parse_text(r, key);
    }
    free(key);
    return problem;
}

static const char *parse_metadata(reader *r) {
    if (r->metadata_seen++) {
        return "__metadata__ is there twice";
    }
    if (!erg_accept(&r->c, ":") || !erg_accept(&r->c, "{")) {
        return "__metadata__ is not an object";
    }
    if (erg_accept(&r->c, "}")) {
        return NULL;
    }
    do {
        const char *problem = parse_key(r);
        if (problem != NULL) {
            return problem;
        }
    } while (erg_accept(&r->c, ","));
    return erg_accept(&r->c, "}") ? NULL : "__metadata__ does not end";
}

/* The next free item, with the name, which it takes over. */
static item *add_item(reader *r, char *name) {
    if (r->count == r->capacity) {
        size_t larger = r->capacity > 0 ? 2 * r->capacity : 8;
        item *items = realloc(r->items, larger * sizeof(*items));
        if (items == NULL) {
            free(name);
            return NULL;
        }
        r->items = items;
        r->capacity = larger;
    }
    item *it = &r->items[r->count++];
    *it = (item){.name = name};
    return it;
}

static const char *parse_tensor(reader *r, char *name) {
    item *it = add_item(r, name);
    if (it == NULL) {
        return erg_no_memory;
    }
    const char *problem = erg_accept(&r->c, ":") ? parse_item(&r->c, it) : "it has no description";
    r->place.tensor = problem != NULL ? it->name : NULL;
    return problem;
}

static const char *parse_entry(reader *r) {
    char *name = NULL;
    const char *problem = erg_scan_string(&r->c, &name);
    if (problem != NULL) {
        return problem;
    }
    if (strcmp(name, ERG_METADATA_KEY) != 0) {
        return parse_tensor(r, name);
    }
    free(name);
    return parse_metadata(r);
}

static const char *parse_header(reader *r) {
    if (r->c.at == r->c.end || *r->c.at != '{') {
        return "the header does not begin with {";
    }
    r->c.at++;
    if (!erg_accept(&r->c, "}")) {
        do {
            const char *problem = parse_entry(r);
            if (problem != NULL) {
                return problem;
            }
        } while (erg_accept(&r->c, ","));
        if (!erg_accept(&r->c, "}")) {
            return "the header lacks a comma, or does not end";
        }
    }
    erg_skip_space(&r->c);
    return r->c.at == r->c.end ? NULL : "text follows the header";
}

/* ------------------------------------------------------------------------------- elements */

static int compare_items(const void *a, const void *b) {
    const item *x = a, *y = b;
    int64_t by_place = x->begin != y->begin ? x->begin - y->begin : x->end - y->end;
    return by_place != 0 ? (by_place > 0) - (by_place < 0) : strcmp(x->name, y->name);
}

/* Sorts the items by place; they must lie one behind the other up to the end. */
static const char *check_places(reader *r, size_t size) {
    int64_t end = 0;
    if (r->count > 1) {
        qsort(r->items, r->count, sizeof(*r->items), compare_items);
    }
    for (size_t i = 0; i < r->count; i++) {
        if (r->items[i].begin != end) {
            r->place.tensor = r->items[i].name;
            return r->items[i].begin > end ? "bytes before it belong to no tensor"
                                           : "it overlaps another tensor";
        }
        end = r->items[i].end;
    }
    return (uint64_t)end == size ? NULL : "the data end before or after the last tensor";
}

static erg_status decode_items(reader *r, const uint8_t *data) {
    erg_status status = ERG_OK;
    for (size_t i = 0; i < r->count && status == ERG_OK; i++) {
        const item *it = &r->items[i];
        r->place.tensor = it->name;
        if (erg_bundle_find(r->bundle, it->name) != NULL) {
            return erg_fail_at(&r->place, "the name is there twice");
        }
        erg_tensor *tensor = erg_decode(it->encoding, it->shape, data + it->begin, &r->place);
        status = tensor != NULL ? erg_bundle_own(r->bundle, it->name, tensor) : ERG_ERROR_FORMAT;
    }
    return status;
}

/* ------------------------------------------------------------------------------- whole files */

static const char *verify_checksum(const char *digits, const uint8_t *bytes, size_t size) {
    size_t at = (size_t)((const uint8_t *)digits - bytes), behind = at + ERG_CHECKSUM_DIGITS;
    char found[ERG_CHECKSUM_DIGITS + 1];
    uint32_t crc = erg_crc32(0, bytes, at);
    crc = erg_crc32(crc, (const uint8_t *)"00000000", ERG_CHECKSUM_DIGITS);
    crc = erg_crc32(crc, bytes + behind, size - behind);
    snprintf(found, sizeof(found), "%08x", (unsigned)crc);
    int same = memcmp(found, digits, ERG_CHECKSUM_DIGITS) == 0;
    return same ? NULL : "the file is damaged: its checksum is another";
}

/* Everything but the elements: afterwards the items are known to fit the file. */
static const char *parse_file(reader *r, const uint8_t *bytes, size_t size, size_t *data) {
    if (size < ERG_LENGTH_SIZE) {
        return "the file ends before its header";
    }
    uint64_t length = erg_load_bits(bytes, ERG_LENGTH_SIZE, 0);
    if (length > ERG_MAX_HEADER) {
        return "the header is longer than 100 MB";
    }
    if (length > size - ERG_LENGTH_SIZE) {
        return "the file ends within its header";
    }
    *data = ERG_LENGTH_SIZE + (size_t)length;
    const char *text = (const char *)bytes + ERG_LENGTH_SIZE;
    r->c = (erg_cursor){text, text + length};
    const char *problem = parse_header(r);
    if (problem == NULL) {
        problem = check_places(r, size - *data);
    }
    if (problem == NULL && r->checksum != NULL) {
        problem = verify_checksum(r->checksum, bytes, size);
        r->bundle->verified = 1;
    }
    return problem;
}

erg_bundle *erg_safetensors_parse(const uint8_t *bytes, size_t size, const char *name) {
    reader r = {.place = {.operation = "safetensors_read", .file = name},
                .bundle = erg_bundle_new()};
    if (r.bundle == NULL) {
        return NULL;
    }
    size_t data = 0;
    const char *problem = parse_file(&r, bytes, size, &data);
    erg_status status =
        problem != NULL ? erg_fail_at(&r.place, problem) : decode_items(&r, bytes + data);
    for (size_t i = 0; i < r.count; i++) {
        free(r.items[i].name);
    }
    free(r.items);
    if (status != ERG_OK) {
        erg_bundle_free(r.bundle);
        return NULL;
    }
    return r.bundle;
}

erg_bundle *erg_safetensors_read(const char *path) {
    uint8_t *bytes;
    size_t size;
    if (erg_file_read("safetensors_read", path, &bytes, &size) != ERG_OK) {
        return NULL;
    }
    erg_bundle *bundle = erg_safetensors_parse(bytes, size, path);
    free(bytes);
    return bundle;
}
