/* decode_png.h: a reader of the PNG files that the library writes, made from the standards (ISO/IEC
 * 15948, RFC 1950, RFC 1951) and not from the writer. It knows 8 bits a channel, no interlacing,
 * and the fixed Huffman code; everything it checks, it checks with Check. */
#ifndef ERG_TESTS_DECODE_PNG_H
#define ERG_TESTS_DECODE_PNG_H

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Check's own assertions tell the runner each time they hold: too slow for every byte. */
#define PNG_MUST(condition)                                                                        \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("not so: %s", #condition);                                                \
    } while (0)

typedef struct decoded_png {
    int width, height, channels;
    size_t file_size;
    uint8_t *pixels; /* row by row; the caller frees them */
} decoded_png;

static uint32_t png_u32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* The CRC-32 of Annex D, by table. */
static uint32_t png_crc(const uint8_t *bytes, size_t size) {
    uint32_t table[256], crc = 0xffffffffu;
    for (uint32_t n = 0; n < 256; n++) {
        table[n] = n;
        for (int k = 0; k < 8; k++) {
            table[n] = table[n] & 1 ? 0xedb88320u ^ table[n] >> 1 : table[n] >> 1;
        }
    }
    for (size_t i = 0; i < size; i++) {
        crc = table[(crc ^ bytes[i]) & 0xff] ^ crc >> 8;
    }
    return crc ^ 0xffffffffu;
}

/* ------------------------------------------------------------------------------- inflate */

typedef struct bit_reader {
    const uint8_t *bytes;
    size_t bits, at;
} bit_reader;

static unsigned png_bits(bit_reader *r, int count) {
    unsigned value = 0;
    for (int i = 0; i < count; i++, r->at++) {
        PNG_MUST(r->at < r->bits);
        value |= (unsigned)(r->bytes[r->at / 8] >> r->at % 8 & 1) << i;
    }
    return value;
}

static unsigned png_code(bit_reader *r, unsigned code, int count) {
    while (count-- > 0) {
        code = code << 1 | png_bits(r, 1);
    }
    return code;
}

/* The table of RFC 1951, 3.2.6. */
static unsigned png_symbol(bit_reader *r) {
    unsigned code = png_code(r, 0, 7);
    if (code <= 0x17) {
        return code + 256;
    }
    code = png_code(r, code, 1);
    if (code >= 0x30 && code <= 0xbf) {
        return code - 0x30;
    }
    if (code >= 0xc0 && code <= 0xc7) {
        return code - 0xc0 + 280;
    }
    return png_code(r, code, 1) - 0x190 + 144;
}

