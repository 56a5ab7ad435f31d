/* config_match.c - match: the fingerprints of a rule of level fingerprint
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "daemon/config_keys.h"

#define SHA256_LEN 32
#define SHA512_LEN 64
#define SHA1_LEN 20
#define MD5_LEN 16

static int
digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	    c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Octets in hexadecimal, with a colon between two of them or without. How many there are, though no
 * more than `size` are kept; 0 for anything else, with *at where it begins. */
static size_t
octets(uint8_t *out, size_t size, const struct yaml *value, size_t *at)
{
	const char *s = value->text;
	size_t n = 0;

	for (*at = 0; *at < value->len; *at += 2, n++) {
		if (n > 0 && s[*at] == ':')
			++*at;
		if (digit(s[*at]) < 0)
			return 0;
		if (digit(s[*at + 1]) < 0) {
			++*at;
			return 0;
		}
		if (n < size)
			out[n] = (uint8_t)(digit(s[*at]) << 4 | digit(s[*at + 1]));
	}
	return n;
}

static void
wrong_length(struct reading *r, const struct config_key *key, const struct yaml *item, size_t n)
{
	const char *kind = n == SHA1_LEN ? ", as SHA-1 has: that proves nothing any more" :
	    n == MD5_LEN ? ", as MD5 has: that proves nothing" : "";

	key_error(r, key, item, "a fingerprint is SHA-256 (64 hexadecimal digits) or SHA-512 "
	    "(128); this has %zu%s", n * 2, kind);
}

static void
wrong_digit(struct reading *r, const struct config_key *key, const struct yaml *item, size_t at)
{
	const char *equals = strchr(item->text, '=');

	if (equals != NULL)	/* what openssl x509 -fingerprint prints */
		key_error(r, key, item, "a fingerprint is hexadecimal digits alone; leave out what "
		    "stands up to the \"=\"");
	else if (item->text[at] == '\0')
		key_error(r, key, item, "the fingerprint ends within an octet");
	else
		key_error(r, key, item, "\"%.60s\" is not a fingerprint: hexadecimal digits are "
		    "needed, with or without colons between octets; character %zu is none",
		    item->text, at + 1);
}

static bool
is_new(struct reading *r, const struct config_key *key, const struct yaml *item,
    const struct config_rule *rule, const struct config_match *m)
{
	for (size_t i = 0; i < rule->match_len; i++) {
		if (rule->match[i].len != m->len ||
		    memcmp(rule->match[i].digest, m->digest, m->len) != 0)
			continue;
		key_error(r, key, item, "this fingerprint is in the list already");
		return false;
	}
	return true;
}

static void
take_one(struct reading *r, const struct config_key *key, const struct yaml *item,
    struct config_rule *rule)
{
	struct config_match m = { 0 };
	size_t at;

	if (item->kind != YAML_SCALAR) {
		key_error(r, key, item, "a fingerprint is needed here, this is %s",
		    yaml_kind_name(item->kind));
		return;
	}
	if (item->len == 0) {
		key_error(r, key, item, "match needs a value");
		return;
	}
	m.len = octets(m.digest, sizeof(m.digest), item, &at);
	if (m.len == 0)
		wrong_digit(r, key, item, at);
	else if (m.len != SHA256_LEN && m.len != SHA512_LEN)
		wrong_length(r, key, item, m.len);
	else if (is_new(r, key, item, rule, &m))
		rule->match[rule->match_len++] = m;
}

void
take_match(struct reading *r, const struct config_key *key, const struct yaml *value,
    struct config_rule *rule)
{
	const struct yaml *item;
	size_t len = 0;

	for (item = value->first; item != NULL; item = item->next)
		len++;
	if (value->kind == YAML_MAP) {
		key_error(r, key, value, "a fingerprint or a list of them is needed here, this is "
		    "a mapping");
		return;
	}
	if (value->kind == YAML_LIST && (len == 0 || len > CONFIG_MATCHES_MAX)) {
		key_error(r, key, value, len == 0 ? "the list is empty" : "more than %d entries",
		    CONFIG_MATCHES_MAX);
		return;
	}
	rule->match = calloc(CONFIG_MATCHES_MAX, sizeof(*rule->match));
	if (rule->match == NULL) {
		key_error(r, key, value, "out of memory");
		return;
	}
	if (value->kind == YAML_SCALAR)
		take_one(r, key, value, rule);
	for (item = value->first; item != NULL; item = item->next)
		take_one(r, key, item, rule);
}
