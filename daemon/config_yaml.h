/* config_yaml.h - a YAML file as a tree of nodes that know where they stand
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Only what a configuration needs: one document of mappings, lists and scalars. Anchors, aliases,
 * tags and keys that are not scalars are errors. */
#ifndef DAEMON_CONFIG_YAML_H
#define DAEMON_CONFIG_YAML_H

#include <stddef.h>

#include "daemon/config_report.h"

#define YAML_DEPTH_MAX 8	/* the deepest known key stands at 3 */

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml {
	enum yaml_kind kind;
	size_t at;		/* octet in the source */
	unsigned line;		/* from 1 */
	char *text;		/* scalar: NUL-terminated, without control characters; else NULL */
	size_t len;
	struct yaml *first;	/* list: items; map: keys, each with its value */
	struct yaml *value;	/* of a key */
	struct yaml *next;
};

/* yaml_parse: the tree of report->text, NULL after an error that has been reported, or when the
 * file holds nothing but comments (also reported). The caller frees with yaml_free. */
struct yaml *yaml_parse(struct report *report);
void yaml_free(struct yaml *node);	/* NULL is allowed */

const char *yaml_kind_name(enum yaml_kind kind);	/* "a list" */

#endif
