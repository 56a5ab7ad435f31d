/* config_yaml.c - a YAML file as a tree of nodes that know where they stand
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * libfyaml 0.7.12 ends a document in silence at a NUL and at octets that are not UTF-8, so these
 * are looked for first. Its events are used rather than its documents: they have a mark each, and
 * duplicate keys are left to us. */
#include "daemon/config_yaml.h"

#include <libfyaml.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct builder {
	struct report *report;
	struct fy_parser *parser;
	struct fy_diag *diag;
	size_t last;		/* the end of the last scalar, where an empty value is said to be */
	unsigned line;
	bool failed;
};

static struct yaml *take_node(struct builder *b, struct fy_event *event, unsigned depth);

static void
fail(struct builder *b, size_t at, const char *reason)
{
	if (!b->failed)
		report_error(b->report, at, "%s", reason);
	b->failed = true;
}

/* The length of the UTF-8 sequence at p, 0 when there is none (RFC 3629 4). */
static size_t
utf8_length(const unsigned char *p, size_t left)
{
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 :
	    p[0] < 0xf5 ? 4 : 0;
	size_t i;

	if (len > left)
		return 0;
	for (i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return len;
}

/* A carriage return is part of a line's end or out of place. */
static bool
is_control(const unsigned char *p, size_t left)
{
	if (p[0] == '\r')
		return left < 2 || p[1] != '\n';
	return (p[0] < 0x20 && p[0] != '\t' && p[0] != '\n') || p[0] == 0x7f;
}

static bool
is_text(struct report *r)
{
	const unsigned char *p = (const unsigned char *)r->text;
	size_t at, len;

	for (at = 0; at < r->len; at += len) {
		len = utf8_length(p + at, r->len - at);
		if (len == 0) {
			report_error(r, at, "this is not UTF-8 text (octet 0x%02x)", p[at]);
			return false;
		}
		if (is_control(p + at, r->len - at)) {
			report_error(r, at, "control character 0x%02x: this is not a text file",
			    p[at]);
			return false;
		}
	}
	return true;
}

static struct yaml *
node_new(struct builder *b, enum yaml_kind kind, struct fy_event *event)
{
	struct yaml *node = calloc(1, sizeof(*node));
	const struct fy_mark *mark = fy_event_start_mark(event);

	if (node == NULL) {
		fail(b, REPORT_NOWHERE, "out of memory");
		return NULL;
	}
	node->kind = kind;
	if (mark != NULL) {
		b->last = mark->input_pos;
		b->line = (unsigned)mark->line + 1;
	}
	node->at = b->last;
	node->line = b->line;
	return node;
}

static bool
has_control(const char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return true;
	return false;
}

static struct yaml *
take_scalar(struct builder *b, struct fy_event *event)
{
	struct yaml *node = node_new(b, YAML_SCALAR, event);
	const struct fy_mark *end = fy_event_end_mark(event);
	const char *text = "";
	size_t len = 0;

	if (node == NULL)
		return NULL;
	if (event->scalar.value != NULL)
		text = fy_token_get_text(event->scalar.value, &len);
	if (text == NULL || has_control(text, len)) {
		fail(b, node->at, "a value may not hold line ends or control characters");
		len = 0;
	}
	node->text = malloc(len + 1);
	if (node->text == NULL) {
		fail(b, REPORT_NOWHERE, "out of memory");
		yaml_free(node);
		return NULL;
	}
	if (len > 0)
		memcpy(node->text, text, len);
	node->text[len] = '\0';
	node->len = len;
	if (end != NULL && end->input_pos > b->last)
		b->last = end->input_pos;
	return node;
}

/* The next event; NULL at the end, and after a syntax error. */
static struct fy_event *
next_event(struct builder *b)
{
	struct fy_event *event = b->failed ? NULL : fy_parser_parse(b->parser);
	struct fy_diag_error *error;
	void *iterator = NULL;

	if (event != NULL || b->failed)
		return event;
	error = fy_diag_errors_iterate(b->diag, &iterator);
	if (error != NULL)
		fail(b, report_offset(b->report, error->line > 0 ? (unsigned)error->line : 1,
		    error->column > 0 ? (unsigned)error->column : 1), error->msg);
	else if (fy_parser_get_stream_error(b->parser))
		fail(b, b->last, "this is not YAML");
	return NULL;
}

static void
take_children(struct builder *b, struct yaml *parent, enum fy_event_type end, unsigned depth)
{
	struct yaml **tail = &parent->first, *child;
	struct fy_event *event;

	while ((event = next_event(b)) != NULL) {
		if (event->type == end) {
			fy_parser_event_free(b->parser, event);
			return;
		}
		child = take_node(b, event, depth + 1);
		if (child == NULL)
			return;
		*tail = child;
		tail = &child->next;
		if (parent->kind != YAML_MAP)
			continue;
		if (child->kind != YAML_SCALAR) {
			fail(b, child->at, "a key must be a plain word");
			return;
		}
		child->value = take_node(b, next_event(b), depth + 1);
	}
}

/* True where the event carries what a configuration has no use for. */
static bool
is_decorated(const struct fy_event *event)
{
	switch (event->type) {
	case FYET_SCALAR:
		return event->scalar.anchor != NULL || event->scalar.tag != NULL;
	case FYET_SEQUENCE_START:
		return event->sequence_start.anchor != NULL || event->sequence_start.tag != NULL;
	case FYET_MAPPING_START:
		return event->mapping_start.anchor != NULL || event->mapping_start.tag != NULL;
	case FYET_ALIAS:
		return true;
	case FYET_NONE: case FYET_STREAM_START: case FYET_STREAM_END: case FYET_DOCUMENT_START:
	case FYET_DOCUMENT_END: case FYET_SEQUENCE_END: case FYET_MAPPING_END:
		break;
	}
	return false;
}

/* Takes over the event. NULL after a failure. */
static struct yaml *
take_node(struct builder *b, struct fy_event *event, unsigned depth)
{
	struct yaml *node = NULL;
	const struct fy_mark *mark;

	if (event == NULL)
		return NULL;
	mark = fy_event_start_mark(event);
	if (is_decorated(event)) {
		fail(b, mark != NULL ? mark->input_pos : b->last,
		    "anchors, aliases and tags are not used here");
	} else if (depth > YAML_DEPTH_MAX) {
		fail(b, mark != NULL ? mark->input_pos : b->last, "nested too deeply");
	} else if (event->type == FYET_SCALAR) {
		node = take_scalar(b, event);
	} else if (event->type == FYET_SEQUENCE_START) {
		node = node_new(b, YAML_LIST, event);
		if (node != NULL)
			take_children(b, node, FYET_SEQUENCE_END, depth);
	} else if (event->type == FYET_MAPPING_START) {
		node = node_new(b, YAML_MAP, event);
		if (node != NULL)
			take_children(b, node, FYET_MAPPING_END, depth);
	} else {
		fail(b, b->last, "this is not YAML");
	}
	fy_parser_event_free(b->parser, event);
	return node;
}

/* stream start, document start, one node, document end, stream end */
static struct yaml *
take_stream(struct builder *b)
{
	struct yaml *root = NULL;
	struct fy_event *event;
	const struct fy_mark *mark;

	while ((event = next_event(b)) != NULL) {
		bool between = event->type == FYET_STREAM_START ||
		    event->type == FYET_DOCUMENT_START || event->type == FYET_DOCUMENT_END ||
		    event->type == FYET_STREAM_END;

		if (root == NULL && !between) {
			root = take_node(b, event, 0);
			continue;
		}
		/* A document that begins without "---" has its place with its first node. */
		mark = fy_event_start_mark(event);
		if (root != NULL && (!between ||
		    (event->type == FYET_DOCUMENT_START && mark != NULL)))
			fail(b, mark != NULL ? mark->input_pos : b->last,
			    "a second document begins here; the file must hold one");
		fy_parser_event_free(b->parser, event);
	}
	if (root == NULL)
		fail(b, 0, "the file holds no configuration");
	if (b->failed) {
		yaml_free(root);
		root = NULL;
	}
	return root;
}

struct yaml *
yaml_parse(struct report *report)
{
	struct builder b = { .report = report, .line = 1 };
	struct fy_diag_cfg quiet;
	struct fy_parse_cfg how = { .flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE |
	    FYPCF_ALLOW_DUPLICATE_KEYS };
	struct yaml *root = NULL;

	if (!is_text(report))
		return NULL;
	fy_diag_cfg_default(&quiet);
	quiet.fp = NULL;
	b.diag = fy_diag_create(&quiet);
	if (b.diag != NULL) {
		fy_diag_set_collect_errors(b.diag, true);
		how.diag = b.diag;
		b.parser = fy_parser_create(&how);
	}
	if (b.parser == NULL || fy_parser_set_string(b.parser, report->text, report->len) != 0)
		fail(&b, REPORT_NOWHERE, "out of memory");
	else
		root = take_stream(&b);
	if (b.parser != NULL)
		fy_parser_destroy(b.parser);
	if (b.diag != NULL)
		fy_diag_destroy(b.diag);
	return root;
}

/* Siblings in a loop, children by recursion no deeper than YAML_DEPTH_MAX. */
void
yaml_free(struct yaml *node)
{
	struct yaml *next;

	for (; node != NULL; node = next) {
		next = node->next;
		yaml_free(node->first);
		yaml_free(node->value);
		free(node->text);
		free(node);
	}
}

const char *
yaml_kind_name(enum yaml_kind kind)
{
	switch (kind) {
	case YAML_SCALAR: return "a single value";
	case YAML_LIST: return "a list";
	case YAML_MAP: return "a mapping";
	}
	return "";
}
