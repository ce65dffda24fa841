/* error.c: status and message of the last failure, one per thread, and the library's version. */
#include "tensor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config.h"

#define MESSAGE_SIZE 1024

static _Thread_local char message[MESSAGE_SIZE];
static _Thread_local erg_status last;

erg_status erg_fail(erg_status status, const char *format, ...) {
    /* The arguments may point into the old message, so it is overwritten last. */
    char text[MESSAGE_SIZE] = "";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    memcpy(message, text, sizeof(message));
    return last = status;
}

erg_status erg_error_status(void) {
    return last;
}

const char *erg_error_message(void) {
    return message;
}

const char *erg_version(void) {
    return PACKAGE_VERSION;
}
