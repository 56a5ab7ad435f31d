/* path_fuzz.c - whatever path is taken has one domain, however it is read again
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "proxy/path.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool truth)
{
	if (!truth)
		abort();
}

/* last_at: the "@" that a reader finds who looks for the last one; NULL if there is none. */
static const char *
last_at(const struct path *path)
{
	return memrchr(path->mailbox, '@', path->mailbox_len);
}

static void
octets_check(const struct path *path)
{
	bool utf8 = false;

	for (size_t i = 0; i < path->mailbox_len; i++) {
		unsigned char c = (unsigned char)path->mailbox[i];

		must(c >= ' ' && c != 0x7f);
		must((c != ' ' && c != '<' && c != '>') || path->mailbox[0] == '"');
		utf8 |= c >= 0x80;
	}
	must(utf8 == path->utf8);
}

/* The domain that was judged is what stands behind the last "@", and where the local part is not
 * quoted there is no other. */
static void
domain_check(const struct path *path, bool reverse)
{
	const char *at = last_at(path);
	char domain[DOMAIN_SIZE];
	size_t len;

	must(path->null == (path->mailbox_len == 0));
	if (path->null || path->no_domain) {
		must(path->domain[0] == '\0');
		return;
	}
	must(at != NULL && at > path->mailbox);
	must(path->mailbox[0] == '"' || memchr(path->mailbox, '@', path->mailbox_len) == at);
	len = path->mailbox_len - (size_t)(at + 1 - path->mailbox);
	must(len > 0 && (reverse || at[len] != '.'));
	if (path->literal) {
		must(at[1] == '[' && at[len] == ']' && path->domain[0] == '\0');
		return;
	}
	if (reverse && path->domain[0] == '\0')
		return;
	must(domain_normalise(domain, at + 1, len, false) == DOMAIN_OK);
	must(strcmp(domain, path->domain) == 0);
	if (!path->utf8)
		must(strlen(domain) == len && strncasecmp(domain, at + 1, len) == 0);
}

/* again_check: the mailbox in brackets, which is what the server gets, reads the same. */
static void
again_check(const struct path *path)
{
	struct path again;
	char text[512];
	size_t used;

	must(path->mailbox_len + 2 <= 256);
	text[0] = '<';
	memcpy(text + 1, path->mailbox, path->mailbox_len);
	text[path->mailbox_len + 1] = '>';
	must(path_parse(text, path->mailbox_len + 2, &again, &used) == PATH_OK);
	must(used == path->mailbox_len + 2 && !again.source_route);
	must(strcmp(again.domain, path->domain) == 0 && again.literal == path->literal);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	struct path path, reverse;
	size_t used, reverse_used, cut_used;
	enum path_result r = path_parse(p, size, &path, &used);
	enum path_result back = path_parse_reverse(p, size, &reverse, &reverse_used);

	must(*path_result_text(r) != '\0');
	must((r == PATH_OK) == (used > 0) && used <= size && used <= 256);
	if (back == PATH_OK) {
		octets_check(&reverse);
		domain_check(&reverse, true);
	}
	if (r != PATH_OK)
		return 0;
	must(p[0] == '<' && p[used - 1] == '>');
	octets_check(&path);
	domain_check(&path, false);
	again_check(&path);
	must(back == PATH_OK && reverse_used == used);
	must(strcmp(reverse.domain, path.domain) == 0);
	must(path_parse(p, used, &path, &cut_used) == PATH_OK && cut_used == used);
	must(path_parse(p, used - 1, &path, &cut_used) != PATH_OK);
	return 0;
}
