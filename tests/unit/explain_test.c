/* explain_test.c - decisions found in the log, shown and explained, with hostile text in them
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/advice.h"
#include "ctl/filter.h"
#include "ctl/logreader.h"
#include "ctl/show.h"
#include "ctl/terminal.h"

static const char refusal[] =
    "{\"timestamp\":\"2026-11-21T14:02:19.418233Z\",\"v\":1,\"event_type\":\"decision\","
    "\"id\":\"K7Q2-M4XD\",\"src_ip\":\"10.20.3.7\",\"src_port\":51422,\"dest_ip\":"
    "\"203.0.113.9\",\"dest_port\":25,\"decision\":{\"verdict\":\"refuse\",\"mode\":\"enforce\","
    "\"result_type\":\"certificate-host-mismatch\",\"reason_code\":\"name-mismatch\",\"reason\":"
    "\"got \\u001b[31mred\",\"reply\":\"451 4.7.5 no\"},\"smtp\":{\"rcpt_domain\":"
    "\"broken.example\",\"mx_host\":\"mx.broken.example\",\"starttls\":\"offered\"},\"policy\":"
    "{\"policy_domain\":\"broken.example\",\"source\":\"cache\"},\"tls\":{\"names\":"
    "\"*.hoster.example\",\"chain_sha256\":[\"aa\"]},\"evidence\":{\"text\":"
    "\"version: STSv1\\r\\nmx: a\\nmode: \\u009b2J\",\"dns\":[{\"name\":\"broken.example\","
    "\"type\":\"MX\"}]}}";

static char *
shown(void (*show)(FILE *out, const json_t *value), const char *json)
{
	json_t *value = json_loads(json, 0, NULL);
	char *text = NULL;
	size_t size, i;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(value);
	show(out, value);
	fclose(out);
	json_decref(value);
	/* The one promise for all of them. */
	for (i = 0; i < size; i++)
		assert_true(text[i] == '\n' || (text[i] >= 0x20 && text[i] < 0x7f));
	return text;
}

static void
explained(void **state)
{
	char *text = shown(show_explain, refusal);

	(void)state;
	assert_non_null(strstr(text, "decision K7Q2-M4XD: refuse (certificate-host-mismatch, "));
	assert_non_null(strstr(text, "2026-11-21 14:02:19Z"));
	assert_non_null(strstr(text, "10.20.3.7 port 51422"));
	assert_non_null(strstr(text, "\\x1b[31mred"));
	assert_non_null(strstr(text, "451 4.7.5 no"));
	assert_non_null(strstr(text, "*.hoster.example"));
	assert_non_null(strstr(text, "| version: STSv1\n"));
	assert_non_null(strstr(text, "| mx: a\n"));
	assert_non_null(strstr(text, "next step\n  The certificate does not carry"));
	free(text);
	text = shown(show_decision, refusal);
	assert_non_null(strstr(text, "2026-11-21 14:02:19Z K7Q2-M4XD refuse"));
	assert_int_equal(strcspn(text, "\n"), strlen(text) - 1);	/* one line */
	free(text);
}

/* Whatever a log holds, nothing of it breaks a show function. */
static void
odd_json(void **state)
{
	static void (*const shows[])(FILE *out, const json_t *value) = {
		show_status, show_domain, show_policy_list, show_policy, show_refresh, show_forget,
		show_acknowledge, show_mode, show_decision, show_explain,
	};
	static const char *const odd[] = {
		"{}", "[]", "[1,[2,[3,{\"a\":null}]]]", "{\"mx\":5,\"sts\":[],\"problems\":{}}",
		"{\"decision\":\"x\",\"smtp\":[],\"policy\":7,\"tls\":\"\\u001b\",\"evidence\":[]}",
		"{\"problems\":[{},5,\"\\u001b]0;x\\u0007\"],\"workers\":[7]}",
		"{\"engine\":{\"\\u001b\":1}}",
		"{\"mx\":[7,{\"host\":7,\"addresses\":7,\"dane\":[]}],\"override\":{\"a\":[[]]}}",
		"{\"evidence\":\"\\u001b\\n\\u009b\",\"timestamp\":\"T\",\"src_ip\":\"\\u001b\"}",
		"[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]",
	};
	size_t i, k;

	(void)state;
	for (i = 0; i < sizeof(shows) / sizeof(shows[0]); i++)
		for (k = 0; k < sizeof(odd) / sizeof(odd[0]); k++)
			free(shown(shows[i], odd[k]));
}

