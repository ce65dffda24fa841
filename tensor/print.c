/* print.c: tensors as text, in NumPy's manner.
 *
 * Every float is first reduced to its shortest decimal digits, |x| = d.ddd * 10^exponent: as few
 * as still read back as x, and no more than 8. One notation then serves the whole array, so that
 * its columns line up: fixed, or scientific if the numbers are too large, too small or too far
 * apart. Placing the digits here, not by printf, makes the text the same in every locale.
 *
 * The shown elements are walked three times: for their range, for their widths, and to print. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensor.h"

#define MAX_DIGITS 8
#define LINE_WIDTH 75
#define EDGE_ITEMS 3
#define SUMMARY_THRESHOLD 1000
#define WORD_SIZE 64 /* more than any number takes in either notation */

/* The common form of all shown elements. */
typedef struct layout {
    double smallest, largest; /* absolute values, of those finite and not 0 */
    int scientific;
    int integer_width;  /* characters before the point, the sign included */
    int fraction_width; /* digits after the point */
    int exponent_width; /* digits of the exponent */
    int word_width;     /* of the longest word */
} layout;

typedef struct printer printer;
struct printer {
    const erg_tensor *tensor;
    layout form;
    void (*visit)(printer *p, double value);
    FILE *out;  /* NULL while measuring */
    int column; /* characters in this line so far */
    int blanks; /* held back until something follows them: no line ends in blanks */
};

/* ------------------------------------------------------------------------------- numbers */

typedef struct decimal {
    int digits[MAX_DIGITS]; /* most significant first, no trailing zeros */
    int count;
    int exponent; /* of the first digit */
} decimal;

static decimal parse_decimal(const char *text) {
    decimal d = {.count = 0};
    for (; *text != 'e'; text++) { /* what is no digit is the locale's decimal point */
        if (isdigit((unsigned char)*text)) {
            d.digits[d.count++] = *text - '0';
        }
    }
    while (d.count > 1 && d.digits[d.count - 1] == 0) {
        d.count--;
    }
    d.exponent = (int)strtol(text + 1, NULL, 10);
    return d;
}

/* The shortest decimal of the absolute value of a finite number. */
static decimal shortest_decimal(double value, erg_dtype dtype) {
    double size = fabs(value);
    char text[WORD_SIZE];
    for (int digits = 1; digits <= MAX_DIGITS; digits++) {
        snprintf(text, sizeof(text), "%.*e", digits - 1, size);
        double back = dtype == ERG_FLOAT32 ? (double)strtof(text, NULL) : strtod(text, NULL);
        if (back == size) {
            break;
        }
    }
    return parse_decimal(text);
}

/* The digit that counts units of 10^place. */
static char digit_at(const decimal *d, int place) {
    int index = d->exponent - place;
    return (char)('0' + (index >= 0 && index < d->count ? d->digits[index] : 0));
}

/* "12.5  ": the fraction is padded with blanks. */
static void write_fixed(char *text, const layout *form, const decimal *d) {
    int length = 0;
    for (int place = d->exponent > 0 ? d->exponent : 0; place >= 0; place--) {
        text[length++] = digit_at(d, place);
    }
    text[length++] = '.';
    for (int place = -1; place >= -form->fraction_width; place--) {
        text[length++] = d->exponent - place < d->count ? digit_at(d, place) : ' ';
    }
    text[length] = '\0';
}

/* "1.2500e+01": the fraction is padded with zeros. */
static void write_scientific(char *text, const layout *form, const decimal *d) {
    int length = 0;
    text[length++] = digit_at(d, d->exponent);
    text[length++] = '.';
    for (int i = 1; i <= form->fraction_width; i++) {
        text[length++] = digit_at(d, d->exponent - i);
    }
    snprintf(text + length, WORD_SIZE / 2, "e%c%0*d", d->exponent < 0 ? '-' : '+',
             form->exponent_width, abs(d->exponent));
}

/* ------------------------------------------------------------------------------- measuring */

static void widen(int *width, int needed) {
    if (*width < needed) {
        *width = needed;
    }
}

static const char *special_name(double value) {
    return isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
}

static void measure_range(printer *p, double value) {
    double size = fabs(value);
    if (isfinite(value) && size > 0) {
        p->form.smallest = fmin(p->form.smallest, size);
        p->form.largest = fmax(p->form.largest, size);
    }
}

static void choose_notation(layout *form) {
    form->scientific =
        form->largest >= 1e8 || form->smallest < 1e-4 || form->largest > 1000 * form->smallest;
}

