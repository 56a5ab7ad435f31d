/* config_take.c - the readers of single values
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/config_keys.h"
#include "daemon/config_value.h"
#include "daemon/nearest.h"

#define DNS_PORT 53
#define FROM_MAX 1024		/* networks; each accepted client is held against all of them */

/* A value that is there and has no parts. */
static bool
is_scalar(struct reading *r, const struct config_key *key, const struct yaml *value)
{
	if (value->kind != YAML_SCALAR) {
		key_error(r, key, value, "a single value is needed here, this is %s",
		    yaml_kind_name(value->kind));
		return false;
	}
	if (value->len == 0) {
		key_error(r, key, value, "a value is missing");
		return false;
	}
	return true;
}

static void
put_text(struct reading *r, const struct config_key *key, const struct yaml *value)
{
	char **text = key_field(r, key);

	free(*text);
	*text = strdup(value->text);
	if (*text == NULL)
		key_error(r, key, value, "out of memory");
}

static void
put_choice(struct reading *r, const struct config_key *key, int value)
{
	bool flag = value != 0;

	switch (key->store) {
	case STORE_NOTHING:
		break;
	case STORE_BOOL:
		memcpy(key_field(r, key), &flag, sizeof(flag));
		break;
	case STORE_NUMBER:
		memcpy(key_field(r, key), &value, sizeof(value));
		break;
	}
}

static void
wrong_choice(struct reading *r, const struct config_key *key, const struct yaml *value)
{
	const struct config_choice *c;
	struct nearest n;
	char list[128] = "";
	size_t used = 0;

	nearest_start(&n, value->text, value->len);
	for (c = key->choices; c->word != NULL; c++) {
		if (c->alias || used >= sizeof(list))
			continue;
		nearest_try(&n, c->word);
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
		    used > 0 ? ", " : "", c->word);
	}
	if (n.best != NULL)
		key_error(r, key, value, "\"%.60s\" is none of %s; did you mean \"%s\"?",
		    value->text, list, n.best);
	else
		key_error(r, key, value, "\"%.60s\" is none of %s", value->text, list);
}

/* yes and no are taken in any case, as YAML's readers do; other words as they are shown. */
static bool
is_word(const struct config_choice *c, const char *text)
{
	if (c->alias || strcmp(c->word, "yes") == 0 || strcmp(c->word, "no") == 0)
		return strcasecmp(c->word, text) == 0;
	return strcmp(c->word, text) == 0;
}

void
take_choice(struct reading *r, const struct config_key *key, const struct yaml *value)
{
	const struct config_choice *c;

	if (!is_scalar(r, key, value))
		return;
	for (c = key->choices; c->word != NULL; c++)
		if (is_word(c, value->text))
			break;
	if (c->word == NULL)
		wrong_choice(r, key, value);
	else
		put_choice(r, key, c->value);
}

static void
put_number(struct reading *r, const struct config_key *key, const struct yaml *value, unsigned n,
    const char *unit)
{
	if (n < key->min || n > key->max)
		key_error(r, key, value, "%s is not between %u%s and %u%s", value->text, key->min,
		    unit, key->max, unit);
	else
		memcpy(key_field(r, key), &n, sizeof(n));
}

void
take_number(struct reading *r, const struct config_key *key, const struct yaml *value)
{
	unsigned n;

	if (!is_scalar(r, key, value))
		return;
	if (!value_number(&n, value->text, value->len))
		key_error(r, key, value, "\"%.60s\" is not a number from %u to %u", value->text,
		    key->min, key->max);
	else
		put_number(r, key, value, n, "");
}

void
take_duration(struct reading *r, const struct config_key *key, const struct yaml *value)
{
	unsigned n;

	if (!is_scalar(r, key, value))
		return;
	if (value_number(&n, value->text, value->len))
		key_error(r, key, value, "a duration needs a unit; did you mean \"%us\"?", n);
	else if (!value_duration(&n, value->text, value->len))
		key_error(r, key, value, "\"%.60s\" is not a duration such as 20s or 2m",
		    value->text);
	else
		put_number(r, key, value, n, "s");
}

void
take_workers(struct reading *r, const struct config_key *key, const struct yaml *value)
{
	if (value->kind == YAML_SCALAR && strcmp(value->text, "auto") == 0)
		return;		/* the default */
	if (value->kind == YAML_SCALAR && value->len > 0 &&
	    (value->text[0] < '0' || value->text[0] > '9'))
		key_error(r, key, value, "\"%.60s\" is neither auto nor a number from 1 to %u",
		    value->text, key->max);
	else
		take_number(r, key, value);
}

void
take_user(struct reading *r, const struct config_key *key, const struct yaml *value)
{
	r->user_given = true;
	if (!is_scalar(r, key, value))
		return;
	if (strcmp(value->text, "root") == 0)
		key_error(r, key, value, "posternd does not run as root");
	else if (r->host->user_exists != NULL && !r->host->user_exists(value->text))
		key_error(r, key, value, "there is no user \"%.60s\" on this system", value->text);
	put_text(r, key, value);
}

