/* scan.h: what the readers of files share: a text read from left to right, and how a mistake in a
 * file is told. Internal. */
#ifndef ERG_TENSOR_SCAN_H
#define ERG_TENSOR_SCAN_H

#include "tensor.h"

/* What is left of a text. Parsers move it; those that can fail return NULL if all is well, else
 * what is wrong. */
typedef struct erg_cursor {
    const char *at, *end;
} erg_cursor;

/* Skips what Python and JSON call white space. */
void erg_skip_space(erg_cursor *c);
/* Skips space and this word, if it is next; 1 if it was. */
int erg_accept(erg_cursor *c, const char *word);
/* Skips space and a decimal number that fits int64_t, without leading zeros; 1 if it was one. */
int erg_accept_size(erg_cursor *c, int64_t *size);

/* A JSON string (RFC 8259) after space, as UTF-8 that the caller frees. One that holds the
 * character 0 is refused. */
const char *erg_scan_string(erg_cursor *c, char **text);
/* Writes the text as a JSON string with no more escapes than needed, at most 6 bytes for each of
 * its own and 2 quotes, without a final 0. Returns the end. */
char *erg_print_string(char *out, const char *text);
/* 1 if these bytes are UTF-8 (RFC 3629). */
int erg_is_utf8(const char *text, size_t size);

/* "no memory", as the parsers' problem: told apart from a file's mistakes by its address. */
extern const char erg_no_memory[];

/* Where a reader is, for its messages. */
typedef struct erg_place {
    const char *operation; /* "npz_read" */
    const char *file;
    const char *tensor; /* NULL: not in any */
} erg_place;

/* Records "operation: "file": tensor "name": problem" and returns ERG_ERROR_FORMAT, or
 * ERG_ERROR_MEMORY for erg_no_memory. */
erg_status erg_fail_at(const erg_place *place, const char *problem);

#endif
