/* inpaint_baselines.c: repairs that know nothing of digits, to compare with. */
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "inpaint.h"

static bool is_inside(int64_t row, int64_t column, image_size size) {
    return row >= 0 && row < size.height && column >= 0 && column < size.width;
}

void blur_image(float *out, const float *in, image_size size, double width) {
    enum { REACH = 3 };
    double weights[2 * REACH + 1];
    for (int i = -REACH; i <= REACH; i++)
        weights[i + REACH] = exp(-0.5 * i * i / (width * width));
    for (int64_t p = 0; p < size.height * size.width; p++) {
        double sum = 0, all = 0;
        for (int64_t i = -REACH; i <= REACH; i++)
            for (int64_t k = -REACH; k <= REACH; k++) {
                int64_t row = p / size.width + i, column = p % size.width + k;
                if (!is_inside(row, column, size))
                    continue;
                double weight = weights[i + REACH] * weights[k + REACH];
                sum += weight * in[row * size.width + column];
                all += weight;
            }
        out[p] = (float)(sum / all);
    }
}

/* The mean of a pixel's neighbours. */
static float mean_around(const float *image, int64_t p, image_size size) {
    static const int moves[4][2] = {{-1, 0}, {1, 0}, {0, -1}, {0, 1}};
    float sum = 0, all = 0;
    for (int m = 0; m < 4; m++) {
        int64_t row = p / size.width + moves[m][0], column = p % size.width + moves[m][1];
        if (!is_inside(row, column, size))
            continue;
        sum += image[row * size.width + column];
        all += 1;
    }
    return sum / all;
}

/* By relaxation (Gauss and Seidel), which for holes of a few pixels is soon done. */
void smooth_holes(float *out, const float *in, const float *missing, image_size size) {
    enum { SWEEPS = 200 };
    int64_t pixels = size.height * size.width;
    memcpy(out, in, (size_t)pixels * sizeof *out);
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (int64_t p = 0; p < pixels; p++)
            if (missing[p] != 0)
                out[p] = mean_around(out, p, size);
}

float *mean_image(const erg_tensor *images) {
    int64_t n = images->shape.dims[0], pixels = erg_tensor_size(images) / n;
    const float *data = images->data;
    float *mean = calloc((size_t)pixels, sizeof *mean);
    for (int64_t p = 0; mean && p < pixels; p++) {
        double sum = 0;
        for (int64_t i = 0; i < n; i++)
            sum += data[i * pixels + p];
        mean[p] = (float)(sum / (double)n);
    }
    return mean;
}
