/* parent.c - the parent process: signals, reload, the service manager
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "daemon/parent.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/console.h"
#include "daemon/listener.h"
#include "daemon/notify.h"
#include "daemon/reload.h"

#define FAR_FUTURE_S 1e9
#define ERROR_SIZE 256

struct parent {
	const struct parent_start *start;
	struct ev_loop *loop;
	struct config *config;
	struct counters *counters;
	struct listeners listeners;
	struct family *family;
	struct notify notify;
	ev_io signals;
	ev_timer watchdog;
	ev_periodic far_future;
	bool stopping;
	int status;
};

static void
stop(struct parent *p)
{
	if (!p->stopping) {
		notify_stopping(&p->notify);
		notify_status(&p->notify, "stopping: open sessions may end");
		/* Who comes now is refused by the kernel instead of waiting in vain. */
		listeners_close(&p->listeners);
	}
	p->stopping = true;
	family_stop(p->family);
}

static void
on_settled(void *arg)
{
	struct parent *p = arg;

	notify_ready(&p->notify);
	notify_status(&p->notify, "serving: mode %s, %u workers",
	    p->config->mode == MODE_ENFORCE ? "enforce" : "monitor", p->config->workers);
}

static void
on_unstartable(void *arg)
{
	struct parent *p = arg;

	p->status = EXIT_FAILURE;
	if (p->stopping)
		return;
	console_error("giving up: not every process could start");
	stop(p);
	family_stop(p->family);
	family_stop(p->family);
}

static void
on_gone(void *arg)
{
	struct parent *p = arg;

	ev_break(p->loop, EVBREAK_ALL);
}

static void
use(struct parent *p, struct config *config, struct listeners *moved)
{
	char error[ERROR_SIZE];

	if (moved->len > 0) {
		listeners_close(&p->listeners);
		p->listeners = *moved;
	} else {
		/* Never more here: reload_prepare has opened those. */
		listeners_resize(&p->listeners, config->workers, error, sizeof(error));
	}
	family_renew(p->family, config, &p->listeners);
	config_free(p->config);
	p->config = config;
	*counters_reload_errors(p->counters) = 0;
	console_info("configuration loaded anew");
}

static void
reload(void *arg)
{
	struct parent *p = arg;
	struct listeners moved;
	struct config *config;

	if (p->stopping)
		return;
	notify_reloading(&p->notify);
	notify_status(&p->notify, "reloading");
	config = reload_prepare(p->start->file, p->config, &p->listeners, &moved);
	if (config != NULL) {
		use(p, config, &moved);
		return;		/* READY=1 follows when all serve */
	}
	console_error("the configuration cannot be used; the running one stays");
	*counters_reload_errors(p->counters) = 1;
	family_rotate(p->family);
	notify_ready(&p->notify);
	notify_status(&p->notify, "serving; the last reload was refused");
}

static void
on_signal(struct ev_loop *loop, ev_io *watcher, int what)
{
	struct parent *p = watcher->data;
	struct signalfd_siginfo info;

	(void)loop;
	(void)what;
	while (read(watcher->fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			family_reap(p->family);
		else if (info.ssi_signo == SIGHUP)
			reload(p);
		else
			stop(p);
	}
}

static void
on_watchdog(struct ev_loop *loop, ev_timer *timer, int what)
{
	const struct parent *p = timer->data;

	(void)loop;
	(void)what;
	notify_watchdog(&p->notify);
}

static void
on_far_future(struct ev_loop *loop, ev_periodic *periodic, int what)
{
	(void)loop;
	(void)periodic;
	(void)what;
}

static bool
watch_signals(struct parent *p)
{
	struct sigaction usual = { .sa_handler = SIG_DFL };
	sigset_t set;
	int fd;

	sigaction(SIGCHLD, &usual, NULL);	/* ignored, children would leave no status */
	usual.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &usual, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return false;
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return false;
	ev_io_init(&p->signals, on_signal, fd, EV_READ);
	p->signals.data = p;
	ev_io_start(p->loop, &p->signals);
	return true;
}

static void
watch_time(struct parent *p)
{
	uint64_t us = notify_watchdog_us(getenv("WATCHDOG_USEC"), getenv("WATCHDOG_PID"));

	/* libev wakes every minute to look at the clock unless a periodic is active. */
	ev_periodic_init(&p->far_future, on_far_future, ev_time() + FAR_FUTURE_S, 0., NULL);
	ev_periodic_start(p->loop, &p->far_future);
	if (us == 0)
		return;
	/* Twice in the time allowed, as sd_watchdog_enabled(3) recommends. */
	ev_timer_init(&p->watchdog, on_watchdog, 0., (double)us / 2e6);
	p->watchdog.data = p;
	ev_timer_start(p->loop, &p->watchdog);
}

static const struct supervise_events family_events = {
	.settled = on_settled,
	.unstartable = on_unstartable,
	.gone = on_gone,
	.reload = reload,
};

/* False with the reason on stderr. */
static bool
prepare(struct parent *p, const struct supervise_start *family)
{
	char error[ERROR_SIZE];

	p->counters = family->counters;
	if (p->counters == NULL || p->loop == NULL || !watch_signals(p)) {
		console_error("cannot start: %s", strerror(errno));
		return false;
	}
	if (!listeners_open(&p->listeners, &p->config->intercept.listen,
	    p->config->intercept.method == METHOD_TPROXY, p->config->workers, error,
	    sizeof(error))) {
		console_error("%s", error);
		return false;
	}
	*counters_started_s(p->counters) = (uint64_t)time(NULL);
	p->family = family_new(family);
	if (p->family == NULL)
		console_error("cannot start: out of memory");
	return p->family != NULL;
}

static void
clean_up(struct parent *p)
{
	family_free(p->family);
	listeners_close(&p->listeners);
	notify_close(&p->notify);
	if (p->loop != NULL) {
		if (ev_is_active(&p->signals)) {
			ev_io_stop(p->loop, &p->signals);
			close(p->signals.fd);
		}
		ev_loop_destroy(p->loop);
	}
	config_free(p->config);
}

int
parent_main(const struct parent_start *start)
{
	struct parent p = { .start = start, .config = start->config };
	struct supervise_start family = { .title = start->title, .roles = start->roles,
	    .limits = start->limits, .events = &family_events, .arg = &p };

	notify_open(&p.notify, getenv("NOTIFY_SOCKET"));
	p.loop = family.loop = ev_loop_new(EVFLAG_AUTO);
	family.counters = counters_new();
	if (prepare(&p, &family)) {
		watch_time(&p);
		family_begin(p.family, p.config, &p.listeners);
		ev_run(p.loop, 0);
	} else {
		p.status = EXIT_FAILURE;
	}
	clean_up(&p);
	return p.status;
}
