/* config.c - the configuration: read, completed, freed
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/config_keys.h"
#include "daemon/config_parse.h"

#define DEFAULT_USER "postern"
#define DEFAULT_STATE_DIR "/var/lib/postern"
#define DEFAULT_CONTROL "/run/postern/control.sock"
#define DEFAULT_CA_FILE "/etc/ssl/certs/ca-certificates.crt"
#define DEFAULT_LOG_FILE "/var/log/postern/decisions.jsonl"
#define DEFAULT_PORT 10025
#define DNS_PORT 53
#define TLS_1_2 0x0303

static bool
default_texts(struct config *c)
{
	c->user = strdup(DEFAULT_USER);
	c->state_dir = strdup(DEFAULT_STATE_DIR);
	c->control = strdup(DEFAULT_CONTROL);
	c->tls.ca_file = strdup(DEFAULT_CA_FILE);
	c->log.file = strdup(DEFAULT_LOG_FILE);
	return c->user != NULL && c->state_dir != NULL && c->control != NULL &&
	    c->tls.ca_file != NULL && c->log.file != NULL;
}

static struct config *
config_new(const struct config_host *host)
{
	struct config *c = calloc(1, sizeof(*c));
	unsigned cpus = host->cpus != NULL ? host->cpus() : 1;

	if (c == NULL || !default_texts(c)) {
		config_free(c);
		return NULL;
	}
	c->mode = MODE_ENFORCE;
	c->workers = cpus > CONFIG_WORKERS_MAX ? CONFIG_WORKERS_MAX : cpus;
	c->intercept.method = METHOD_REDIRECT;
	c->intercept.backend = BACKEND_IPTABLES;
	c->intercept.listen.port = DEFAULT_PORT;
	c->intercept.settle_s = 3600;
	c->intercept.watch = true;
	c->client.tls_offer = true;
	c->resolver.trust_ad = TRUST_AD_AUTO;
	c->tls.min_version = TLS_1_2;
	c->policy.mta_sts = c->policy.dane = true;
	c->policy.no_policy = LEVEL_MAY;
	c->policy.stripping_refuse = true;
	c->policy.wait_s = 20;
	c->limits.sessions = 10000;
	c->limits.sessions_per_client = 500;
	c->log.journal = JOURNAL_AUTO;
	c->log.recipients = RECIPIENTS_DOMAIN;
	return c;
}

static size_t
place_of(const struct yaml *root, const char *name)
{
	const struct yaml *key;

	if (root->kind == YAML_MAP)
		for (key = root->first; key != NULL; key = key->next)
			if (strcmp(key->text, name) == 0)
				return key->at;
	return root->at;
}

/* What was not written: the machine must bear out the defaults, and `from` has none. */
static void
complete(struct reading *r, const struct yaml *root)
{
	struct config *c = r->config;
	char why[128];

	if (!r->user_given && r->host->user_exists != NULL && !r->host->user_exists(c->user))
		report_error(&r->report, root->at, "user: there is no user \"%s\" on this system",
		    c->user);
	if (!r->ca_file_given && r->host->ca_usable != NULL &&
	    !r->host->ca_usable(c->tls.ca_file, why, sizeof(why)))
		report_error(&r->report, place_of(root, "tls"), "tls.ca-file: %s %s",
		    c->tls.ca_file, why);
	if (c->intercept.from == NULL)
		report_error(&r->report, place_of(root, "intercept"), "intercept.from is missing: "
		    "the networks whose mail is guarded, such as [192.0.2.0/24]");
	config_check(r, root);
	if (c->resolver.servers_len == 0 && r->host->resolvers != NULL)
		c->resolver.servers_len = r->host->resolvers(c->resolver.servers,
		    CONFIG_RESOLVERS_MAX);
	if (c->resolver.servers_len == 0) {
		c->resolver.servers_len = 1;
		c->resolver.servers[0].port = DNS_PORT;
		address_parse_ip(&c->resolver.servers[0].ip, "127.0.0.1", 9);
	}
}

