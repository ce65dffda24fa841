/* scan.c: the words, numbers and strings that headers of files are made of: Python's literals and
 * JSON (RFC 8259) agree on them. */
#include "scan.h"

#include <stdlib.h>
#include <string.h>

const char erg_no_memory[] = "no memory";

erg_status erg_fail_at(const erg_place *place, const char *problem) {
    erg_status status = problem == erg_no_memory ? ERG_ERROR_MEMORY : ERG_ERROR_FORMAT;
    if (place->tensor == NULL) {
        return erg_fail(status, "%s: \"%s\": %s", place->operation, place->file, problem);
    }
    return erg_fail(status, "%s: \"%s\": tensor \"%s\": %s", place->operation, place->file,
                    place->tensor, problem);
}

void erg_skip_space(erg_cursor *c) {
    while (c->at < c->end && strchr(" \n\t\r", *c->at) != NULL && *c->at != '\0') {
        c->at++;
    }
}

int erg_accept(erg_cursor *c, const char *word) {
    size_t length = strlen(word);
    erg_skip_space(c);
    if ((size_t)(c->end - c->at) < length || memcmp(c->at, word, length) != 0) {
        return 0;
    }
    c->at += length;
    return 1;
}

int erg_accept_size(erg_cursor *c, int64_t *size) {
    erg_skip_space(c);
    const char *start = c->at;
    for (*size = 0; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        int digit = *c->at - '0';
        if (*size > (INT64_MAX - digit) / 10) {
            return 0;
        }
        *size = *size * 10 + digit;
    }
    return c->at == start + 1 || (c->at > start && *start != '0');
}

/* ------------------------------------------------------------------------------- UTF-8 */

/* Bytes of the character that begins with this byte; 0 if none does. */
static size_t character_size(uint8_t first) {
    return first < 0x80   ? 1
           : first < 0xc2 ? 0
           : first < 0xe0 ? 2
           : first < 0xf0 ? 3
           : first < 0xf5 ? 4
                          : 0;
}

int erg_is_utf8(const char *text, size_t size) {
    const uint8_t *at = (const uint8_t *)text, *end = at + size;
    while (at < end) {
        size_t length = character_size(*at);
        if (length == 0 || length > (size_t)(end - at)) {
            return 0;
        }
        /* The second byte also rules out what is written too long, surrogates, and too large. */
        uint8_t low = *at == 0xe0 ? 0xa0 : *at == 0xf0 ? 0x90 : 0x80;
        uint8_t high = *at == 0xed ? 0x9f : *at == 0xf4 ? 0x8f : 0xbf;
        for (size_t i = 1; i < length; i++) {
            if (at[i] < (i == 1 ? low : 0x80) || at[i] > (i == 1 ? high : 0xbf)) {
                return 0;
            }
        }
        at += length;
    }
    return 1;
}

static char *put_character(char *out, uint32_t code) {
    static const uint8_t marks[] = {0, 0, 0xc0, 0xe0, 0xf0};
    int length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (int i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    out[0] = (char)(marks[length] | code);
    return out + length;
}

/* ------------------------------------------------------------------------------- strings */

/* Behind a backslash, and what each stands for. */
static const char escapes[] = "\"\\/bfnrt", escaped[] = "\"\\/\b\f\n\r\t";

/* "uXXXX" */
static int accept_unit(erg_cursor *c, uint32_t *unit) {
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    if (c->end - c->at < 5 || c->at[0] != 'u') {
        return 0;
    }
    *unit = 0;
    for (int i = 1; i <= 4; i++) {
        const char *digit = memchr(digits, c->at[i], sizeof(digits) - 1);
        if (digit == NULL) {
            return 0;
        }
        *unit = *unit << 4 | (uint32_t)((digit - digits) % 16);
    }
    c->at += 5;
    return 1;
}

/* What stands behind a backslash. Characters beyond 16 bits are two units, "\ud83d\ude00". */
static int accept_escape(erg_cursor *c, uint32_t *code) {
    const char *simple = c->at < c->end ? memchr(escapes, *c->at, sizeof(escapes) - 1) : NULL;
    if (simple != NULL) {
        *code = (uint8_t)escaped[simple - escapes];
        c->at++;
        return 1;
    }
    if (!accept_unit(c, code) || *code == 0 || (*code >= 0xdc00 && *code < 0xe000)) {
        return 0;
    }
    if (*code >= 0xd800 && *code < 0xdc00) {
        uint32_t second;
        if (c->at == c->end || *c->at++ != '\\' || !accept_unit(c, &second) || second < 0xdc00 ||
            second >= 0xe000) {
            return 0;
        }
        *code = 0x10000 + ((*code - 0xd800) << 10) + (second - 0xdc00);
    }
    return 1;
}

/* The characters up to the closing quote; no escape is shorter than what it stands for. */
static const char *decode_string(erg_cursor *c, char *out) {
    for (; c->at < c->end && *c->at != '"';) {
        uint32_t code = (uint8_t)*c->at++;
        if (code < 0x20) {
            return "a string holds a control character";
        }
        if (code != '\\') {
            *out++ = (char)code;
        } else if (accept_escape(c, &code)) {
            out = put_character(out, code);
        } else {
            return "a string holds a backslash that means nothing";
        }
    }
    *out = '\0';
    return c->at++ < c->end ? NULL : "a string does not end";
}

/* Where the string that begins here ends, escapes unread. */
static const char *closing_quote(const erg_cursor *c) {
    const char *at = c->at;
    while (at < c->end && *at != '"') {
        at += *at == '\\' && c->end - at > 1 ? 2 : 1;
    }
    return at;
}

const char *erg_scan_string(erg_cursor *c, char **text) {
    if (!erg_accept(c, "\"")) {
        return "a string is missing";
    }
    size_t size = (size_t)(closing_quote(c) - c->at);
    if (!erg_is_utf8(c->at, size)) {
        return "a string is not UTF-8";
    }
    *text = malloc(size + 1);
    if (*text == NULL) {
        return erg_no_memory;
    }
    const char *problem = decode_string(c, *text);
    if (problem != NULL) {
        free(*text);
        *text = NULL;
    }
    return problem;
}

char *erg_print_string(char *out, const char *text) {
    *out++ = '"';
    for (; *text != '\0'; text++) {
        const char *found = *text != '/' ? strchr(escaped, *text) : NULL;
        if (found != NULL) {
            *out++ = '\\';
            *out++ = escapes[found - escaped];
        } else if ((uint8_t)*text < 0x20) {
            out += sprintf(out, "\\u%04x", *text);
        } else {
            *out++ = *text;
        }
    }
    *out++ = '"';
    return out;
}
