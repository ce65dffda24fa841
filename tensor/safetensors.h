/* safetensors.h: what the reader and the writer of .safetensors files agree on. Internal. */
#ifndef ERG_TENSOR_SAFETENSORS_H
#define ERG_TENSOR_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#define ERG_LENGTH_SIZE 8
#define ERG_MAX_HEADER 100000000
#define ERG_METADATA_KEY "__metadata__"
#define ERG_CHECKSUM_KEY "erg.crc32"
#define ERG_CHECKSUM_DIGITS 8

#endif