static void
read_text(struct reading *r)
{
	struct yaml *root = NULL;
	const char *p;

	for (p = r->report.text; p < r->report.text + r->report.len; p++)
		if (strchr(" \t\r\n", *p) == NULL || *p == '\0')
			break;
	if (p == r->report.text + r->report.len) {
		report_error(&r->report, 0, "the file is empty");
		return;
	}
	root = yaml_parse(&r->report);
	if (root == NULL)
		return;
	if (r->report.text[r->report.len - 1] != '\n')
		report_error(&r->report, r->report.len, "the file ends within a line: it may have "
		    "been cut off, or a line end is missing");
	keys_take(r, root);
	if (root->kind == YAML_MAP)
		complete(r, root);
	yaml_free(root);
}

static void
parse(struct reading *r)
{
	if (r->report.len > CONFIG_SIZE_MAX) {
		r->report.len = 0;
		report_error(&r->report, REPORT_NOWHERE, "the file is larger than %u octets",
		    CONFIG_SIZE_MAX);
	} else if ((r->config = config_new(r->host)) == NULL) {
		report_error(&r->report, REPORT_NOWHERE, "out of memory");
	} else {
		read_text(r);
	}
}

struct config *
config_parse(const char *text, size_t len, const char *name, const struct config_host *host,
    FILE *diagnostics, unsigned *errors, unsigned *warnings)
{
	struct reading r = { .report = { .file = name, .text = text, .len = len,
	    .out = diagnostics }, .host = host };

	parse(&r);
	if (errors != NULL)
		*errors = r.report.errors;
	if (warnings != NULL)
		*warnings = r.report.warnings;
	if (r.report.errors > 0) {
		config_free(r.config);
		return NULL;
	}
	return r.config;
}

/* The whole file and one octet more than allowed; NULL with errno. */
static char *
read_file(const char *file, size_t *len)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char *text = NULL;
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		errno = EISDIR;
	else
		text = malloc(CONFIG_SIZE_MAX + 1);
	*len = 0;
	while (text != NULL && *len < CONFIG_SIZE_MAX + 1) {
		n = read(fd, text + *len, CONFIG_SIZE_MAX + 1 - *len);
		if (n == 0 || (n < 0 && errno != EINTR))
			break;
		*len += n > 0 ? (size_t)n : 0;
	}
	if (text != NULL && n < 0) {
		free(text);
		text = NULL;
	}
	close(fd);
	return text;
}

struct config *
config_load(const char *file, FILE *diagnostics, unsigned *errors, unsigned *warnings)
{
	struct config *config;
	size_t len;
	char *text = read_file(file, &len);

	if (text == NULL) {
		fprintf(diagnostics, "%s: error: %s%s\n", file, strerror(errno),
		    errno == ENOENT ? "; postern.yaml.example is one to begin with" : "");
		if (errors != NULL)
			*errors = 1;
		if (warnings != NULL)
			*warnings = 0;
		return NULL;
	}
	config = config_parse(text, len, file, &config_host, diagnostics, errors, warnings);
	free(text);
	return config;
}

struct config *
config_anyway(const char *file)
{
	struct reading r = { .report = { .file = file }, .host = &config_host };
	char *text = read_file(file, &r.report.len), *said = NULL;
	size_t said_len = 0;

	r.report.text = text;
	r.report.out = text != NULL ? open_memstream(&said, &said_len) : NULL;
	if (r.report.out != NULL) {
		parse(&r);
		fclose(r.report.out);
	}
	free(said);
	free(text);
	return r.config;
}

static void
rules_free(struct config_rule *rules, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		rule_clear(&rules[i]);
	free(rules);
}

void
config_free(struct config *c)
{
	if (c == NULL)
		return;
	free(c->user);
	free(c->state_dir);
	free(c->control);
	free(c->intercept.from);
	free(c->intercept.interface);
	free(c->tls.ca_file);
	free(c->log.file);
	rules_free(c->relays, c->relays_len);
	rules_free(c->domains, c->domains_len);
	free(c);
}

const struct config_rule *
config_rule_find(const struct config_rule *rules, size_t len, const char *name, time_t now)
{
	size_t low = 0, high = len, middle;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		order = strcmp(name, rules[middle].name);
		if (order == 0)
			return rules[middle].until != 0 && now >= rules[middle].until ? NULL :
			    &rules[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
