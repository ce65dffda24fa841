/* trainer_plot.c: the history as a file and as a picture. */
#include <stdlib.h>
#include <string.h>

#include "trainer.h"

erg_status erg_trainer_write(const erg_trainer *t, const char *path) {
    if (!t || !path)
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer_write: no %s", t ? "path" : "trainer");
    size_t size = 1;
    for (int i = 0; i < t->history.columns; i++)
        size += strlen(t->history.names[i]) + 1;
    char *header = calloc(size, 1), *end = header;
    if (!header)
        return erg_fail(ERG_ERROR_MEMORY, "trainer_write: out of memory");
    for (int i = 0; i < t->history.columns; i++) {
        const char *name = t->history.names[i];
        if (i)
            *end++ = ',';
        memcpy(end, name, strlen(name));
        end += strlen(name);
    }
    erg_status status = erg_csv_write(path, &t->history.view, header);
    free(header);
    return status;
}

/* A column of the history, which the caller frees. */
static erg_tensor *column_of(const erg_trainer *t, int number) {
    const erg_tensor *rows = &t->history.view;
    erg_tensor *values = erg_tensor_new(ERG_FLOAT64, ERG_SHAPE(rows->shape.dims[0]));
    for (int64_t i = 0; values && i < rows->shape.dims[0]; i++)
        erg_tensor_set(values, i, erg_tensor_get(rows, i * t->history.columns + number));
    return values;
}

static erg_status draw(const erg_trainer *t, erg_plot *plot, int number) {
    erg_tensor *steps = column_of(t, COLUMN_STEP), *values = column_of(t, number);
    erg_status status = erg_error_status();
    if (steps && values)
        status = erg_plot_line(plot, steps, values,
                               (erg_mark_options){.label = erg_trainer_column(t, number)});
    erg_tensor_free(steps);
    erg_tensor_free(values);
    return status;
}

erg_status erg_trainer_plot(const erg_trainer *t, const char *const *columns, int n,
                            const char *path) {
    if (!t || !path || n < 1 || !columns)
        return erg_fail(ERG_ERROR_ARGUMENT, "trainer_plot: no %s",
                        !t     ? "trainer"
                        : path ? "columns"
                               : "path");
    for (int i = 0; i < n; i++)
        if (erg_trainer_find_column(t, columns[i]) < 0)
            return erg_fail(ERG_ERROR_ARGUMENT, "trainer_plot: no column \"%s\"",
                            columns[i] ? columns[i] : "");
    erg_plot *plot = erg_plot_new((erg_plot_options){.x_label = "step"});
    erg_status status = plot ? ERG_OK : erg_error_status();
    for (int i = 0; status == ERG_OK && i < n; i++)
        status = draw(t, plot, erg_trainer_find_column(t, columns[i]));
    if (status == ERG_OK)
        status = erg_plot_save(plot, path);
    erg_plot_free(plot);
    return status;
}
