/* file.c: whole files in and out. A file is replaced in the order that survives a crash at any
 * moment: write a temporary, sync it, rename it over the old file, sync the folder. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tensor.h"

/* Linux moves at most 2 GiB a call, other systems refuse more. */
#define LARGEST_TRANSFER ((size_t)1 << 30)

/* Names tried for a temporary before giving up: a crash may have left some behind. */
#define TEMPORARY_ATTEMPTS 1000
#define TEMPORARY_NAME_SIZE 64

/* The failure that errno tells of. */
static erg_status fail(const char *operation, const char *verb, const char *path) {
    erg_status status = errno == ENOMEM ? ERG_ERROR_MEMORY : ERG_ERROR_IO;
    return erg_fail(status, "%s: cannot %s \"%s\": %s", operation, verb, path, strerror(errno));
}

static erg_status fail_not_regular(const char *operation, const char *path) {
    return erg_fail(ERG_ERROR_IO, "%s: \"%s\" is not a regular file", operation, path);
}

static size_t transfer_size(size_t left) {
    return left < LARGEST_TRANSFER ? left : LARGEST_TRANSFER;
}

/* ------------------------------------------------------------------------------- reading */

/* Reads up to size bytes; fewer only where the file ends. */
static ssize_t read_all(int file, uint8_t *bytes, size_t size) {
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(file, bytes + done, transfer_size(size - done));
        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            return -1;
        }
        done += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)done;
}

static erg_status read_open_file(const char *operation, const char *path, int file, uint8_t **bytes,
                                 size_t *size) {
    struct stat info;
    if (fstat(file, &info) != 0) {
        return fail(operation, "read", path);
    }
    if (!S_ISREG(info.st_mode)) {
        return fail_not_regular(operation, path);
    }
    uint8_t *data = info.st_size < PTRDIFF_MAX ? malloc((size_t)info.st_size + 1) : NULL;
    if (data == NULL) {
        return erg_fail(ERG_ERROR_MEMORY, "%s: no memory for the %lld bytes of \"%s\"", operation,
                        (long long)info.st_size, path);
    }
    ssize_t got = read_all(file, data, (size_t)info.st_size);
    if (got != info.st_size) {
        erg_status status = got < 0 ? fail(operation, "read", path)
                                    : erg_fail(ERG_ERROR_IO, "%s: \"%s\" shrank while it was read",
                                               operation, path);
        free(data);
        return status;
    }
    *bytes = data;
    *size = (size_t)got;
    return ERG_OK;
}

erg_status erg_file_read(const char *operation, const char *path, uint8_t **bytes, size_t *size) {
    if (path == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: no path", operation);
    }
    /* O_NONBLOCK: a named pipe must be refused, not wait for its writer. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        return fail(operation, "open", path);
    }
    erg_status status = read_open_file(operation, path, file, bytes, size);
    close(file);
    return status;
}

/* ------------------------------------------------------------------------------- replacing */

static int write_all(int file, const uint8_t *bytes, size_t size) {
    size_t done = 0;
    while (done < size) {
        ssize_t put = write(file, bytes + done, transfer_size(size - done));
        if (put < 0 && errno != EINTR) {
            return -1;
        }
        done += put > 0 ? (size_t)put : 0;
    }
    return 0;
}

static int sync_all(int file) {
    int failed;
    do {
        failed = fsync(file);
    } while (failed && errno == EINTR);
    return failed;
}

static int write_pieces(int file, const erg_piece *pieces, int count) {
    for (int i = 0; i < count; i++) {
        if (write_all(file, pieces[i].bytes, pieces[i].size) != 0) {
            return -1;
        }
    }
    return sync_all(file);
}

/* A new empty file in the folder under a name of its own. open, unlike mkstemp, honours the umask;
 * the short name fits wherever the final one does. */
static int create_temporary(int folder, mode_t mode, char name[TEMPORARY_NAME_SIZE]) {
    int file = -1;
    for (int i = 0; i < TEMPORARY_ATTEMPTS; i++) {
        snprintf(name, TEMPORARY_NAME_SIZE, ".erg-%ld-%d.tmp", (long)getpid(), i);
        file = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        if (file >= 0 || errno != EEXIST) {
            break;
        }
    }
    return file;
}

/* Replaces `name` in the folder; path is what messages call it. */
static erg_status replace_in_folder(const char *operation, const char *path, int folder,
                                    const char *name, const erg_piece *pieces, int count) {
    struct stat old;
    int exists = fstatat(folder, name, &old, 0) == 0;
    if (exists && !S_ISREG(old.st_mode)) {
        return fail_not_regular(operation, path);
    }
    char temporary[TEMPORARY_NAME_SIZE];
    int file = create_temporary(folder, exists ? old.st_mode & 0777 : 0666, temporary);
    if (file < 0) {
        return fail(operation, "create a file next to", path);
    }
    erg_status status = ERG_OK;
    if (write_pieces(file, pieces, count) != 0) {
        status = fail(operation, "write", path);
    }
    close(file);
    if (status == ERG_OK && renameat(folder, temporary, folder, name) != 0) {
        status = fail(operation, "replace", path);
    }
    if (status != ERG_OK) {
        unlinkat(folder, temporary, 0);
        return status;
    }
    /* Some file systems cannot sync a folder and say so with EINVAL. */
    if (sync_all(folder) != 0 && errno != EINVAL) {
        return fail(operation, "sync the folder of", path);
    }
    return ERG_OK;
}

/* The path with its links followed; a file that does not exist yet keeps the path it was given. */
static char *resolve(const char *path) {
    char *real = realpath(path, NULL);
    return real == NULL && errno == ENOENT ? strdup(path) : real;
}

erg_status erg_file_replace(const char *operation, const char *path, const erg_piece *pieces,
                            int count) {
    if (path == NULL) {
        return erg_fail(ERG_ERROR_ARGUMENT, "%s: no path", operation);
    }
    char *real = resolve(path);
    if (real == NULL) {
        return fail(operation, "write", path);
    }
    const char *folder_path = ".", *name = real;
    char *slash = strrchr(real, '/');
    if (slash != NULL) {
        *slash = '\0';
        folder_path = slash == real ? "/" : real;
        name = slash + 1;
    }
    erg_status status;
    int folder = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0) {
        status = fail(operation, "open the folder of", path);
    } else {
        status = replace_in_folder(operation, path, folder, name, pieces, count);
        close(folder);
    }
    free(real);
    return status;
}
