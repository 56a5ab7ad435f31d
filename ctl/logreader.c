/* logreader.c - a decision log, read line by line from a descriptor
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/logreader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/buffer.h"

#define READ_STEP 65536

struct reader {
	bool (*event)(void *arg, const json_t *event);
	void *arg;
	size_t *skipped;
	struct buffer line;
	bool too_long;		/* what is left of this line is passed over */
};

static bool
finish_line(struct reader *r)
{
	json_t *event = NULL;
	size_t len = buffer_length(&r->line);
	bool more = true;

	if (len == 0 && !r->too_long)
		return true;
	if (!r->too_long)
		event = json_loadb(r->line.p + r->line.start, len, 0, NULL);
	if (json_is_object(event))
		more = r->event(r->arg, event);
	else
		(*r->skipped)++;
	json_decref(event);
	buffer_take(&r->line, len);
	r->too_long = false;
	return more;
}

/* -1: out of memory; 0: go on; 1: enough. */
static int
feed(struct reader *r, const char *p, size_t len)
{
	while (len > 0) {
		const char *end = memchr(p, '\n', len);
		size_t part = end == NULL ? len : (size_t)(end - p);

		if (buffer_length(&r->line) + part > LOGREADER_LINE_MAX) {
			r->too_long = true;
			buffer_take(&r->line, buffer_length(&r->line));
		} else if (!r->too_long && !buffer_add(&r->line, p, part)) {
			return -1;
		}
		if (end == NULL)
			return 0;
		if (!finish_line(r))
			return 1;
		p += part + 1;
		len -= part + 1;
	}
	return 0;
}

int
logreader_read(int fd, uint64_t size, bool (*event)(void *arg, const json_t *event), void *arg,
    size_t *skipped)
{
	struct reader r = { .event = event, .arg = arg, .skipped = skipped };
	char *bytes = malloc(READ_STEP);
	int result = bytes == NULL ? -1 : 0;
	ssize_t n = 0;

	while (result == 0 && size > 0) {
		n = read(fd, bytes, size < READ_STEP ? (size_t)size : READ_STEP);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;	/* shorter than it was said to be: truncated since */
		size -= (uint64_t)n;
		result = feed(&r, bytes, (size_t)n);
	}
	/* No newline at the end: torn, unless it is whole all the same. */
	if (result == 0 && n >= 0)
		finish_line(&r);
	buffer_clear(&r.line);
	free(bytes);
	return result < 0 || n < 0 ? -1 : 0;
}
