/* program.h: what the example programs share and no library should do: reading a command line,
 * folders and interrupts, and writing a page of HTML. Copy it with the program that you start from.
 *
 *     program_options.c   the command line, read by a table
 *     program_files.c     folders, paths, the clock, Ctrl-C
 *     program_page.c      a page with paragraphs, tables and pictures */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <erg.h>

/* Exit statuses: something failed; the command line has a mistake. */
enum { PROGRAM_FAILED = 1, PROGRAM_USAGE = 2 };

/* ------------------------------------------------------------------------------- command line */

/* What the value of an option is, and the type of the field that it is stored in. */
typedef enum program_kind {
    PROGRAM_TEXT,   /* const char *: not empty */
    PROGRAM_CHOICE, /* const ENTRY *: the name of an entry of a table */
    PROGRAM_WHOLE,  /* int64_t: 0, 1, 2, ... from low to high */
    PROGRAM_REAL,   /* double: from low to high */
    PROGRAM_SEED,   /* uint64_t: any */
} program_kind;

/* Entries are structs that begin with `const char *name, *help`; the last has the name NULL. */
typedef struct program_choices {
    const char *heading;              /* of their list in --help: "losses" */
    const void *entries;              /* an array, whose elements have */
    size_t size;                      /* this size */
    void (*print)(const void *entry); /* what --help says of one besides; may be NULL */
} program_choices;

/* The entry of that name, or NULL. */
const void *program_entry(const program_choices *choices, const char *name);

/* One row of the table. Fields left out are zero. */
typedef struct program_option {
    const char *name, *value, *help; /* "--steps", "N", "training steps"; help may have lines */
    program_kind kind;
    size_t offset;                     /* of the field, by offsetof */
    double low, high;                  /* of numbers, both allowed */
    const program_choices *choices;    /* of a PROGRAM_CHOICE */
    bool (*accepts)(const char *text); /* of a PROGRAM_TEXT; NULL: any text */
    const char *wanted;                /* what it accepts, for the message; NULL: "a name" */
} program_option;

typedef struct program {
    const char *name, *purpose;
    const program_option *options; /* the last has the name NULL */
    /* Sets those defaults that depend on other options; may be NULL. It sees the values as they are
     * on the command line; what is given there is kept, whatever it sets. */
    void (*set_defaults)(void *values);
} program;

/* Reads `--name value` pairs into *values, a struct that holds the defaults. A number that is left
 * out of its range, such as 0 threads, says that the option was not given. Returns false if the
 * program is to end with *exit_status: after --help, which shows the values that are in force, or
 * after one line on stderr about a mistake. */
bool program_read(const program *program, int argc, char **argv, void *values, int *exit_status);

/* One line on stderr about a mistake that the table cannot see; returns PROGRAM_USAGE. */
int program_refuse(const program *program, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The exit status of a program whose work ended with `status`; a failure gets a line on stderr. */
int program_end(const program *program, erg_status status);

/* ------------------------------------------------------------------------------- files, time */

/* Makes the folder and those above it, as far as they are missing. Fails if it cannot be written
 * into. */
erg_status make_folder(const char *path);

typedef char path_text[4096];
/* path = "folder/name"; fails if that is too long. */
erg_status join_path(path_text path, const char *folder, const char *name);

/* Of a clock that only goes forward; and of processors, all threads together, spent so far. */
double seconds_now(void);
double processor_seconds(void);

/* Set by the first Ctrl-C (or SIGTERM) after catch_interrupts; a second ends the program. */
extern volatile sig_atomic_t interrupted;
void catch_interrupts(void);

/* ------------------------------------------------------------------------------- a page */

/* A page of HTML that needs nothing but the pictures beside it. What is written goes below what is
 * there; neighbouring facts, rows and figures come together in one table or block. Texts are
 * escaped: no character in them means anything to HTML. */
typedef struct page {
    FILE *file;
    const char *path;
    int block; /* which kind is open */
} page;

/* The title, and the command that made the page. The page is closed by page_close alone. */
erg_status page_open(page *page, const char *path, const char *title, int argc, char **argv);
/* Fails if anything could not be written. */
erg_status page_close(page *page);

void page_heading(page *page, const char *text);
void page_paragraph(page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A row "head: value" of a table of two columns. */
void page_fact(page *page, const char *head, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A table with these heads, n of them; then each row, cell by cell. */
void page_table(page *page, const char *const *heads, int n);
void page_row(page *page);
void page_cell(page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A picture that stands beside the page, with a caption. */
void page_figure(page *page, const char *file, const char *caption);
/* A link to a file beside the page, and what it holds. */
void page_link(page *page, const char *file, const char *text);

#endif
