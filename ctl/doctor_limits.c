/* doctor_limits.c - what runs out or goes stale: clock, CA bundle, descriptors, memory, disk
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/doctor.h"

#define WRITTEN_S 1735689600	/* 2025-01-01: no clock before that is right */
#define FAR_S 4102444800	/* 2100-01-01 */
#define PER_SESSION 2		/* descriptors: the client's and the server's socket */
#define BESIDES 256		/* listener, channels, the log; as posternd asks for itself */
#define SESSION_KIB 24		/* memory of a session with TLS on both sides */
#define BASE_KIB 65536		/* the processes, the CA bundle, the store */
#define DISK_PERCENT 5
#define DISK_BYTES (100ull << 20)
#define CA_MAX (16u << 20)	/* the usual bundle has 220 KiB */

void
doctor_clock(struct doctor *d)
{
	bool synchronised = false;
	char date[32] = "";
	struct tm tm;
	time_t now;

	if (!d->host->clock(&now, &synchronised)) {
		doctor_say(d, DOCTOR_UNKNOWN, "clock", "the kernel does not tell its state");
		doctor_remedy(d, "timedatectl, or chronyc tracking");
		return;
	}
	if (gmtime_r(&now, &tm) != NULL)
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &tm);
	if (now < WRITTEN_S || now > FAR_S) {
		doctor_say(d, DOCTOR_FAULT, "clock", "it is not %s: every certificate will be "
		    "judged by it", date);
		doctor_remedy(d, "set it, and run an NTP client (systemd-timesyncd, chrony)");
	} else if (!synchronised) {
		doctor_say(d, DOCTOR_WARNING, "clock", "%s, not synchronised: certificates and "
		    "policies end by it", date);
		doctor_remedy(d, "run an NTP client (systemd-timesyncd, chrony)");
	} else {
		doctor_say(d, DOCTOR_OK, "clock", "%s, synchronised", date);
	}
}

void
doctor_ca(struct doctor *d)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----";
	static const char trusted[] = "-----BEGIN TRUSTED CERTIFICATE-----";
	char *text = malloc(CA_MAX), *at;
	unsigned n = 0;
	int error;

	if (text == NULL || !doctor_read(d, d->config->tls.ca_file, text, CA_MAX)) {
		error = errno;
		doctor_say(d, error == EACCES ? DOCTOR_UNKNOWN : DOCTOR_FAULT, "ca-bundle",
		    "%s: %s", d->config->tls.ca_file, strerror(error));
		doctor_remedy(d, error == EACCES ? "run as root" :
		    "apt install ca-certificates, or tls.ca-file");
		free(text);
		return;
	}
	for (at = text; (at = strstr(at, begin)) != NULL; at += strlen(begin))
		n++;
	for (at = text; (at = strstr(at, trusted)) != NULL; at += strlen(trusted))
		n++;
	free(text);
	if (n > 0) {
		doctor_say(d, DOCTOR_OK, "ca-bundle", "%s has %u certificate%s",
		    d->config->tls.ca_file, n, n == 1 ? "" : "s");
		return;
	}
	doctor_say(d, DOCTOR_FAULT, "ca-bundle", "%s has no certificate: nothing can be proven",
	    d->config->tls.ca_file);
	doctor_remedy(d, "update-ca-certificates, or tls.ca-file");
}

