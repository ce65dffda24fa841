/* program_options.c: a command line of `--name value` pairs, read by a table. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "program.h"

/* Whatever the type of an entry, it begins with this. */
typedef struct entry_head {
    const char *name, *help;
} entry_head;

static const entry_head *entry_at(const program_choices *choices, int i) {
    return (const entry_head *)(const void *)((const char *)choices->entries +
                                              (size_t)i * choices->size);
}

const void *program_entry(const program_choices *choices, const char *name) {
    for (int i = 0; entry_at(choices, i)->name; i++)
        if (strcmp(entry_at(choices, i)->name, name) == 0)
            return entry_at(choices, i);
    return NULL;
}

/* ------------------------------------------------------------------------------- values */

/* Digits alone: strtoumax would take spaces and signs. */
static bool parse_whole(const char *text, uint64_t *value) {
    char *end;
    errno = 0;
    *value = strtoumax(text, &end, 10);
    return isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0;
}

static bool parse_real(const char *text, double *value) {
    char *end;
    *value = strtod(text, &end);
    return !isspace((unsigned char)text[0]) && end != text && *end == '\0' && isfinite(*value);
}

static bool in_range(const program_option *option, double value) {
    return value >= option->low && value <= option->high;
}

/* Sets the option's field; false, and nothing stored, if the text is none of its values. */
static bool store(const program_option *option, const char *text, void *values) {
    void *field = (char *)values + option->offset;
    uint64_t whole = 0;
    double real = 0;
    const void *entry;
    bool good = false;
    switch (option->kind) {
    case PROGRAM_TEXT:
        good = text[0] != '\0' && (!option->accepts || option->accepts(text));
        if (good)
            *(const char **)field = text;
        break;
    case PROGRAM_CHOICE:
        entry = program_entry(option->choices, text);
        good = entry != NULL;
        if (good)
            memcpy(field, &entry, sizeof entry);
        break;
    case PROGRAM_WHOLE:
        good = parse_whole(text, &whole) && in_range(option, (double)whole);
        if (good)
            *(int64_t *)field = (int64_t)whole;
        break;
    case PROGRAM_REAL:
        good = parse_real(text, &real) && in_range(option, real);
        if (good)
            *(double *)field = real;
        break;
    case PROGRAM_SEED:
        good = parse_whole(text, &whole);
        if (good)
            *(uint64_t *)field = whole;
        break;
    }
    return good;
}

/* ------------------------------------------------------------------------------- help */

static const entry_head *chosen_entry(const void *field) {
    const entry_head *entry;
    memcpy(&entry, field, sizeof entry);
    return entry;
}

/* The value in force; nothing if it is one that could not have been given. */
static void print_value(const program_option *option, const void *values) {
    const void *field = (const char *)values + option->offset;
    const char *text = option->kind == PROGRAM_TEXT ? *(const char *const *)field : NULL;
    if (option->kind == PROGRAM_CHOICE && chosen_entry(field))
        text = chosen_entry(field)->name;
    if (text)
        printf(" (%s)", text);
    else if (option->kind == PROGRAM_SEED)
        printf(" (%" PRIu64 ")", *(const uint64_t *)field);
    else if (option->kind == PROGRAM_WHOLE && in_range(option, (double)*(const int64_t *)field))
        printf(" (%" PRId64 ")", *(const int64_t *)field);
    else if (option->kind == PROGRAM_REAL && in_range(option, *(const double *)field))
        printf(" (%g)", *(const double *)field);
}

static void print_choices(const program_choices *choices) {
    int width = 0;
    for (int i = 0; entry_at(choices, i)->name; i++)
        width = (int)fmax(width, (double)strlen(entry_at(choices, i)->name));
    printf("\n%s\n", choices->heading);
    for (int i = 0; entry_at(choices, i)->name; i++) {
        printf("  %-*s  %s", width, entry_at(choices, i)->name, entry_at(choices, i)->help);
        if (choices->print)
            choices->print(entry_at(choices, i));
        putchar('\n');
    }
}