void
take_path(struct reading *r, const struct config_key *key, const struct yaml *value)
{
	if (!is_scalar(r, key, value))
		return;
	if (value->text[0] != '/')
		key_error(r, key, value, "a path from the root is needed, beginning with /");
	else if (value->text[value->len - 1] == '/')
		key_error(r, key, value, "the path ends in /");
	else if (value->len > key->max)
		key_error(r, key, value, "the path is longer than %u octets", key->max);
	else
		put_text(r, key, value);
}

void
take_ca_file(struct reading *r, const struct config_key *key, const struct yaml *value)
{
	char why[128];

	r->ca_file_given = true;
	take_path(r, key, value);
	if (value->kind != YAML_SCALAR || value->text[0] != '/' || r->host->ca_usable == NULL)
		return;
	if (!r->host->ca_usable(value->text, why, sizeof(why)))
		key_error(r, key, value, "%.200s %s", value->text, why);
}

void
take_listen(struct reading *r, const struct config_key *key, const struct yaml *value)
{
	struct address a;

	if (!is_scalar(r, key, value))
		return;
	if (!address_parse(&a, value->text, value->len, 0))
		key_error(r, key, value, "\"%.60s\" is not an address and port such as [::]:10025",
		    value->text);
	else if (a.port == 0)
		key_error(r, key, value, "a port is missing, as in [::]:10025");
	else
		memcpy(key_field(r, key), &a, sizeof(a));
}

/* The network was meant that the address lies in. */
static void
host_bits(struct reading *r, const struct config_key *key, const struct yaml *item)
{
	const char *slash = strchr(item->text, '/');
	char buf[ADDRESS_TEXT_SIZE];
	struct network meant;
	struct in6_addr ip;
	unsigned prefix;

	if (slash == NULL || !address_parse_ip(&ip, item->text, (size_t)(slash - item->text)) ||
	    !value_number(&prefix, slash + 1, strlen(slash + 1))) {
		key_error(r, key, item, "%.60s has host bits set", item->text);
		return;
	}
	value_network_of(&meant, &ip, address_is_v4(&ip) ? 96 + prefix : prefix);
	key_error(r, key, item, "%.60s has host bits set; did you mean \"%s\"?", item->text,
	    network_print(&meant, buf));
}

static size_t
count(const struct yaml *list)
{
	const struct yaml *item;
	size_t n = 0;

	for (item = list->first; item != NULL; item = item->next)
		n++;
	return n;
}

static bool
is_list(struct reading *r, const struct config_key *key, const struct yaml *value, size_t max)
{
	if (value->kind == YAML_SCALAR && value->len == 0) {
		key_error(r, key, value, "a value is missing");
		return false;
	}
	if (value->kind != YAML_LIST) {
		key_error(r, key, value, "a list such as [192.0.2.1] is needed here, this is %s",
		    yaml_kind_name(value->kind));
		return false;
	}
	if (value->first == NULL || count(value) > max) {
		key_error(r, key, value, value->first == NULL ? "the list is empty" :
		    "more than %zu entries", max);
		return false;
	}
	return true;
}

void
take_from(struct reading *r, const struct config_key *key, const struct yaml *value)
{
	const struct yaml *item;
	struct network n;
	bool bits;

	/* Marks the key as given: what is wrong with it is said here. */
	if (r->config->intercept.from == NULL)
		r->config->intercept.from = calloc(FROM_MAX, sizeof(n));
	if (r->config->intercept.from == NULL || !is_list(r, key, value, FROM_MAX))
		return;
	for (item = value->first; item != NULL; item = item->next) {
		bits = false;
		if (!is_scalar(r, key, item))
			continue;
		if (network_parse(&n, item->text, item->len, &bits))
			r->config->intercept.from[r->config->intercept.from_len++] = n;
		else if (bits)
			host_bits(r, key, item);
		else
			key_error(r, key, item, "\"%.60s\" is not a network such as 192.0.2.0/24",
			    item->text);
	}
}

/* It goes into commands and rules: nothing but what interfaces are called (as in nfq/plan.c). */
static bool
is_interface(const struct yaml *value)
{
	static const char may[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "._@+-";

	return value->len < IFNAMSIZ && strspn(value->text, may) == value->len &&
	    value->text[0] != '-' && strcmp(value->text, "+") != 0;
}

void
take_interface(struct reading *r, const struct config_key *key, const struct yaml *value)
{
	if (!is_scalar(r, key, value))
		return;
	if (!is_interface(value))
		key_error(r, key, value, "\"%.60s\" cannot be the name of an interface",
		    value->text);
	else
		put_text(r, key, value);
}

void
take_servers(struct reading *r, const struct config_key *key, const struct yaml *value)
{
	const struct yaml *item;
	struct address a;

	if (!is_list(r, key, value, CONFIG_RESOLVERS_MAX))
		return;
	r->config->resolver.servers_len = 0;
	for (item = value->first; item != NULL; item = item->next) {
		if (!is_scalar(r, key, item))
			continue;
		if (address_parse(&a, item->text, item->len, DNS_PORT))
			r->config->resolver.servers[r->config->resolver.servers_len++] = a;
		else
			key_error(r, key, item, "\"%.60s\" is not an address or address:port",
			    item->text);
	}
}
