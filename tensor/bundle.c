/* bundle.c: tensors by name, and texts that tell about them. Names are found by hashing with linear
 * probing, so that a file of a million tensors is read in linear time. */
#include "bundle.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "scan.h"

/* ------------------------------------------------------------------------------- tables */

/* FNV-1a (Fowler, Noll, Vo). */
static uint64_t hash(const char *name) {
    uint64_t h = 14695981039346656037u;
    for (; *name != '\0'; name++) {
        h = (h ^ (uint8_t)*name) * 1099511628211u;
    }
    return h;
}

/* The slot that holds this name, or the empty one where it would go. There always is an empty one:
 * at most half of them are taken. */
static int *find_slot(const erg_table *table, const char *name) {
    uint64_t mask = 2 * (uint64_t)table->capacity - 1;
    for (uint64_t at = hash(name);; at++) {
        int *slot = &table->slots[at & mask];
        if (*slot == 0 || strcmp(table->entries[*slot - 1].name, name) == 0) {
            return slot;
        }
    }
}

void *erg_table_find(const erg_table *table, const char *name) {
    int slot = table->capacity > 0 ? *find_slot(table, name) : 0;
    return slot > 0 ? table->entries[slot - 1].value : NULL;
}

/* Twice the room; capacities are powers of two. 0 if memory is short. */
static int grow(erg_table *table) {
    if (table->capacity > INT_MAX / 4) {
        return 0;
    }
    erg_table larger = {.count = table->count, .capacity = table->capacity * 2};
    if (larger.capacity == 0) {
        larger.capacity = 8;
    }
    larger.entries = calloc((size_t)larger.capacity, sizeof(*larger.entries));
    larger.slots = calloc((size_t)larger.capacity, 2 * sizeof(*larger.slots));
    if (larger.entries == NULL || larger.slots == NULL) {
        free(larger.entries);
        free(larger.slots);
        return 0;
    }
    for (int i = 0; i < table->count; i++) {
        larger.entries[i] = table->entries[i];
        *find_slot(&larger, table->entries[i].name) = i + 1;
    }
    free(table->entries);
    free(table->slots);
    *table = larger;
    return 1;
}

/* Adds a name that is not there yet. 0 if memory is short. */
static int append(erg_table *table, const char *name, void *value) {
    if (table->count == table->capacity && !grow(table)) {
        return 0;
    }
    char *copy = strdup(name);
    if (copy == NULL) {
        return 0;
    }
    int *slot = find_slot(table, name);
    table->entries[table->count++] = (erg_entry){copy, value};
    *slot = table->count;
    return 1;
}

static void free_table(erg_table *table, void (*free_value)(void *)) {
    for (int i = 0; i < table->count; i++) {
        free(table->entries[i].name);
        free_value(table->entries[i].value);
    }
    free(table->entries);
    free(table->slots);
}

const erg_entry **erg_table_sorted(const erg_table *table,
                                   int (*compare)(const void *, const void *)) {
    const erg_entry **sorted = calloc((size_t)table->count + 1, sizeof(*sorted));
    if (sorted == NULL) {
        erg_fail(ERG_ERROR_MEMORY, "bundle: no memory to sort %d names", table->count);
        return NULL;
    }
    for (int i = 0; i < table->count; i++) {
        sorted[i] = &table->entries[i];
    }
    qsort(sorted, (size_t)table->count, sizeof(*sorted), compare);
    return sorted;
}

/* ------------------------------------------------------------------------------- bundles */

erg_bundle *erg_bundle_new(void) {
    erg_bundle *bundle = calloc(1, sizeof(*bundle));
    if (bundle == NULL) {
        erg_fail(ERG_ERROR_MEMORY, "bundle_new: no memory");
    }
    return bundle;
}

static void free_tensor(void *tensor) {
    erg_tensor_free(tensor);
}

void erg_bundle_free(erg_bundle *bundle) {
    if (bundle != NULL) {
        free_table(&bundle->tensors, free_tensor);
        free_table(&bundle->texts, free);
        free(bundle);
    }
}

int erg_bundle_count(const erg_bundle *bundle) {
    return bundle != NULL ? bundle->tensors.count : 0;
}

static const erg_entry *entry_at(const erg_bundle *bundle, int index) {
    static const erg_entry none = {NULL, NULL};
    int exists = bundle != NULL && index >= 0 && index < bundle->tensors.count;
    return exists ? &bundle->tensors.entries[index] : &none;
}

