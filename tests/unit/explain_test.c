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
#include "tls/key_exchange.h"
#include "tls/server_hello.h"

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

static void
status_shows_the_path(void **state)
{
	char *text = shown(show_status, "{\"healthy\":true,\"path\":\"inspect\",\"totals\":"
	    "{\"end_to_end\":7,\"ended_here\":3}}");

	(void)state;
	assert_non_null(strstr(text, "path             inspect\n"));
	assert_non_null(strstr(text, "7 passed end to end, 3 ended here\n"));
	free(text);
	text = shown(show_status, "{\"healthy\":true,\"path\":\"upgrade\",\"totals\":{}}");
	assert_null(strstr(text, "end to end"));
	free(text);
}

static void
metrics_of_processes(void **state)
{
	char *text = shown(show_metrics, "{\"healthy\":true,\"workers\":[{\"restarts\":3},"
	    "{\"restarts\":0}],\"nfq\":{\"restarts\":1},\"engine\":{\"policies\":7}}");

	(void)state;
	assert_non_null(strstr(text, "{process=\"worker 1\"} 3\n"));
	assert_non_null(strstr(text, "{process=\"worker 2\"} 0\n"));
	assert_non_null(strstr(text, "{process=\"nfq\"} 1\n"));
	assert_non_null(strstr(text, "# TYPE postern_policies gauge\npostern_policies 7\n"));
	free(text);
}