static size_t png_copy(bit_reader *r, unsigned symbol, uint8_t *out, size_t done, size_t size) {
    static const uint16_t lengths[29] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                         15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                         67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t length_bits[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                            2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    static const uint16_t distances[30] = {
        1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
        193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    static const uint8_t distance_bits[30] = {0, 0, 0, 0, 1, 1, 2, 2,  3,  3,  4,  4,  5,  5,  6,
                                              6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
    PNG_MUST(symbol <= 285);
    size_t length = lengths[symbol - 257] + png_bits(r, length_bits[symbol - 257]);
    unsigned code = png_code(r, 0, 5);
    PNG_MUST(code < 30);
    size_t distance = distances[code] + png_bits(r, distance_bits[code]);
    PNG_MUST(distance <= done);
    PNG_MUST(length <= size - done);
    for (size_t i = done; i < done + length; i++) {
        out[i] = out[i - distance];
    }
    return done + length;
}

/* Decodes a zlib stream of one block that must yield exactly size bytes. */
static void png_inflate(const uint8_t *bytes, size_t count, uint8_t *out, size_t size) {
    PNG_MUST(count >= 6);
    PNG_MUST((bytes[0] & 0x0f) == 8);
    PNG_MUST((bytes[0] >> 4) <= 7);
    PNG_MUST((bytes[0] * 256u + bytes[1]) % 31 == 0);
    bit_reader r = {bytes, 8 * (count - 4), 16};
    PNG_MUST(png_bits(&r, 1) == 1); /* the last block */
    PNG_MUST(png_bits(&r, 2) == 1); /* fixed code */
    size_t done = 0;
    for (unsigned symbol; (symbol = png_symbol(&r)) != 256;) {
        if (symbol > 256) {
            done = png_copy(&r, symbol, out, done, size);
        } else {
            PNG_MUST(done < size);
            out[done++] = (uint8_t)symbol;
        }
    }
    PNG_MUST(done == size);
    PNG_MUST((r.at + 7) / 8 == count - 4);
    uint64_t a = 1, b = 0;
    for (size_t i = 0; i < size; i++) {
        a = (a + out[i]) % 65521;
        b = (b + a) % 65521;
    }
    PNG_MUST(png_u32(bytes + count - 4) == (b << 16 | a));
}

/* ------------------------------------------------------------------------------- the picture */

/* Undoes a filter: the prediction from a (left), b (above) and c (above left). */
static int png_prediction(int filter, int a, int b, int c) {
    int pa = abs(b - c), pb = abs(a - c), pc = abs(a + b - 2 * c);
    switch (filter) {
    case 0:
        return 0;
    case 1:
        return a;
    case 2:
        return b;
    case 3:
        return (a + b) >> 1;
    default:
        PNG_MUST(filter == 4);
        return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
    }
}

static void png_unfilter(const uint8_t *filtered, const decoded_png *png) {
    int stride = png->width * png->channels;
    for (int y = 0; y < png->height; y++) {
        int filter = *filtered++;
        uint8_t *row = png->pixels + (size_t)y * (size_t)stride;
        for (int i = 0; i < stride; i++) {
            int a = i >= png->channels ? row[i - png->channels] : 0;
            int b = y > 0 ? row[i - stride] : 0;
            int c = i >= png->channels && y > 0 ? row[i - png->channels - stride] : 0;
            row[i] = (uint8_t)(*filtered++ + png_prediction(filter, a, b, c));
        }
    }
}

/* The chunk at *at, which must be of this type and whole; moves *at behind it. */
static const uint8_t *png_chunk(const uint8_t *bytes, size_t size, size_t *at, const char *type,
                                size_t *length) {
    PNG_MUST(size - *at >= 12);
    const uint8_t *chunk = bytes + *at;
    *length = png_u32(chunk);
    PNG_MUST(*length <= size - *at - 12);
    ck_assert_mem_eq(chunk + 4, type, 4);
    PNG_MUST(png_u32(chunk + 8 + *length) == png_crc(chunk + 4, *length + 4));
    *at += *length + 12;
    return chunk + 8;
}

static decoded_png decode_png(const uint8_t *bytes, size_t size) {
    static const int channels[7] = {[0] = 1, [2] = 3, [6] = 4};
    size_t at = 8, length;
    PNG_MUST(size >= at);
    ck_assert_mem_eq(bytes, "\x89PNG\r\n\x1a\n", at);
    const uint8_t *header = png_chunk(bytes, size, &at, "IHDR", &length);
    PNG_MUST(length == 13);
    PNG_MUST(header[8] == 8); /* bits a channel */
    PNG_MUST(header[9] <= 6);
    ck_assert_mem_eq(header + 10, "\0\0\0", 3);
    decoded_png png = {.width = (int)png_u32(header),
                       .height = (int)png_u32(header + 4),
                       .channels = channels[header[9]],
                       .file_size = size};
    PNG_MUST(png.channels > 0);
    size_t row = (size_t)png.width * (size_t)png.channels;
    uint8_t *filtered = malloc((row + 1) * (size_t)png.height);
    png.pixels = malloc(row * (size_t)png.height);
    ck_assert(filtered != NULL && png.pixels != NULL);
    const uint8_t *data = png_chunk(bytes, size, &at, "IDAT", &length);
    png_inflate(data, length, filtered, (row + 1) * (size_t)png.height);
    png_unfilter(filtered, &png);
    free(filtered);
    png_chunk(bytes, size, &at, "IEND", &length);
    PNG_MUST(length == 0);
    PNG_MUST(at == size);
    return png;
}

static decoded_png decode_png_file(const char *path) {
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "cannot open %s", path);
    PNG_MUST(fseek(file, 0, SEEK_END) == 0);
    size_t size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(size + 1);
    ck_assert_ptr_nonnull(bytes);
    PNG_MUST(fread(bytes, 1, size, file) == size);
    fclose(file);
    decoded_png png = decode_png(bytes, size);
    free(bytes);
    return png;
}

#endif