static void
advice(void **state)
{
	static const struct {
		const char *result, *code, *starttls, *source, *holds;
	} rows[] = {
		{ "success", "proven", "offered", "cache", "over TLS" },
		{ "success", "starttls-absent", "absent", "", "clear text" },
		{ "success", "handshake-failed", "offered", "", "clear text" },
		{ "success", "tls-unauthenticated", "offered", "", "identity unknown" },
		{ "validation-failure", "null-mx", "not-tried", "", "takes no mail" },
		{ "validation-failure", "policy-pending", "not-tried", "", "on its way" },
		{ "starttls-not-supported", "starttls-masked", "masked", "cache", "overwritten" },
		{ "starttls-not-supported", "starttls-absent", "absent", "memory", "before" },
		{ "starttls-not-supported", "starttls-absent", "absent", "cache", "contradict" },
		{ "starttls-not-supported", "starttls-refused", "refused", "cache", "refuses" },
		{ "starttls-not-supported", "starttls-injected", "injected", "", "injects" },
		{ "certificate-host-mismatch", "name-mismatch", "offered", "cache", "common name" },
		{ "validation-failure", "mx-mismatch", "offered", "cache", "MX records" },
		{ "validation-failure", "tls-version", "offered", "cache", "TLS 1.2" },
		{ "validation-failure", "dns-undecided", "not-tried", "", "resolver" },
		{ "certificate-expired", "chain-expired", "offered", "cache", "clock" },
		{ "certificate-not-trusted", "chain-untrusted", "offered", "cache",
		    "intermediate" },
		{ "something-new", "", "", "", "Probe" },
		{ "", "", "", "", "Probe" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *d = json_pack("{s:{s:s,s:s},s:{s:s},s:{s:s}}", "decision", "result_type",
		    rows[i].result, "reason_code", rows[i].code, "smtp", "starttls",
		    rows[i].starttls, "policy", "source", rows[i].source);
		const char *text = advice_for(d);

		print_message("%s %s\n", rows[i].result, rows[i].code);
		assert_non_null(strstr(text, rows[i].holds));
		assert_int_equal(text[strlen(text) - 1], '\n');
		json_decref(d);
	}
}

static void
filtered(void **state)
{
	static const struct {
		struct filter filter;
		bool match;
	} rows[] = {
		{ { false, "", "", "" }, true },
		{ { true, "", "", "" }, true },
		{ { false, "broken.example", "", "" }, true },
		{ { false, "example", "", "" }, false },
		{ { false, "", "K7Q2-M4XD", "" }, true },
		{ { false, "", "K7Q2-M4XE", "" }, false },
		{ { false, "", "", "2026-11-21T14:02:19" }, true },
		{ { false, "", "", "2026-11-21T14:02:20" }, false },
	};
	json_t *event = json_loads(refusal, 0, NULL);
	struct filter f = { false, "", "", "" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(filter_match(&rows[i].filter, event), rows[i].match);
	json_object_set_new(json_object_get(event, "decision"), "verdict", json_string("pass"));
	assert_false(filter_match(&rows[1].filter, event));
	json_object_set_new(event, "event_type", json_string("session"));
	assert_false(filter_match(&rows[0].filter, event));
	json_decref(event);
	filter_since(&f, 1795269739, 3600);
	assert_string_equal(f.since, "2026-11-21T13:02:19");
	filter_since(&f, 10, 3600);
	assert_string_equal(f.since, "1970-01-01T00:00:00");
}

struct seen {
	size_t events, enough;
};

static bool
count(void *arg, const json_t *event)
{
	struct seen *s = arg;

	assert_true(json_is_object(event));
	return ++s->events != s->enough;
}

/* Lines torn by a full disk or a crash are passed over and counted; all others are read. */
static void
log_lines(void **state)
{
	static const struct {
		const char *text;
		size_t size, events, skipped;
	} rows[] = {
		{ "", 0, 0, 0 },
		{ "{}\n{}\n", 6, 2, 0 },
		{ "{}\n{}\n", 3, 1, 0 },	/* what was written later belongs to the follower */
		{ "{\"a\":1}\n{\"b\n{}\n[]\n7\n\n\x80\n{}\n", 99, 3, 4 },
		{ "{}\n{\"a\"", 99, 1, 1 },
		{ "{}\n{}", 99, 2, 0 },
	};
	char name[] = "/tmp/postern-log-XXXXXX", *big = malloc(LOGREADER_LINE_MAX + 10);
	struct seen seen;
	size_t i, skipped;
	int fd = mkstemp(name);

	(void)state;
	unlink(name);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, rows[i].text, strlen(rows[i].text), 0),
		    strlen(rows[i].text));
		lseek(fd, 0, SEEK_SET);
		seen = (struct seen){ 0, 0 };
		skipped = 0;
		assert_int_equal(logreader_read(fd, rows[i].size, count, &seen, &skipped), 0);
		assert_int_equal(seen.events, rows[i].events);
		assert_int_equal(skipped, rows[i].skipped);
	}
	memset(big, 'x', LOGREADER_LINE_MAX + 1);
	memcpy(big + LOGREADER_LINE_MAX + 1, "\n{}\n{}\n", 7);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, big, LOGREADER_LINE_MAX + 8, 0), LOGREADER_LINE_MAX + 8);
	lseek(fd, 0, SEEK_SET);
	seen = (struct seen){ 0, 1 };			/* and stops when told so */
	skipped = 0;
	assert_int_equal(logreader_read(fd, UINT64_MAX, count, &seen, &skipped), 0);
	assert_int_equal(seen.events, 1);
	assert_int_equal(skipped, 1);
	free(big);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(explained),
		cmocka_unit_test(odd_json),
		cmocka_unit_test(advice),
		cmocka_unit_test(filtered),
		cmocka_unit_test(log_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
