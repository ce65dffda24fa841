/* bundle.h: how a bundle holds what it holds, for those who make files of it. Internal. */
#ifndef ERG_TENSOR_BUNDLE_H
#define ERG_TENSOR_BUNDLE_H

#include "tensor.h"

/* Values by name: an array in the order they were added, and a hash table of places in it. */
typedef struct erg_entry {
    char *name;
    void *value;
} erg_entry;

typedef struct erg_table {
    erg_entry *entries;
    int count, capacity;
    int *slots; /* twice the capacity: number of an entry counted from 1, or 0 */
} erg_table;

struct erg_bundle {
    erg_table tensors; /* erg_tensor * */
    erg_table texts;   /* char * */
    int verified;      /* the checksum of the file it is from was right */
};

/* The value of this name, or NULL. */
void *erg_table_find(const erg_table *table, const char *name);

/* Adds a tensor, which belongs to the bundle from now on, or is freed if memory is short; NULL is
 * a failure already reported. The name is new and UTF-8. */
erg_status erg_bundle_own(erg_bundle *bundle, const char *name, erg_tensor *tensor);

/* A table's entries in the order that qsort makes of pointers to them; NULL (with a message) if
 * memory is short. The caller frees the array. */
const erg_entry **erg_table_sorted(const erg_table *table,
                                   int (*compare)(const void *, const void *));

#endif
