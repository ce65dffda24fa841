/* zip.h: zip archives as a list of members. Internal. */
#ifndef ERG_TENSOR_ZIP_H
#define ERG_TENSOR_ZIP_H

#include <stddef.h>
#include <stdint.h>

/* A member; name and bytes lie in the archive. */
typedef struct erg_zip_member {
    const char *name; /* not ended by 0 */
    size_t name_size;
    int method; /* ERG_ZIP_STORED or ERG_ZIP_DEFLATED */
    uint32_t crc;
    size_t packed_size, size;
    const uint8_t *packed;
} erg_zip_member;

enum { ERG_ZIP_STORED = 0, ERG_ZIP_DEFLATED = 8 };

/* The members of an archive, from first to last. */
typedef struct erg_zip_reader {
    const uint8_t *bytes;
    size_t next, end; /* the directory: what is left of it */
    size_t used;      /* the members so far end here */
    size_t left;      /* members */
} erg_zip_reader;

/* NULL if all is well, else what is wrong. Read left members. */
const char *erg_zip_open(erg_zip_reader *zip, const uint8_t *bytes, size_t size);
const char *erg_zip_next(erg_zip_reader *zip, erg_zip_member *member);

/* What stands in front of a member's bytes but for the name, in the directory but for the name, and
 * at the end of the archive. */
#define ERG_ZIP_LOCAL_SIZE 30
#define ERG_ZIP_ENTRY_SIZE 46
#define ERG_ZIP_END_SIZE 22
/* Sizes and offsets have 32 bits, counts 16; the largest are a sign of zip64. */
#define ERG_ZIP_LARGEST UINT32_C(0xfffffffe)
#define ERG_ZIP_MOST 0xfffe
/* Writes these for a stored member of which name_size, crc and size are set. */
void erg_zip_local(uint8_t out[ERG_ZIP_LOCAL_SIZE], const erg_zip_member *member);
void erg_zip_entry(uint8_t out[ERG_ZIP_ENTRY_SIZE], const erg_zip_member *member, size_t offset);
void erg_zip_end(uint8_t out[ERG_ZIP_END_SIZE], size_t count, size_t offset, size_t size);

#endif
