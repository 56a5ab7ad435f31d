/* config_keys.h - the table of all keys, and how the tree is held against it
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DAEMON_CONFIG_KEYS_H
#define DAEMON_CONFIG_KEYS_H

#include "daemon/config.h"
#include "daemon/config_host.h"
#include "daemon/config_report.h"
#include "daemon/config_yaml.h"

struct reading {
	struct report report;
	struct config *config;
	const struct config_host *host;
	bool user_given, ca_file_given;
};

struct config_choice {
	const char *word;
	int value;
	bool alias;		/* not shown among the choices */
};

enum config_store { STORE_NOTHING, STORE_BOOL, STORE_NUMBER };

struct config_key {
	const char *section, *name;	/* section "" at the top */
	void (*take)(struct reading *r, const struct config_key *key, const struct yaml *value);
	size_t offset;			/* of the field in struct config */
	const struct config_choice *choices;
	enum config_store store;	/* how a choice's value is kept */
	unsigned min, max;		/* of a number or duration; max of a text's length */
};

/* keys_take: the whole file. */
void keys_take(struct reading *r, const struct yaml *root);

/* key_error: "SECTION.NAME: ..." at the place of the value. */
void key_error(struct reading *r, const struct config_key *key, const struct yaml *value,
    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* key_field: where in the configuration the value goes. */
void *key_field(const struct reading *r, const struct config_key *key);

/* The readers of the table's values (config_take.c). */
void take_choice(struct reading *r, const struct config_key *key, const struct yaml *value);
void take_number(struct reading *r, const struct config_key *key, const struct yaml *value);
void take_duration(struct reading *r, const struct config_key *key, const struct yaml *value);
void take_workers(struct reading *r, const struct config_key *key, const struct yaml *value);
void take_user(struct reading *r, const struct config_key *key, const struct yaml *value);
void take_path(struct reading *r, const struct config_key *key, const struct yaml *value);
void take_ca_file(struct reading *r, const struct config_key *key, const struct yaml *value);
void take_listen(struct reading *r, const struct config_key *key, const struct yaml *value);
void take_from(struct reading *r, const struct config_key *key, const struct yaml *value);
void take_interface(struct reading *r, const struct config_key *key, const struct yaml *value);
void take_servers(struct reading *r, const struct config_key *key, const struct yaml *value);
/* config_rules.c */
void take_rules(struct reading *r, const struct config_key *key, const struct yaml *value);
/* rule_clear: frees what hangs at it. */
void rule_clear(struct config_rule *rule);

/* take_match: fingerprints, one or a list of them, for the rule (config_match.c). */
void take_match(struct reading *r, const struct config_key *key, const struct yaml *value,
    struct config_rule *rule);

/* config_check: what is written and what it leans on, once the whole file was taken. */
void config_check(struct reading *r, const struct yaml *root);

#endif
