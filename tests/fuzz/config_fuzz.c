/* config_fuzz.c - any octets as a configuration: no fault, and what is taken keeps its promises
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config_parse.h"
#include "policy/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 itself loses a buffer where a long quoted key ends in a syntax error; it is no
 * larger than the file, and a file is read once in a reload. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libfyaml.so\n";
}

static const struct config_host nowhere = { NULL, NULL, NULL, NULL, NULL };

static void
check_rules(const struct config_rule *rules, size_t len, int need_reason)
{
	char name[DOMAIN_SIZE];
	size_t i;

	for (i = 0; i < len; i++) {
		assert(domain_normalise(name, rules[i].name, strlen(rules[i].name), false) ==
		    DOMAIN_OK);
		assert(strcmp(name, rules[i].name) == 0);
		assert(i == 0 || strcmp(rules[i - 1].name, rules[i].name) < 0);
		assert(!need_reason || rules[i].reason != NULL);
		assert(rules[i].level <= LEVEL_SECURE || rules[i].level == LEVEL_AUTO);
		assert(rules[i].line > 0);
		assert(config_rule_find(rules, len, rules[i].name, 0) == &rules[i]);
	}
}

static void
check_config(const struct config *c)
{
	assert(c->workers >= 1 && c->workers <= CONFIG_WORKERS_MAX);
	assert(c->intercept.method != METHOD_TPROXY || c->intercept.listen.port != 25);
	assert(c->intercept.method == METHOD_TPROXY || !c->intercept.source_client);
	assert(!(c->intercept.open || c->intercept.required) || (c->intercept.watch &&
	    c->intercept.method != METHOD_NONE));
	assert(!c->inspect || c->client.tls_offer);
	assert(c->intercept.from_len > 0 && c->intercept.listen.port != 0);
	assert(c->resolver.servers_len >= 1 && c->resolver.servers_len <= CONFIG_RESOLVERS_MAX);
	assert(c->limits.sessions >= 1 && c->limits.sessions_per_client >= 1);
	assert(c->policy.wait_s >= 1);
	assert(c->user[0] != '\0' && c->state_dir[0] == '/' && c->control[0] == '/');
	assert(c->log.file[0] == '/' && c->tls.ca_file[0] == '/');
	check_rules(c->relays, c->relays_len, 0);
	check_rules(c->domains, c->domains_len, 1);
}

/* Every line that is said begins with the file's name or is part of a shown source. */
static void
check_said(const char *said, unsigned errors, unsigned warnings)
{
	const char *p;

	assert((said[0] != '\0') == (errors + warnings > 0));
	assert(said[0] == '\0' || strncmp(said, "fuzz:", 5) == 0);
	for (p = said; *p != '\0'; p++)
		assert((unsigned char)*p >= 0x20 || *p == '\n' || *p == '\t');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned errors, warnings;
	struct config *config;
	char *said = NULL;
	size_t said_len;
	FILE *out = open_memstream(&said, &said_len);

	if (out == NULL)
		return 0;
	config = config_parse((const char *)data, size, "fuzz", &nowhere, out, &errors, &warnings);
	fclose(out);
	assert((config != NULL) == (errors == 0));
	if (config != NULL)
		check_config(config);
	check_said(said, errors, warnings);
	config_free(config);
	free(said);
	return 0;
}