static void print_help(const program *program, const void *values) {
    printf("%s: %s\n\nusage: %s [OPTION VALUE]...\n\n", program->name, program->purpose,
           program->name);
    int width = (int)strlen("--help");
    for (const program_option *o = program->options; o->name; o++)
        width = (int)fmax(width, (double)strlen(o->name));
    for (const program_option *o = program->options; o->name; o++) {
        const char *line = o->help, *end;
        printf("  %-*s %-5s ", width, o->name, o->value);
        for (; (end = strchr(line, '\n')); line = end + 1)
            printf("%.*s\n%*s", (int)(end - line), line, width + 9, "");
        fputs(line, stdout);
        print_value(o, values);
        putchar('\n');
    }
    printf("  %-*s %-5s this text\n", width, "--help", "");
    for (const program_option *o = program->options; o->name; o++)
        if (o->kind == PROGRAM_CHOICE)
            print_choices(o->choices);
}

/* ------------------------------------------------------------------------------- mistakes */

int program_refuse(const program *program, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program->name);
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "; see %s --help\n", program->name);
    va_end(arguments);
    return PROGRAM_USAGE;
}

static void describe_wanted(const program_option *option, char *out, size_t size) {
    int length = snprintf(out, size, "a name");
    if (option->kind == PROGRAM_TEXT && option->wanted)
        snprintf(out, size, "%s", option->wanted);
    if (option->kind == PROGRAM_WHOLE || option->kind == PROGRAM_REAL)
        snprintf(out, size, "a %s from %.10g to %.10g",
                 option->kind == PROGRAM_WHOLE ? "whole number" : "number", option->low,
                 option->high);
    if (option->kind == PROGRAM_SEED)
        snprintf(out, size, "a whole number from 0 to %" PRIu64, UINT64_MAX);
    if (option->kind != PROGRAM_CHOICE)
        return;
    length = snprintf(out, size, "one of");
    for (int i = 0; entry_at(option->choices, i)->name && (size_t)length < size; i++)
        length += snprintf(out + length, size - (size_t)length, "%s %s", i ? "," : "",
                           entry_at(option->choices, i)->name);
}

static int refuse_value(const program *program, const program_option *option, const char *text) {
    char wanted[1024];
    describe_wanted(option, wanted, sizeof wanted);
    return program_refuse(program, "%s needs %s, not \"%s\"", option->name, wanted, text);
}

int program_end(const program *program, erg_status status) {
    if (status == ERG_OK)
        return EXIT_SUCCESS;
    fprintf(stderr, "%s: %s\n", program->name, erg_error_message());
    return PROGRAM_FAILED;
}

/* ------------------------------------------------------------------------------- command line */

static const program_option *find_option(const program *program, const char *name) {
    for (const program_option *o = program->options; o->name; o++)
        if (strcmp(o->name, name) == 0)
            return o;
    return NULL;
}

/* Stores what is given, up to the first mistake or --help, which sets *help. Returns the exit
 * status. */
static int read_pairs(const program *program, int argc, char **argv, void *values, bool *help) {
    for (int i = 1; i < argc; i += 2) {
        if ((*help = strcmp(argv[i], "--help") == 0))
            return EXIT_SUCCESS;
        const program_option *option = find_option(program, argv[i]);
        if (!option)
            return program_refuse(program, "there is no option \"%s\"", argv[i]);
        if (i + 1 == argc)
            return program_refuse(program, "%s needs a value", argv[i]);
        if (!store(option, argv[i + 1], values))
            return refuse_value(program, option, argv[i + 1]);
    }
    return EXIT_SUCCESS;
}

/* The pairs are read again after the defaults that depend on them: those given have the last word. */
bool program_read(const program *program, int argc, char **argv, void *values, int *exit_status) {
    bool help = false;
    *exit_status = read_pairs(program, argc, argv, values, &help);
    if (*exit_status == EXIT_SUCCESS && program->set_defaults) {
        program->set_defaults(values);
        read_pairs(program, argc, argv, values, &help);
    }
    if (help)
        print_help(program, values);
    return *exit_status == EXIT_SUCCESS && !help;
}
