/* png.c: pictures as PNG files (ISO/IEC 15948): a signature, then chunks
 *
 *     length | type | data | CRC-32 of type and data
 *
 * IHDR holds the size, IDAT the compressed pixels, IEND nothing. Before compression every row
 * is replaced by its difference from a prediction out of neighbouring bytes, the row's filter. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "checksum.h"
#include "deflate.h"
#include "tensor.h"
#include "file.h"

#define SIGNATURE "\x89PNG\r\n\x1a\n"
#define SIGNATURE_SIZE 8
#define CHUNK_OVERHEAD 12
#define HEADER_SIZE 13
#define FILTERS 5

/* A chunk's length has 31 bits, and all compressed pixels go into one chunk. */
#define MAX_FILTERED_SIZE ((size_t)1 << 30)

typedef struct picture {
    const uint8_t *pixels;
    size_t width, height, channels;
} picture;

/* ------------------------------------------------------------------------------- filters */

/* Whichever of the three is nearest to left + up - corner; on a tie the first. */
static int paeth(int left, int up, int corner) {
    int estimate = left + up - corner;
    int to_left = abs(estimate - left), to_up = abs(estimate - up);
    int to_corner = abs(estimate - corner);
    if (to_left <= to_up && to_left <= to_corner) {
        return left;
    }
    return to_up <= to_corner ? up : corner;
}

/* Filters 0 to 4: none, sub, up, average, Paeth. */
static int predict(int filter, int left, int up, int corner) {
    switch (filter) {
    case 1:
        return left;
    case 2:
        return up;
    case 3:
        return (left + up) / 2;
    case 4:
        return paeth(left, up, corner);
    }
    return 0;
}

/* Writes row y with one filter, its number first. Neighbours are the same channel of the pixels
 * left, above, and above left; outside the picture they are 0. Returns the sum of the differences
 * as signed bytes, the usual guess at how well the row will compress. */
static uint64_t filter_row(const picture *p, size_t y, int filter, uint8_t *out) {
    size_t size = p->width * p->channels, start = y * size;
    uint64_t sum = 0;
    out[0] = (uint8_t)filter;
    for (size_t i = 0; i < size; i++) {
        const uint8_t *pixel = p->pixels + start + i;
        size_t to_left = i >= p->channels ? p->channels : 0, to_up = y > 0 ? size : 0;
        int left = to_left ? *(pixel - to_left) : 0;
        int up = to_up ? *(pixel - to_up) : 0;
        int corner = to_left && to_up ? *(pixel - to_up - to_left) : 0;
        out[i + 1] = (uint8_t)(*pixel - predict(filter, left, up, corner));
        sum += (uint64_t)abs((int8_t)out[i + 1]);
    }
    return sum;
}

static void filter_picture(const picture *p, uint8_t *out) {
    size_t stride = p->width * p->channels + 1;
    for (size_t y = 0; y < p->height; y++, out += stride) {
        int best = 0;
        uint64_t least = UINT64_MAX;
        for (int filter = 0; filter < FILTERS; filter++) {
            uint64_t sum = filter_row(p, y, filter, out);
            if (sum < least) {
                least = sum;
                best = filter;
            }
        }
        filter_row(p, y, best, out);
    }
}

/* ------------------------------------------------------------------------------- chunks */

static void put_u32(uint8_t *out, uint32_t value) {
    for (int i = 0; i < 4; i++) {
        out[i] = (uint8_t)(value >> (24 - 8 * i));
    }
}

/* Completes a chunk whose data already stand at out + 8, and returns its end. */
static uint8_t *close_chunk(uint8_t *out, const char *type, size_t size) {
    put_u32(out, (uint32_t)size);
    memcpy(out + 4, type, 4);
    put_u32(out + 8 + size, erg_crc32(0, out + 4, 4 + size));
    return out + size + CHUNK_OVERHEAD;
}

static uint8_t *put_header(uint8_t *out, const picture *p) {
    static const uint8_t color_types[] = {[1] = 0, [3] = 2, [4] = 6};
    uint8_t *data = out + 8;
    memset(data, 0, HEADER_SIZE);
    put_u32(data, (uint32_t)p->width);
    put_u32(data + 4, (uint32_t)p->height);
    data[8] = 8; /* bits a channel */
    data[9] = color_types[p->channels];
    return close_chunk(out, "IHDR", HEADER_SIZE);
}

/* Writes the whole file and returns its end, NULL if memory is short. */
static uint8_t *encode(uint8_t *out, const picture *p, const uint8_t *filtered, size_t size) {
    memcpy(out, SIGNATURE, SIGNATURE_SIZE);
    out = put_header(out + SIGNATURE_SIZE, p);
    size_t compressed = erg_zlib_compress(filtered, size, out + 8);
    if (compressed == 0) {
        return NULL;
    }
    out = close_chunk(out, "IDAT", compressed);
    return close_chunk(out, "IEND", 0);
}

/* ------------------------------------------------------------------------------- whole files */

static erg_status write_picture(const char *path, const picture *p, size_t filtered_size) {
    size_t room = SIGNATURE_SIZE + 3 * CHUNK_OVERHEAD + HEADER_SIZE + erg_zlib_bound(filtered_size);
    uint8_t *filtered = malloc(filtered_size);
    uint8_t *file = malloc(room);
    uint8_t *end = NULL;
    if (filtered != NULL && file != NULL) {
        filter_picture(p, filtered);
        end = encode(file, p, filtered, filtered_size);
    }
    free(filtered);
    erg_status status;
    if (end == NULL) {
        status = erg_fail(ERG_ERROR_MEMORY, "png_write: no memory for a picture of %zu x %zu",
                          p->width, p->height);
    } else {
        status = erg_file_replace("png_write", path, &(erg_piece){file, (size_t)(end - file)}, 1);
    }
    free(file);
    return status;
}

erg_status erg_png_write(const char *path, const uint8_t *pixels, int width, int height,
                         int channels) {
    if (pixels == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "png_write: no pixels");
    }
    if (channels != 1 && channels != 3 && channels != 4) {
        return erg_fail(ERG_ERROR_ARGUMENT, "png_write: %d channels, not 1, 3 or 4", channels);
    }
    if (width < 1 || height < 1) {
        return erg_fail(ERG_ERROR_ARGUMENT, "png_write: no pixel in %d x %d", width, height);
    }
    picture p = {pixels, (size_t)width, (size_t)height, (size_t)channels};
    if ((uint64_t)p.width * p.channels + 1 > MAX_FILTERED_SIZE / p.height) {
        return erg_fail(ERG_ERROR_ARGUMENT, "png_write: %d x %d pixels are too many", width,
                        height);
    }
    return write_picture(path, &p, p.height * (p.width * p.channels + 1));
}
