/* multi.c - libcurl's transfers on the event loop
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * libcurl says which sockets to watch and when to wake it (curl_multi_socket_action(3)). */
#include "policy/multi.h"

#include <stdlib.h>

struct multi {
	struct ev_loop *loop;
	CURLM *curl;
	struct ev_timer timer;
	void (*done)(void *easy, CURLcode code);
};

struct socket_watch {
	struct ev_io io;
	struct multi *multi;
};

static void
reap(struct multi *m)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(m->curl, &left)) != NULL)
		if (message->msg == CURLMSG_DONE)
			m->done(message->easy_handle, message->data.result);
}

static void
on_socket(struct ev_loop *loop, struct ev_io *w, int events)
{
	struct multi *m = ((struct socket_watch *)w->data)->multi;
	int running;

	(void)loop;
	curl_multi_socket_action(m->curl, w->fd, (events & EV_READ ? CURL_CSELECT_IN : 0) |
	    (events & EV_WRITE ? CURL_CSELECT_OUT : 0), &running);
	reap(m);
}

static void
on_timer(struct ev_loop *loop, struct ev_timer *w, int events)
{
	struct multi *m = w->data;
	int running;

	(void)loop;
	(void)events;
	curl_multi_socket_action(m->curl, CURL_SOCKET_TIMEOUT, 0, &running);
	reap(m);
}

static int
set_timer(CURLM *curl, long ms, void *arg)
{
	struct multi *m = arg;

	(void)curl;
	ev_timer_stop(m->loop, &m->timer);
	if (ms >= 0) {
		ev_timer_set(&m->timer, (double)ms / 1000., 0.);
		ev_timer_start(m->loop, &m->timer);
	}
	return 0;
}

static int
set_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
	struct multi *m = arg;
	struct socket_watch *s = known;

	(void)easy;
	if (s != NULL)
		ev_io_stop(m->loop, &s->io);
	if (what == CURL_POLL_REMOVE) {
		free(s);
		return 0;
	}
	if (s == NULL) {
		if ((s = calloc(1, sizeof(*s))) == NULL)
			return -1;
		s->multi = m;
		curl_multi_assign(m->curl, fd, s);
	}
	ev_io_init(&s->io, on_socket, fd, (what & CURL_POLL_IN ? EV_READ : 0) |
	    (what & CURL_POLL_OUT ? EV_WRITE : 0));
	s->io.data = s;
	ev_io_start(m->loop, &s->io);
	return 0;
}

struct multi *
multi_new(struct ev_loop *loop, void (*done)(void *easy, CURLcode code))
{
	struct multi *m = calloc(1, sizeof(*m));

	if (m == NULL || (m->curl = curl_multi_init()) == NULL) {
		free(m);
		return NULL;
	}
	m->loop = loop;
	m->done = done;
	ev_timer_init(&m->timer, on_timer, 0., 0.);
	m->timer.data = m;
	curl_multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, set_socket);
	curl_multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m);
	curl_multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(m->curl, CURLMOPT_TIMERDATA, m);
	return m;
}

void
multi_free(struct multi *m)
{
	if (m == NULL)
		return;
	curl_multi_cleanup(m->curl);
	ev_timer_stop(m->loop, &m->timer);
	free(m);
}

void
multi_add(struct multi *m, CURL *easy)
{
	curl_multi_add_handle(m->curl, easy);
}

void
multi_remove(struct multi *m, CURL *easy)
{
	curl_multi_remove_handle(m->curl, easy);
}