void
doctor_descriptors(struct doctor *d)
{
	const json_t *worker = json_array_get(json_object_get(d->status, "workers"), 0);
	json_int_t pid = json_integer_value(json_object_get(worker, "pid"));
	unsigned long need = (unsigned long)d->config->limits.sessions * PER_SESSION + BESIDES;
	char path[64], text[DOCTOR_FILE_MAX], *at;
	unsigned long limit;

	if (d->status == NULL)
		return;		/* said by the check of the daemon */
	snprintf(path, sizeof(path), "/proc/%lld/limits", (long long)pid);
	at = pid > 0 && doctor_read(d, path, text, sizeof(text)) ?
	    strstr(text, "\nMax open files") : NULL;
	if (at == NULL) {
		doctor_say(d, DOCTOR_UNKNOWN, "descriptors", "a worker's limits cannot be read");
		doctor_remedy(d, "run as root");
		return;
	}
	at += strlen("\nMax open files");
	at += strspn(at, " ");
	limit = strncmp(at, "unlimited", 9) == 0 ? ULONG_MAX : strtoul(at, NULL, 10);
	if (limit >= need) {
		doctor_say(d, DOCTOR_OK, "descriptors", "room for limits.sessions: %u in a worker",
		    d->config->limits.sessions);
		return;
	}
	doctor_say(d, DOCTOR_WARNING, "descriptors", "a worker may open %lu files, "
	    "limits.sessions: %u needs %lu", limit, d->config->limits.sessions, need);
	doctor_remedy(d, "LimitNOFILE=%lu in posternd.service, or a smaller limits.sessions", need);
}

void
doctor_memory(struct doctor *d)
{
	unsigned long long need = (unsigned long long)d->config->limits.sessions * SESSION_KIB +
	    BASE_KIB, free_kib;
	char text[DOCTOR_FILE_MAX], *at = NULL;

	if (doctor_read(d, "/proc/meminfo", text, sizeof(text)))
		at = strstr(text, "MemAvailable:");
	if (at == NULL) {
		doctor_say(d, DOCTOR_UNKNOWN, "memory", "/proc/meminfo cannot be read");
		doctor_remedy(d, "is /proc mounted?");
		return;
	}
	free_kib = strtoull(at + strlen("MemAvailable:"), NULL, 10);
	if (free_kib >= need) {
		doctor_say(d, DOCTOR_OK, "memory", "%llu MiB are available, limits.sessions: %u "
		    "needs %llu", free_kib / 1024, d->config->limits.sessions, need / 1024);
		return;
	}
	doctor_say(d, DOCTOR_WARNING, "memory", "%llu MiB are available, limits.sessions: %u may "
	    "need %llu", free_kib / 1024, d->config->limits.sessions, need / 1024);
	doctor_remedy(d, "a smaller limits.sessions, or more memory");
}

static void
check_folder(struct doctor *d, const char *folder, const char *key)
{
	struct doctor_space s = { 0, 0 };
	bool denied;

	if (!d->host->space(folder, &s)) {
		if (errno == ENOENT && d->status == NULL) {
			doctor_say(d, DOCTOR_NOTE, "disk", "%s (%s) is not there yet; its unit, or "
			    "posternd started as root, makes it", folder, key);
			return;
		}
		denied = errno == EACCES;
		doctor_say(d, denied ? DOCTOR_UNKNOWN : DOCTOR_FAULT, "disk", "%s (%s): %s", folder,
		    key, strerror(errno));
		if (denied)
			doctor_remedy(d, "run as root");
		else
			doctor_remedy(d, "%s: a folder that `user` may write to", key);
	} else if (s.free < DISK_BYTES || s.free < s.total / 100 * DISK_PERCENT) {
		doctor_say(d, DOCTOR_WARNING, "disk", "%llu MiB are free in %s (%s)", s.free >> 20,
		    folder, key);
		doctor_remedy(d, "make room; when it is full no decision is logged and no policy "
		    "kept");
	} else {
		doctor_say(d, DOCTOR_OK, "disk", "%llu MiB are free in %s", s.free >> 20, folder);
	}
}

void
doctor_disk(struct doctor *d)
{
	char folder[PATH_MAX], *slash;

	check_folder(d, d->config->state_dir, "state-dir");
	snprintf(folder, sizeof(folder), "%s", d->config->log.file);
	slash = strrchr(folder, '/');
	if (slash == NULL)
		return;
	slash[slash == folder] = '\0';
	check_folder(d, folder, "log.file");
}
