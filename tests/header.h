/* header.h: the functions that a public header exports, for tests that want a row for each. */
#ifndef ERG_TESTS_HEADER_H
#define ERG_TESTS_HEADER_H

#include <check.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The text of a file below the top of the source tree; the caller frees it. */
static inline char *read_source(const char *name) {
    enum { ROOM = 1 << 18 };
    const char *top = getenv("srcdir");
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", top ? top : ".", name);
    FILE *file = fopen(path, "r");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    char *text = calloc(1, ROOM);
    size_t size = fread(text, 1, ROOM - 1, file);
    ck_assert(size > 0 && size < ROOM - 1);
    fclose(file);
    return text;
}

/* Calls `visit` for each function that the header marks with ERG_API, with its name after erg_ and its
 * parameters as text. Returns how many there are. */
static inline int each_function(const char *header,
                                void (*visit)(const char *name, const char *parameters)) {
    char *text = read_source(header), *rest = text;
    int functions = 0;
    while ((rest = strstr(rest, "\nERG_API ")) != NULL) {
        char *open = strchr(rest, '('), *close = open ? strchr(open, ')') : NULL;
        ck_assert_ptr_nonnull(close);
        char *name = open;
        while (isalnum((unsigned char)name[-1]) || name[-1] == '_')
            name--;
        ck_assert(strncmp(name, "erg_", 4) == 0);
        *open = *close = '\0';
        visit(name + 4, open + 1);
        functions++;
        rest = close + 1;
    }
    free(text);
    return functions;
}

#endif
