/* request.c - what a client of the control socket may ask, taken apart
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "ctl/request.h"

#include <jansson.h>
#include <string.h>

#define SMTP_PORT 25

/* Text fields: where each lives in the request. */
static const struct {
	const char *key;
	size_t offset, size;
} texts[] = {
	{ "verb", offsetof(struct request, verb), sizeof(((struct request *)0)->verb) },
	{ "name", offsetof(struct request, name), REQUEST_TEXT_SIZE },
	{ "domain", offsetof(struct request, domain), REQUEST_TEXT_SIZE },
	{ "mode", offsetof(struct request, mode), REQUEST_TEXT_SIZE },
};

#define TEXTS (sizeof(texts) / sizeof(texts[0]))

static const char *
take_text(struct request *out, size_t which, const json_t *value)
{
	size_t len;

	if (!json_is_string(value))
		return "a field that must be a string is not";
	len = json_string_length(value);
	if (len >= texts[which].size)
		return "a field is too long";
	/* jansson refuses \u0000 here, so the copy is a C string. */
	memcpy((char *)out + texts[which].offset, json_string_value(value), len + 1);
	return NULL;
}

static const char *
take(struct request *out, const char *key, const json_t *value)
{
	size_t i;

	for (i = 0; i < TEXTS; i++)
		if (strcmp(key, texts[i].key) == 0)
			return take_text(out, i, value);
	if (strcmp(key, "follow") == 0) {
		if (!json_is_boolean(value))
			return "follow must be true or false";
		out->follow = json_is_true(value);
		return NULL;
	}
	if (strcmp(key, "port") == 0) {
		json_int_t port = json_integer_value(value);

		if (!json_is_integer(value) || port < 1 || port > 65535)
			return "port must be a number from 1 to 65535";
		out->port = (uint16_t)port;
		return NULL;
	}
	return "unknown field";
}

const char *
request_parse(struct request *out, const char *p, size_t len)
{
	const char *key, *problem = NULL;
	json_t *root, *value;

	*out = (struct request){ .port = SMTP_PORT };
	if (len > REQUEST_MAX)
		return "longer than 65536 octets";
	root = json_loadb(p, len, JSON_REJECT_DUPLICATES, NULL);
	if (root == NULL)
		return "not one JSON object on one line";
	if (!json_is_object(root))
		problem = "not a JSON object";
	else
		json_object_foreach(root, key, value) {
			problem = take(out, key, value);
			if (problem != NULL)
				break;
		}
	json_decref(root);
	if (problem == NULL && out->verb[0] == '\0')
		problem = "no verb";
	return problem;
}

size_t
request_print(const struct request *r, char *out, size_t size)
{
	json_t *root = json_object();
	size_t i, len;
	int failed = 0;

	if (root == NULL)
		return 0;
	for (i = 0; i < TEXTS; i++) {
		const char *value = (const char *)r + texts[i].offset;

		if (value[0] != '\0')
			failed |= json_object_set_new(root, texts[i].key, json_string(value));
	}
	if (r->follow)
		failed |= json_object_set_new(root, "follow", json_true());
	if (r->port != SMTP_PORT && r->port != 0)
		failed |= json_object_set_new(root, "port", json_integer(r->port));
	len = failed ? 0 : json_dumpb(root, out, size, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(root);
	if (len == 0 || len >= size)
		return 0;
	out[len] = '\n';
	return len + 1;
}