/* Whatever a log holds, nothing of it breaks a show function. */
static void
odd_json(void **state)
{
	static void (*const shows[])(FILE *out, const json_t *value) = {
		show_status, show_metrics, show_domain, show_policy_list, show_policy,
		show_refresh, show_forget, show_acknowledge, show_mode, show_decision, show_explain,
	};
	static const char *const odd[] = {
		"{}", "[]", "[1,[2,[3,{\"a\":null}]]]", "{\"mx\":5,\"sts\":[],\"problems\":{}}",
		"{\"decision\":\"x\",\"smtp\":[],\"policy\":7,\"tls\":\"\\u001b\",\"evidence\":[]}",
		"{\"problems\":[{},5,\"\\u001b]0;x\\u0007\"],\"workers\":[7]}",
		"{\"engine\":{\"\\u001b\":1}}",
		"{\"mx\":[7,{\"host\":7,\"addresses\":7,\"dane\":[]}],\"override\":{\"a\":[[]]}}",
		"{\"evidence\":\"\\u001b\\n\\u009b\",\"timestamp\":\"T\",\"src_ip\":\"\\u001b\"}",
		"[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]",
		"{\"inspect\":7}", "{\"inspect\":[],\"path\":7,\"totals\":{\"end_to_end\":\"\\u001b\"}}",
		"{\"inspect\":{\"outcome\":\"ended-here\",\"reason_code\":\"\\u001b\",\"detail\":[]}}",
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

#define UNREAD(type) \
	"{\"timestamp\":\"2026-11-21T14:02:19.418233Z\",\"event_type\":\"decision\",\"id\":" \
	"\"K7Q2-M4XD\",\"path\":\"inspect\",\"dest_ip\":\"203.0.113.9\",\"decision\":{\"verdict\":" \
	"\"pass\",\"result_type\":\"success\",\"reason_code\":\"proven\",\"reason\":\"got it\"}," \
	"\"policy\":{\"policy_type\":\"" type "\"},\"tls\":{\"version\":\"TLSv1.2\",\"names\":" \
	"\"mx.a.example\"},\"inspect\":{\"outcome\":\"end-to-end\"}}"

/* Nobody has seen a recipient of it, and it does not look like an omission. */
static void
end_to_end(void **state)
{
	const struct filter any = { false, "", "", "" }, domain = { false, "a.example", "", "" };
	json_t *event = json_loads(UNREAD("sts"), 0, NULL);
	char *text = shown(show_explain, UNREAD("sts"));

	(void)state;
	assert_non_null(strstr(text, "\ninspect\n  outcome        end-to-end\n"));
	assert_non_null(strstr(text, "stayed its own"));
	assert_non_null(strstr(text, "are not known"));
	assert_null(strstr(text, "None of them demands proof"));
	assert_non_null(strstr(text, "TLSv1.2"));
	assert_non_null(strstr(text, "next step\n  Nothing to do"));
	free(text);
	text = shown(show_explain, UNREAD("no-policy-found"));
	assert_non_null(strstr(text, "None of them demands proof"));
	free(text);
	text = shown(show_decision, UNREAD("sts"));
	assert_non_null(strstr(text, " (end to end) "));
	assert_int_equal(strcspn(text, "\n"), strlen(text) - 1);
	free(text);
	assert_true(filter_match(&any, event));
	assert_false(filter_match(&domain, event));
	json_decref(event);
	assert_string_equal("", advice_inspect(NULL));
}

static void
ended_here(void **state)
{
	static const struct {
		const char *code, *holds;
	} rows[] = {
		{ "tls13-offered", "exempt it" }, { "unmapped", "watch: yes" },
		{ "not-remembered", "full handshake" }, { "not-tls", "no TLS" },
		{ "alert", "alert" }, { "wrong-order", "order" }, { "too-many-records", "64" },
		{ "too-long", "128 KiB" }, { "malformed", "cannot be read" },
		{ "tls13-chosen", "had not offered" }, { "downgrade-marked", "4.1.3" },
		{ "suite-not-offered", "suite" }, { "suite-unproven", "ECDHE" },
		{ "extension-not-allowed", "raw keys" }, { "signature-invalid", "not have the key" },
		{ "group-unfit", "2048" }, { "signature-unfit", "algorithm" },
		{ "starttls-not-offered", "no STARTTLS" }, { "starttls-refused", "refused it" },
		{ "injected", "None reached the client" }, { "server-gone", "broke" },
		{ "empty-record", "empty" }, { "record-version", "another version" },
		{ "certificates-unusable", "twelve" }, { "key-unfit", "key" },
		{ "suite-weak", "too weak" }, { "version-too-low", "min-version" },
		{ "no-memory", "no memory" },
		{ "client-hello", "SSLv2" }, { "no-answer", "policy process" },
		{ "out-of-memory", "no memory" }, { "chain-expired", "clock" },
		{ "chain-untrusted", "ca-file" }, { "chain-invalid", "unfit" },
		{ "name-mismatch", "SNI" }, { "mx-mismatch", "not among" },
		{ "tls-version", "TLS 1.2" }, { "no-certificate", "no certificate" },
		{ "something-new", "each recipient gets its own verdict" },
		{ "", "each recipient gets its own verdict" },
	};
	json_t *event = json_loads(refusal, 0, NULL);
	char *text, *json;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		print_message("%s\n", rows[i].code);
		json_object_set_new(event, "inspect", json_pack("{s:s,s:s}", "outcome",
		    "ended-here", "reason_code", rows[i].code));
		assert_non_null(strstr(advice_inspect(event), rows[i].holds));
		json = json_dumps(event, 0);
		text = shown(show_explain, json);
		assert_non_null(strstr(text, advice_inspect(event)));
		assert_non_null(strstr(text, rows[i].code));
		/* The verdict's own advice is as ever. */
		assert_non_null(strstr(text, "next step\n  The certificate does not carry"));
		free(text);
		text = shown(show_decision, json);
		assert_int_equal(strstr(text, "; TLS ended here: ") != NULL, rows[i].code[0] != '\0');
		assert_int_equal(strcspn(text, "\n"), strlen(text) - 1);
		free(text);
		free(json);
	}
	json_object_set_new(event, "inspect", json_pack("{s:s}", "outcome", "something-new"));
	assert_string_equal("", advice_inspect(event));
	json_decref(event);
}

/* Whatever the handshake's readers call a fault has its own advice. */
static void
every_fault_has_advice(void **state)
{
	const char *codes[SERVER_HELLO_EXTENSION + KEY_EXCHANGE_SIGNATURE];
	const char *unknown;
	size_t i, n = 0;
	json_t *event;

	(void)state;
	for (i = SERVER_HELLO_BAD; i <= SERVER_HELLO_EXTENSION; i++)
		codes[n++] = server_hello_result_text((enum server_hello_result)i);
	for (i = KEY_EXCHANGE_WEAK; i <= KEY_EXCHANGE_SIGNATURE; i++)
		codes[n++] = key_exchange_result_text((enum key_exchange_result)i);
	event = json_pack("{s:{s:s}}", "inspect", "outcome", "ended-here");
	unknown = advice_inspect(event);
	for (i = 0; i < n; i++) {
		json_object_set_new(json_object_get(event, "inspect"), "reason_code",
		    json_string(codes[i]));
		print_message("%s\n", codes[i]);
		assert_string_not_equal(advice_inspect(event), unknown);
	}
	json_decref(event);
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
		cmocka_unit_test(status_shows_the_path),
		cmocka_unit_test(metrics_of_processes), cmocka_unit_test(odd_json),
		cmocka_unit_test(advice),
		cmocka_unit_test(end_to_end),
		cmocka_unit_test(ended_here),
		cmocka_unit_test(every_fault_has_advice),
		cmocka_unit_test(filtered),
		cmocka_unit_test(log_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
