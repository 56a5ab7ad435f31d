/* config_report.h - errors and warnings of a configuration file, shown where they stand
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_CONFIG_REPORT_H
#define DAEMON_CONFIG_REPORT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define REPORT_SHOWN_MAX 100		/* more than a screen helps nobody; all are counted */
#define REPORT_WIDTH_MAX 160		/* columns of a source line that are shown */
#define REPORT_NOWHERE SIZE_MAX		/* concerns the file, not a place in it */

struct report {
	const char *file;	/* the name to print */
	const char *text;
	size_t len;
	FILE *out;
	unsigned errors, warnings;
};

/* report_error, report_warning: FILE:LINE:COLUMN: error: ..., the source line and a caret under the
 * octet `at`. Columns count characters. */
void report_error(struct report *r, size_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void report_warning(struct report *r, size_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* report_place: line and column, both from 1, of the octet `at`. */
void report_place(const struct report *r, size_t at, unsigned *line, unsigned *column);

/* report_offset: the octet at line and column, both from 1. */
size_t report_offset(const struct report *r, unsigned line, unsigned column);

#endif
