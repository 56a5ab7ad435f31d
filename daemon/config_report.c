/* config_report.c - errors and warnings of a configuration file, shown where they stand
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/config_report.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

static bool
continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;	/* inside a UTF-8 sequence */
}

static size_t
line_start(const struct report *r, size_t at)
{
	while (at > 0 && r->text[at - 1] != '\n')
		at--;
	return at;
}

static size_t
line_end(const struct report *r, size_t at)
{
	while (at < r->len && r->text[at] != '\n')
		at++;
	return at;
}

void
report_place(const struct report *r, size_t at, unsigned *line, unsigned *column)
{
	size_t i, start;

	if (at > r->len)
		at = r->len;
	*line = *column = 1;
	for (i = 0; i < at; i++)
		*line += r->text[i] == '\n';
	start = line_start(r, at);
	if (start == 0 && r->len >= 3 && memcmp(r->text, "\xef\xbb\xbf", 3) == 0)
		start = at < 3 ? at : 3;
	for (i = start; i < at; i++)
		*column += !continues(r->text[i]);
}

size_t
report_offset(const struct report *r, unsigned line, unsigned column)
{
	size_t at = 0, end;

	while (line > 1 && at < r->len) {
		at = line_end(r, at);
		if (at < r->len)
			at++;
		line--;
	}
	for (end = line_end(r, at); column > 1 && at < end; column--)
		do
			at++;
		while (at < end && continues(r->text[at]));
	return at;
}

/* One octet of the source for a terminal: nothing in the file may move the cursor. */
static void
show_octet(const struct report *r, unsigned char c, bool valid)
{
	if (c == '\t' || (c >= 0x20 && c < 0x7f) || (c >= 0x80 && valid))
		putc(c, r->out);
	else
		putc('?', r->out);
}

/* Characters U+0080..U+009F are controls too; shown as they are, some terminals obey them. */
static bool
shown_as_is(const char *p, size_t left)
{
	unsigned char c = (unsigned char)p[0];

	if (c == 0xc2)
		return left > 1 && (unsigned char)p[1] >= 0xa0;
	return c > 0xc2 && c < 0xf5;
}

static void
show_source(const struct report *r, size_t at)
{
	size_t start = line_start(r, at), end = line_end(r, at), i;
	bool as_is = true;

	if (at - start > REPORT_WIDTH_MAX - 20) {
		start = at - (REPORT_WIDTH_MAX - 20);
		while (start < at && continues(r->text[start]))
			start++;
	}
	if (end - start > REPORT_WIDTH_MAX)
		end = start + REPORT_WIDTH_MAX;
	if (end > start && r->text[end - 1] == '\r')
		end--;
	while (end > start && end < r->len && continues(r->text[end]))
		end--;
	for (i = start; i < end; i++) {
		if (!continues(r->text[i]))
			as_is = shown_as_is(r->text + i, end - i);
		show_octet(r, (unsigned char)r->text[i], as_is);
	}
	putc('\n', r->out);
	for (i = start; i < at && i < end; i++)
		if (!continues(r->text[i]))
			putc(r->text[i] == '\t' ? '\t' : ' ', r->out);
	fputs("^\n", r->out);
}

/* What was quoted from the file goes through the same sieve as the source line. */
static void
show_message(const struct report *r, const char *message)
{
	size_t i, len = strlen(message);
	bool as_is = true;

	for (i = 0; i < len; i++) {
		if (!continues(message[i]))
			as_is = shown_as_is(message + i, len - i);
		show_octet(r, (unsigned char)message[i], as_is);
	}
	putc('\n', r->out);
}

static void __attribute__((format(printf, 4, 0)))
show(struct report *r, size_t at, const char *kind, const char *format, va_list args)
{
	char message[512];
	unsigned line, column;

	if (r->errors + r->warnings > REPORT_SHOWN_MAX)
		return;
	if (r->errors + r->warnings == REPORT_SHOWN_MAX) {
		fprintf(r->out, "%s: more errors are not shown\n", r->file);
		return;
	}
	vsnprintf(message, sizeof(message), format, args);
	if (at == REPORT_NOWHERE) {
		fprintf(r->out, "%s: %s: ", r->file, kind);
		show_message(r, message);
		return;
	}
	if (at > r->len)
		at = r->len;
	report_place(r, at, &line, &column);
	fprintf(r->out, "%s:%u:%u: %s: ", r->file, line, column, kind);
	show_message(r, message);
	show_source(r, at);
}

void
report_error(struct report *r, size_t at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	show(r, at, "error", format, args);
	va_end(args);
	r->errors++;
}

void
report_warning(struct report *r, size_t at, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	show(r, at, "warning", format, args);
	va_end(args);
	r->warnings++;
}
