/* zip.c: zip archives (PKWARE APPNOTE, 4.3 and 4.4), without zip64, encryption or comment:
 *
 *     local header, name, bytes | ... | directory: entry, name | ... | end
 *
 * Readers begin at the end, which says where the directory is; its entries say where the members
 * are. Members must lie one behind the other, so that no byte is unpacked twice. */
#include "zip.h"

#include <string.h>

#include "decode.h"

#define LOCAL_SIGNATURE 0x04034b50u
#define ENTRY_SIGNATURE 0x02014b50u
#define END_SIGNATURE 0x06054b50u

/* Flags that change nothing for a reader: how hard the packer tried, sizes repeated behind the
 * bytes, and a name in UTF-8. */
enum { HARMLESS = 0x0006 | 0x0008 | 0x0800, UTF8 = 0x0800 };

/* Version 2.0 knows directories and deflate. */
enum { VERSION = 20 };
/* 1 January 1980, the earliest day there is, so that the same content makes the same archive. */
enum { DATE = 0x0021 };

static uint32_t get(const uint8_t *bytes, size_t size) {
    return (uint32_t)erg_load_bits(bytes, size, 0);
}

/* ------------------------------------------------------------------------------- reading */

const char *erg_zip_open(erg_zip_reader *zip, const uint8_t *bytes, size_t size) {
    if (size < ERG_ZIP_END_SIZE) {
        return "not a zip archive";
    }
    const uint8_t *end = bytes + size - ERG_ZIP_END_SIZE;
    if (get(end, 4) != END_SIGNATURE || get(end + 20, 2) != 0) {
        return "the file does not end as a zip archive without comment does";
    }
    uint32_t count = get(end + 10, 2), length = get(end + 12, 4), offset = get(end + 16, 4);
    if (count > ERG_ZIP_MOST || length > ERG_ZIP_LARGEST || offset > ERG_ZIP_LARGEST) {
        return "the archive needs zip64, for more than 4 GB, which is not read";
    }
    if (get(end + 4, 4) != 0 || get(end + 8, 2) != count ||
        (uint64_t)offset + length != size - ERG_ZIP_END_SIZE) {
        return "the archive's directory is not where its end says";
    }
    *zip = (erg_zip_reader){
        .bytes = bytes, .next = offset, .end = size - ERG_ZIP_END_SIZE, .left = count};
    return NULL;
}

/* What the entry says of a member but for its place. */
static const char *parse_entry(const uint8_t *entry, erg_zip_member *member) {
    uint32_t flags = get(entry + 8, 2);
    *member = (erg_zip_member){.method = (int)get(entry + 10, 2),
                               .crc = get(entry + 16, 4),
                               .packed_size = get(entry + 20, 4),
                               .size = get(entry + 24, 4),
                               .name = (const char *)entry + ERG_ZIP_ENTRY_SIZE,
                               .name_size = get(entry + 28, 2)};
    if (flags & ~(uint32_t)HARMLESS) {
        return "a member is encrypted, or needs something else that is not known";
    }
    if (member->method != ERG_ZIP_STORED && member->method != ERG_ZIP_DEFLATED) {
        return "a member is packed by a method other than deflate";
    }
    if (member->size > ERG_ZIP_LARGEST || member->packed_size > ERG_ZIP_LARGEST) {
        return "the archive needs zip64, for more than 4 GB, which is not read";
    }
    if (member->method == ERG_ZIP_STORED && member->size != member->packed_size) {
        return "a member that is not packed has two sizes";
    }
    for (size_t i = 0; i < member->name_size && !(flags & UTF8); i++) {
        if (member->name[i] & 0x80) {
            return "a member's name is neither ASCII nor UTF-8";
        }
    }
    return NULL;
}

/* Finds the bytes behind the local header, which repeats name and method. `limit` is where the
 * directory begins. */
static const char *locate(erg_zip_reader *zip, erg_zip_member *member, size_t offset,
                          size_t limit) {
    if (offset < zip->used || offset > limit || limit - offset < ERG_ZIP_LOCAL_SIZE) {
        return "members overlap, or are not in the order of the directory";
    }
    const uint8_t *local = zip->bytes + offset;
    size_t name_size = get(local + 26, 2), extra = get(local + 28, 2);
    size_t start = offset + ERG_ZIP_LOCAL_SIZE + name_size + extra;
    if (get(local, 4) != LOCAL_SIGNATURE || (int)get(local + 8, 2) != member->method ||
        name_size != member->name_size || start > limit ||
        memcmp(local + ERG_ZIP_LOCAL_SIZE, member->name, name_size) != 0) {
        return "the directory and a member's header disagree";
    }
    if (member->packed_size > limit - start) {
        return "a member reaches into the directory";
    }
    member->packed = zip->bytes + start;
    zip->used = start + member->packed_size;
    return NULL;
}

const char *erg_zip_next(erg_zip_reader *zip, erg_zip_member *member) {
    const uint8_t *entry = zip->bytes + zip->next;
    size_t room = zip->end - zip->next;
    if (room < ERG_ZIP_ENTRY_SIZE || get(entry, 4) != ENTRY_SIGNATURE) {
        return "the archive's directory is damaged";
    }
    size_t size = ERG_ZIP_ENTRY_SIZE + get(entry + 28, 2) + get(entry + 30, 2) + get(entry + 32, 2);
    if (size > room || get(entry + 34, 2) != 0) {
        return "the archive's directory is damaged";
    }
    const char *problem = parse_entry(entry, member);
    if (problem == NULL) {
        size_t directory = get(zip->bytes + zip->end + 16, 4);
        problem = locate(zip, member, get(entry + 42, 4), directory);
    }
    zip->next += size;
    zip->left--;
    if (problem == NULL && zip->left == 0 && zip->next != zip->end) {
        return "something stands behind the archive's directory";
    }
    return problem;
}

/* ------------------------------------------------------------------------------- writing */

static uint8_t *put(uint8_t *out, size_t size, uint64_t value) {
    erg_store_bits(out, size, value);
    return out + size;
}

/* What a local header and an entry have in common, from version to length of the extra field. */
static uint8_t *put_common(uint8_t *out, const erg_zip_member *member) {
    out = put(out, 2, VERSION);
    out = put(out, 2, UTF8);
    out = put(out, 2, ERG_ZIP_STORED);
    out = put(out, 2, 0); /* midnight */
    out = put(out, 2, DATE);
    out = put(out, 4, member->crc);
    out = put(out, 4, member->size); /* packed, */
    out = put(out, 4, member->size); /* and unpacked */
    out = put(out, 2, member->name_size);
    return put(out, 2, 0);
}

void erg_zip_local(uint8_t out[ERG_ZIP_LOCAL_SIZE], const erg_zip_member *member) {
    put_common(put(out, 4, LOCAL_SIGNATURE), member);
}

void erg_zip_entry(uint8_t out[ERG_ZIP_ENTRY_SIZE], const erg_zip_member *member, size_t offset) {
    out = put(out, 4, ENTRY_SIGNATURE);
    out = put_common(put(out, 2, VERSION), member);
    out = put(out, 8, 0); /* comment, disk, attributes inside */
    out = put(out, 2, 0); /* and outside: none */
    put(out, 4, offset);
}

void erg_zip_end(uint8_t out[ERG_ZIP_END_SIZE], size_t count, size_t offset, size_t size) {
    out = put(out, 4, END_SIGNATURE);
    out = put(out, 4, 0); /* this disk and that of the directory */
    out = put(out, 2, count);
    out = put(out, 2, count);
    out = put(out, 4, size);
    out = put(out, 4, offset);
    put(out, 2, 0); /* no comment */
}