static void measure_float(printer *p, double value) {
    layout *form = &p->form;
    if (!isfinite(value)) {
        widen(&form->word_width, (int)strlen(special_name(value)));
        return;
    }
    decimal d = shortest_decimal(value, p->tensor->dtype);
    int sign = signbit(value) != 0;
    if (form->scientific) {
        widen(&form->integer_width, sign + 1);
        widen(&form->fraction_width, d.count - 1);
        widen(&form->exponent_width, abs(d.exponent) < 100 ? 2 : 3);
    } else {
        widen(&form->integer_width, sign + 1 + (d.exponent > 0 ? d.exponent : 0));
        widen(&form->fraction_width, d.count - 1 - d.exponent);
    }
    int exponent = form->scientific ? 2 + form->exponent_width : 0;
    widen(&form->word_width, form->integer_width + 1 + form->fraction_width + exponent);
}

static void measure_integer(printer *p, double value) {
    widen(&p->form.word_width, snprintf(NULL, 0, "%.0f", value));
}

/* ------------------------------------------------------------------------------- printing */

static void emit(printer *p, const char *text) {
    if (p->out == NULL) {
        return;
    }
    int length = (int)strlen(text);
    int trailing = 0;
    while (trailing < length && text[length - 1 - trailing] == ' ') {
        trailing++;
    }
    fprintf(p->out, "%*s%.*s", p->blanks, "", length - trailing, text);
    p->column += p->blanks + length - trailing;
    p->blanks = trailing;
}

static void break_line(printer *p, int lines, int indent) {
    for (int i = 0; i < lines; i++) {
        p->blanks = 0;
        emit(p, "\n");
    }
    p->column = 0;
    p->blanks = indent;
}

/* Emits an item of the innermost dimension, on a new line if this one is full. */
static void emit_word(printer *p, const char *word) {
    int indent = p->tensor->shape.ndim;
    int width = (int)strlen(word);
    if (p->column > indent && p->column + p->blanks + width > LINE_WIDTH - indent) {
        break_line(p, 1, indent);
    }
    emit(p, word);
}

static void print_float(printer *p, double value) {
    char text[WORD_SIZE] = "-";
    char word[WORD_SIZE];
    if (isfinite(value)) {
        decimal d = shortest_decimal(value, p->tensor->dtype);
        char *number = text + (signbit(value) != 0);
        (p->form.scientific ? write_scientific : write_fixed)(number, &p->form, &d);
    } else {
        strcpy(text, special_name(value));
    }
    snprintf(word, sizeof(word), "%*s", p->form.word_width, text);
    emit_word(p, word);
}

static void print_integer(printer *p, double value) {
    char word[WORD_SIZE];
    snprintf(word, sizeof(word), "%*.0f", p->form.word_width, value);
    emit_word(p, word);
}

/* ------------------------------------------------------------------------------- the walk */

static void separate(printer *p, int axis) {
    int inner = p->tensor->shape.ndim - 1 - axis;
    if (inner == 0) {
        p->blanks++;
    } else {
        break_line(p, inner, axis + 1);
    }
}

/* Visits what is shown of the part whose first `axis` coordinates have the flat index `part`. */
static void walk(printer *p, int axis, int64_t part) {
    const erg_shape *shape = &p->tensor->shape;
    if (axis == shape->ndim) {
        p->visit(p, erg_tensor_get(p->tensor, part));
        return;
    }
    int64_t dim = shape->dims[axis];
    int summarise = erg_tensor_size(p->tensor) > SUMMARY_THRESHOLD && dim > 2 * EDGE_ITEMS;
    emit(p, "[");
    for (int64_t i = 0; i < dim; i++) {
        if (i > 0) {
            separate(p, axis);
        }
        if (summarise && i == EDGE_ITEMS) {
            emit_word(p, "...");
            separate(p, axis);
            i = dim - EDGE_ITEMS;
        }
        walk(p, axis + 1, part * dim + i);
    }
    emit(p, "]");
}

static void walk_with(printer *p, FILE *out, void (*visit)(printer *p, double value)) {
    p->out = out;
    p->visit = visit;
    p->column = 0;
    p->blanks = 0;
    walk(p, 0, 0);
}

erg_status erg_tensor_print(const erg_tensor *tensor, FILE *out) {
    if (tensor == NULL || out == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "tensor_print: no %s",
                        tensor == NULL ? "tensor" : "stream");
    }
    printer p = {.tensor = tensor, .form = {.smallest = INFINITY}};
    if (erg_tensor_size(tensor) == 0) {
        fputs("[]", out);
    } else if (tensor->dtype == ERG_INT32) {
        walk_with(&p, NULL, measure_integer);
        walk_with(&p, out, print_integer);
    } else {
        walk_with(&p, NULL, measure_range);
        choose_notation(&p.form);
        walk_with(&p, NULL, measure_float);
        walk_with(&p, out, print_float);
    }
    if (fputc('\n', out) == EOF || ferror(out)) {
        return erg_fail(ERG_ERROR_IO, "tensor_print: cannot write to the stream");
    }
    return ERG_OK;
}
