/* SPDX-License-Identifier: GPL-2.0-only */
/* places.c - see places.h */
#include <errno.h>
#include <fcntl.h>

#include "../bpf/agent_lock.h"
#include "climb.h"
#include "places.h"
#include "util.h"

void places_done(struct places *places)
{
	for (size_t i = 0; i < places->len; i++)
		close(places->list[i].fd);
	free(places->list);
	*places = (struct places){0};
}

/* Or not for the caller, so not for a session of theirs. Whatever else fails hides a rule. */
static bool is_missing(int no)
{
	return no == ENOENT || no == ENOTDIR || no == EACCES || no == ELOOP || no == ENAMETOOLONG;
}

int places_open(const struct policy *policy, struct places *out_places, struct fail *f)
{
	struct places places = {.list = calloc(policy->len + 1, sizeof(*places.list))};

	if (!places.list)
		return fail(f, ENOMEM, "cannot hold the policy's places");
	for (size_t i = 0; i < policy->len; i++) {
		int fd = open(policy->rules[i].path, O_PATH | O_CLOEXEC);
		struct stat st;

		if (fd < 0 && is_missing(errno))
			continue;
		if (fd < 0 || fstat(fd, &st)) {
			fail(f, errno, "%s: cannot open '%s'", policy->rules[i].origin,
			     Q(policy->rules[i].path));
			if (fd >= 0)
				close(fd);
			places_done(&places);
			return -1;
		}
		places.list[places.len++] = (struct place){
			.fd = fd,
			.dev = st.st_dev,
			.ino = st.st_ino,
			.right = policy->rules[i].right,
		};
	}
	*out_places = places;
	return 0;
}

/* The last rule about this very object; a list is about a directory alone, not what is below. */
static const struct place *find(const struct places *places, const struct stat *st)
{
	for (size_t i = places->len; i-- > 0;) {
		const struct place *place = &places->list[i];

		if (place->dev == st->st_dev && place->ino == st->st_ino &&
		    place->right != POLICY_LIST)
			return place;
	}
	return NULL;
}

struct search {
	const struct places *places;
	const struct place *found;
};

static bool decides(void *user, const struct stat *st)
{
	struct search *search = user;

	search->found = find(search->places, st);
	return search->found != NULL;
}

bool places_decide(const struct places *places, int fd, int dir, enum policy_right *out_right)
{
	struct search search = {.places = places};
	struct stat st;

	if (!(fd >= 0 && fstat(fd, &st) == 0 && decides(&search, &st)) &&
	    climb(dir, decides, &search) <= 0)
		return false;
	*out_right = search.found->right;
	return true;
}

static bool may_write(void *user, const struct stat *st)
{
	const struct places *places = user;

	for (size_t i = 0; i < places->len; i++)
		if (places->list[i].dev == st->st_dev && places->list[i].ino == st->st_ino &&
		    (policy_rights(places->list[i].right) & AL_WRITE))
			return true;
	return false;
}

bool places_writable(const struct places *places, int fd, int dir)
{
	struct places all = *places;
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) || may_write(&all, &st)))
		return true;
	return climb(dir, may_write, &all) != 0;
}