const char *erg_bundle_name(const erg_bundle *bundle, int index) {
    return entry_at(bundle, index)->name;
}

erg_tensor *erg_bundle_tensor(const erg_bundle *bundle, int index) {
    return entry_at(bundle, index)->value;
}

erg_tensor *erg_bundle_find(const erg_bundle *bundle, const char *name) {
    return bundle != NULL && name != NULL ? erg_table_find(&bundle->tensors, name) : NULL;
}

const char *erg_bundle_text(const erg_bundle *bundle, const char *name) {
    return bundle != NULL && name != NULL ? erg_table_find(&bundle->texts, name) : NULL;
}

int erg_bundle_verified(const erg_bundle *bundle) {
    return bundle != NULL && bundle->verified;
}

/* ------------------------------------------------------------------------------- adding */

static erg_status check_new(const char *operation, const erg_bundle *bundle, const erg_table *table,
                            const char *name) {
    if (bundle == NULL || name == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: no %s", operation,
                        bundle == NULL ? "bundle" : "name");
    }
    if (!erg_is_utf8(name, strlen(name))) {
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: the name is not UTF-8", operation);
    }
    if (erg_table_find(table, name) != NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: \"%s\" is there already", operation, name);
    }
    return ERG_OK;
}

erg_status erg_bundle_own(erg_bundle *bundle, const char *name, erg_tensor *tensor) {
    if (tensor == NULL) {
        return erg_error_status();
    }
    if (!append(&bundle->tensors, name, tensor)) {
        erg_tensor_free(tensor);
        return erg_fail(ERG_ERROR_MEMORY, "bundle_add: no memory for \"%s\"", name);
    }
    return ERG_OK;
}

erg_status erg_bundle_add(erg_bundle *bundle, const char *name, const erg_tensor *tensor) {
    erg_status status =
        check_new("bundle_add", bundle, bundle != NULL ? &bundle->tensors : NULL, name);
    if (status != ERG_OK) {
        return status;
    }
    if (tensor == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "bundle_add: no tensor for \"%s\"", name);
    }
    return erg_bundle_own(bundle, name, erg_tensor_clone(tensor));
}

erg_status erg_bundle_add_text(erg_bundle *bundle, const char *name, const char *text) {
    erg_status status =
        check_new("bundle_add_text", bundle, bundle != NULL ? &bundle->texts : NULL, name);
    if (status != ERG_OK) {
        return status;
    }
    if (text == NULL || !erg_is_utf8(text, strlen(text))) {
        return erg_fail(ERG_ERROR_ARGUMENT, "bundle_add_text: %s for \"%s\"",
                        text == NULL ? "no text" : "a text that is not UTF-8", name);
    }
    char *copy = strdup(text);
    if (copy == NULL || !append(&bundle->texts, name, copy)) {
        free(copy);
        return erg_fail(ERG_ERROR_MEMORY, "bundle_add_text: no memory for \"%s\"", name);
    }
    return ERG_OK;
}

/* ------------------------------------------------------------------------------- counts */

erg_status erg_bundle_add_counts(erg_bundle *bundle, const char *name, const uint64_t *counts,
                                 int64_t n) {
    if (counts == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "bundle_add_counts: no counts");
    }
    erg_tensor *halves = erg_tensor_new(ERG_INT32, ERG_SHAPE(n, 2));
    if (halves == NULL) {
        return erg_error_status();
    }
    uint32_t *words = halves->data;
    for (int64_t i = 0; i < n; i++) {
        words[2 * i] = (uint32_t)counts[i];
        words[2 * i + 1] = (uint32_t)(counts[i] >> 32);
    }
    erg_status status = erg_bundle_add(bundle, name, halves);
    erg_tensor_free(halves);
    return status;
}

erg_status erg_bundle_counts(const erg_bundle *bundle, const char *name, uint64_t *counts,
                             int64_t n) {
    const erg_tensor *halves = erg_bundle_find(bundle, name);
    if (halves == NULL || halves->dtype != ERG_INT32 ||
        !erg_shape_equal(halves->shape, ERG_SHAPE(n, 2))) {
        return erg_fail(ERG_ERROR_FORMAT, "bundle_counts: the bundle has no %lld counts \"%s\"",
                        (long long)n, name != NULL ? name : "");
    }
    const uint32_t *words = halves->data;
    for (int64_t i = 0; i < n; i++) {
        counts[i] = words[2 * i] | (uint64_t)words[2 * i + 1] << 32;
    }
    return ERG_OK;
}
