/* checksum.c: Adler-32 (RFC 1950) and the CRC-32 of ISO 3309, by which files show that they arrived
 * as they were sent. */
#include "checksum.h"

uint32_t erg_adler32(const uint8_t *bytes, size_t size) {
    uint32_t sum = 1, sum_of_sums = 0;
    for (size_t i = 0; i < size; i++) {
        sum = (sum + bytes[i]) % 65521;
        sum_of_sums = (sum_of_sums + sum) % 65521;
    }
    return sum_of_sums << 16 | sum;
}

/* The remainder of the bytes, read as a polynomial over GF(2), after division by
 * x^32 + x^26 + x^23 + ... + x + 1. Bit 31 - k of the constant is the coefficient of x^k. */
static uint32_t divide_byte(uint32_t remainder) {
    for (int bit = 0; bit < 8; bit++) {
        remainder = (remainder >> 1) ^ (remainder & 1 ? 0xedb88320u : 0);
    }
    return remainder;
}

/* Division is linear, so the table of what each byte does serves for all of them. It is made anew
 * for each call: that costs as much as some hundred bytes, and needs no lock. */
uint32_t erg_crc32(uint32_t crc, const uint8_t *bytes, size_t size) {
    uint32_t table[256];
    for (uint32_t byte = 0; byte < 256; byte++) {
        table[byte] = divide_byte(byte);
    }
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc = (crc >> 8) ^ table[(crc ^ bytes[i]) & 0xff];
    }
    return ~crc;
}
