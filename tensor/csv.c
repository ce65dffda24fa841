/* csv.c: comma-separated numbers, one row a line, in and out. Two passes over the text: the first
 * counts rows and fields, so that the tensor is made once and is no larger than the text justifies;
 * the second reads the numbers. */
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tensor.h"
#include "file.h"

/* Longer than any number that is worth reading: no float64 has more than 767 significant digits. */
#define FIELD_SIZE 1024
/* "-2.2250738585072014e-308", a separator and the final 0. */
#define NUMBER_SIZE 26
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

/* strtod and printf take the decimal point from the locale. This sets the plain one for the calling
 * thread, until leave_c_locale. 0 if memory is short. */
typedef struct c_locale {
    locale_t plain, previous;
} c_locale;

static int enter_c_locale(c_locale *c) {
    c->plain = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0);
    if (c->plain == (locale_t)0) {
        return 0;
    }
    c->previous = uselocale(c->plain);
    return 1;
}

static void leave_c_locale(c_locale *c) {
    uselocale(c->previous);
    freelocale(c->plain);
}

/* ------------------------------------------------------------------------------- text in */

typedef struct text {
    const char *start, *end;
} text;

static int is_blank(char c) {
    return c == ' ' || c == '\t';
}

static text trim(text t) {
    while (t.start < t.end && is_blank(t.start[0])) {
        t.start++;
    }
    while (t.start < t.end && is_blank(t.end[-1])) {
        t.end--;
    }
    return t;
}

static const char *find(text t, char c) {
    return memchr(t.start, c, (size_t)(t.end - t.start));
}

/* What is left of the file, and the number of the line last taken from it. */
typedef struct reader {
    text rest;
    int64_t line;
} reader;

/* Takes the next line that is neither empty nor a comment. 0 if there is none. */
static int next_row(reader *r, text *row) {
    while (r->rest.start < r->rest.end) {
        const char *newline = find(r->rest, '\n');
        text line = {r->rest.start, newline != NULL ? newline : r->rest.end};
        r->rest.start = newline != NULL ? newline + 1 : r->rest.end;
        r->line++;
        if (line.start < line.end && line.end[-1] == '\r') {
            line.end--;
        }
        *row = trim(line);
        if (row->start < row->end && *row->start != '#') {
            return 1;
        }
    }
    return 0;
}

/* Takes the next field of a row. 0 if there is none, which row->start = NULL marks, as a row that
 * ends in a comma ends in an empty field. */
static int next_field(text *row, text *field) {
    if (row->start == NULL) {
        return 0;
    }
    const char *comma = find(*row, ',');
    *field = trim((text){row->start, comma != NULL ? comma : row->end});
    row->start = comma != NULL ? comma + 1 : NULL;
    return 1;
}

static int64_t count_fields(text row) {
    int64_t count = 0;
    for (text field; next_field(&row, &field);) {
        count++;
    }
    return count;
}

/* A decimal number, nan, inf or infinity: what strtod reads, but for hexadecimal numbers and the
 * payloads of NaN, whose letters are not among these. */
static int parse_number(text field, double *value) {
    char copy[FIELD_SIZE];
    size_t length = (size_t)(field.end - field.start);
    if (length == 0 || length >= sizeof(copy)) {
        return 0;
    }
    memcpy(copy, field.start, length);
    copy[length] = '\0';
    if (strspn(copy, "+-.0123456789eEnNaAiIfFtTyY") != length) {
        return 0;
    }
    char *end;
    *value = strtod(copy, &end);
    return end == copy + length;
}

/* 0 if every field of the row is a number, else the first field (from 1) that is not. Stores the
 * numbers if values is not NULL. */
static int64_t parse_row(text row, double *values) {
    int64_t number = 1;
    for (text field; next_field(&row, &field); number++) {
        double value;
        if (!parse_number(field, &value)) {
            return number;
        }
        if (values != NULL) {
            values[number - 1] = value;
        }
    }
    return 0;
}

/* Counts the rows and checks that all have as many fields as the first. */
static erg_status measure(reader r, const char *name, int64_t dims[2]) {
    dims[0] = dims[1] = 0;
    for (text row; next_row(&r, &row); dims[0]++) {
        int64_t fields = count_fields(row);
        if (dims[0] == 0) {
            dims[1] = fields;
        } else if (fields != dims[1]) {
            return erg_fail(ERG_ERROR_FORMAT,
                            "csv_read: \"%s\": line %lld: %lld fields, not %lld as before", name,
                            (long long)r.line, (long long)fields, (long long)dims[1]);
        }
    }
    return dims[0] > 0 ? ERG_OK
                       : erg_fail(ERG_ERROR_FORMAT, "csv_read: \"%s\": no row of numbers", name);
}

static erg_status parse_rows(reader r, const char *name, erg_tensor *tensor) {
    double *values = tensor->data;
    for (text row; next_row(&r, &row); values += tensor->shape.dims[1]) {
        int64_t wrong = parse_row(row, values);
        if (wrong != 0) {
            return erg_fail(ERG_ERROR_FORMAT,
                            "csv_read: \"%s\": line %lld: field %lld is not a number", name,
                            (long long)r.line, (long long)wrong);
        }
    }
    return ERG_OK;
}

/* The reader behind the first row if that is a header. */
static reader skip_header(reader r) {
    reader next = r;
    text row;
    return next_row(&next, &row) && parse_row(row, NULL) != 0 ? next : r;
}

