/* fit2d_report.h: what fit2d tells about its fit. */
#ifndef FIT2D_REPORT_H
#define FIT2D_REPORT_H

#include "fit2d.h"

/* Pictures, tables and index.html, into the folder of the options; seconds: of everything. */
erg_status write_report(const fit *fit, double seconds, int argc, char **argv);
/* index.html alone, to this path. */
erg_status write_page(const fit *fit, const char *path, double seconds, int argc, char **argv);

#endif