static erg_tensor *parse_text(text whole, const char *name) {
    size_t mark = strlen(BYTE_ORDER_MARK);
    if ((size_t)(whole.end - whole.start) >= mark &&
        memcmp(whole.start, BYTE_ORDER_MARK, mark) == 0) {
        whole.start += mark;
    }
    reader body = skip_header((reader){.rest = whole});
    int64_t dims[2];
    if (measure(body, name, dims) != ERG_OK) {
        return NULL;
    }
    erg_tensor *tensor = erg_tensor_new(ERG_FLOAT64, erg_shape_make(2, dims));
    if (tensor != NULL && parse_rows(body, name, tensor) != ERG_OK) {
        erg_tensor_free(tensor);
        tensor = NULL;
    }
    return tensor;
}

erg_tensor *erg_csv_parse(const uint8_t *bytes, size_t size, const char *name) {
    c_locale c;
    if (!enter_c_locale(&c)) {
        erg_fail(ERG_ERROR_MEMORY, "csv_read: no memory for a locale");
        return NULL;
    }
    const char *start = (const char *)bytes;
    erg_tensor *tensor = parse_text((text){start, start + size}, name);
    leave_c_locale(&c);
    return tensor;
}

erg_tensor *erg_csv_read(const char *path) {
    uint8_t *bytes;
    size_t size;
    if (erg_file_read("csv_read", path, &bytes, &size) != ERG_OK) {
        return NULL;
    }
    erg_tensor *tensor = erg_csv_parse(bytes, size, path);
    free(bytes);
    return tensor;
}

/* ------------------------------------------------------------------------------- text out */

/* Prints the fewest digits that read back as the same number. Every decimal of FLT_DIG or DBL_DIG
 * digits survives the way to binary and back, and %g drops zeros at the end, so that starting
 * there misses no shorter one. An int32 is exact as a double. */
static int print_number(char *out, erg_dtype dtype, double value) {
    if (isnan(value)) {
        return snprintf(out, NUMBER_SIZE, "nan");
    }
    int single = dtype == ERG_FLOAT32;
    int digits = single ? FLT_DIG : DBL_DIG, most = single ? FLT_DECIMAL_DIG : DBL_DECIMAL_DIG;
    int length = snprintf(out, NUMBER_SIZE, "%.*g", digits, value);
    double back = strtod(out, NULL);
    while ((single ? (float)back != (float)value : back != value) && digits < most) {
        length = snprintf(out, NUMBER_SIZE, "%.*g", ++digits, value);
        back = strtod(out, NULL);
    }
    return length;
}

/* Returns the end of what was written. */
static char *print_rows(char *out, const erg_tensor *tensor) {
    int64_t columns = tensor->shape.ndim == 2 ? tensor->shape.dims[1] : 1;
    int64_t size = erg_tensor_size(tensor);
    for (int64_t i = 0; i < size; i++) {
        out += print_number(out, tensor->dtype, erg_tensor_get(tensor, i));
        *out++ = (i + 1) % columns == 0 ? '\n' : ',';
    }
    return out;
}

static erg_status check_tensor(const erg_tensor *tensor) {
    char shape[ERG_SHAPE_TEXT];
    if (tensor == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "csv_write: no tensor");
    }
    if (tensor->shape.ndim < 1 || tensor->shape.ndim > 2) {
        return erg_fail(ERG_ERROR_ARGUMENT, "csv_write: shape %s has not 1 or 2 dimensions",
                        erg_shape_text(tensor->shape, shape));
    }
    if (erg_tensor_size(tensor) == 0) {
        return erg_fail(ERG_ERROR_ARGUMENT, "csv_write: a tensor of shape %s has no row to write",
                        erg_shape_text(tensor->shape, shape));
    }
    return ERG_OK;
}

/* A header that would be read as a row of numbers, or as more than one line, is a mistake. */
static erg_status check_header(const char *header) {
    text line = trim((text){header, header + strlen(header)});
    if (strpbrk(header, "\r\n") != NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "csv_write: the header is more than one line");
    }
    if (line.start < line.end && *line.start != '#' && parse_row(line, NULL) == 0) {
        return erg_fail(ERG_ERROR_ARGUMENT, "csv_write: the header \"%s\" is a row of numbers",
                        header);
    }
    return ERG_OK;
}

static erg_status write_table(const char *path, const erg_tensor *tensor, const char *header) {
    size_t header_size = strlen(header);
    size_t count = (size_t)erg_tensor_size(tensor);
    char *bytes = NULL;
    if (count < (SIZE_MAX - header_size - 2) / NUMBER_SIZE) {
        bytes = malloc(header_size + 2 + count * NUMBER_SIZE);
    }
    if (bytes == NULL) {
        return erg_fail(ERG_ERROR_MEMORY, "csv_write: no memory for the text of %zu numbers",
                        count);
    }
    char *end = bytes;
    if (header_size > 0) {
        memcpy(end, header, header_size);
        end += header_size;
        *end++ = '\n';
    }
    end = print_rows(end, tensor);
    erg_status status =
        erg_file_replace("csv_write", path, &(erg_piece){bytes, (size_t)(end - bytes)}, 1);
    free(bytes);
    return status;
}

erg_status erg_csv_write(const char *path, const erg_tensor *tensor, const char *header) {
    erg_status status = check_tensor(tensor);
    if (status != ERG_OK) {
        return status;
    }
    c_locale c;
    if (!enter_c_locale(&c)) {
        return erg_fail(ERG_ERROR_MEMORY, "csv_write: no memory for a locale");
    }
    header = header != NULL ? header : "";
    status = check_header(header);
    if (status == ERG_OK) {
        status = write_table(path, tensor, header);
    }
    leave_c_locale(&c);
    return status;
}
