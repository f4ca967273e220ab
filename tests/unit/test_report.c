/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_report.c - the promises of lib/report.h: what people and programs are told about a session
 * is right and safe to print.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <linux/types.h>

#include "../../lib/list.h"
#include "../../lib/report.h"
#include "../tap.h"

static const struct event_style plain = {.home = "/home/ana"};

static struct report_target *target(struct report *report, const char *path, uint32_t op,
				    uint64_t count, const char *comm)
{
	struct report_target *made = report_add(report, path, strlen(path));

	if (!made)
		abort();
	made->op = op;
	made->verdict = report->audit ? AL_WOULD_REFUSE : AL_REFUSED;
	made->count = count;
	made->comms_len = 1;
	made->comms[0].count = count;
	made->comms[0].pid = 800;
	snprintf(made->comms[0].comm, sizeof(made->comms[0].comm), "%s", comm);
	return made;
}

static void fill(struct report *report, bool audit)
{
	memset(report, 0, sizeof(*report));
	strcpy(report->name, "project");
	strcpy(report->directory, "/home/ana/project");
	strcpy(report->state, "running");
	report->audit = audit;
	report->processes = 3;
	report->age = 7500;
	report->owner = 1000;
}

enum form { TEXT, JSON, SUMMARY };

/* The caller frees. */
static char *shown(const struct report *report, enum form form, const struct event_style *style,
		   int width)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (form == TEXT)
		report_text(report, style, out, width);
	else if (form == JSON)
		report_json(report, out);
	else
		report_summary(report, style, out);
	fclose(out);
	return text;
}

static char *listed(const struct list_entry *entries, size_t len, bool json)
{
	char *text = NULL;
	size_t text_len;
	FILE *out = open_memstream(&text, &text_len);

	if (json)
		list_json(entries, len, 10000, out);
	else
		list_text(entries, len, 10000, out);
	fclose(out);
	return text;
}

static bool printable(const char *text)
{
	for (; *text; text++) {
		if (*text != '\n' && (*text < ' ' || *text > '~'))
			return false;
	}
	return true;
}

static size_t lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

#define is_shown(report, form, want, ...) \
	do { \
		char *is_text = shown(report, form, &plain, 100); \
		is_str(is_text, want, __VA_ARGS__); \
		free(is_text); \
	} while (0)
#define has(report, form, want, ...) \
	do { \
		char *has_text = shown(report, form, &plain, 100); \
		if (!ok(strstr(has_text, want), __VA_ARGS__)) \
			printf("# no '%s' in: %s\n", want, has_text); \
		free(has_text); \
	} while (0)

/* The example of the manual: 37 attempts on two files, by three programs. */
static void fill_example(struct report *report, bool audit)
{
	enum al_verdict verdict = audit ? AL_WOULD_REFUSE : AL_REFUSED;
	struct report_target *made;

	fill(report, audit);
	report->counts[AL_OP_READ][AL_IN_BOUNDS] = 1200;
	report->counts[AL_OP_WRITE][AL_IN_BOUNDS] = 4;
	report->counts[AL_OP_READ][AL_SYSTEM_USE] = 5310;
	report->counts[AL_OP_READ][verdict] = 37;
	target(report, "/home/ana/.aws/credentials", AL_OP_READ, 14, "python3");
	made = target(report, "/home/ana/.ssh/id_ed25519", AL_OP_READ, 4, "python3");
	made->first.tv_sec = made->last.tv_sec = 1000;
	strcpy(made->rule, "no rule");
	made = target(report, "/home/ana/.ssh/id_ed25519", AL_OP_READ, 17, "cat");
	made->first.tv_sec = 900;
	made->last.tv_sec = 2000;
	made->sensitive = true;
	strcpy(made->rule, "deny /home/ana/.ssh (--deny)");
	target(report, "/home/anabel/x", AL_OP_READ, 2, "git");
	report_merge(report);
}

static void test_golden(void)
{
	static const char *const want =
		"JAILED  ~/project   session project, running, 3 processes, 2h05m\n"
		"37 escape attempts blocked\n"
		"[#############################-] 1204 in-bounds, 37 blocked\n"
		"5310 system reads, not listed\n"
		"\n"
		"  21  read      ~/.ssh/id_ed25519    cat, python3   SENSITIVE\n"
		"  14  read      ~/.aws/credentials   python3\n"
		"   2  read      /home/anabel/x       git\n"
		"\n"
		"operation  in-bounds  system  refused\n"
		"read            1200    5310       37\n"
		"write              4       0        0\n";
	struct report report;

	fill_example(&report, false);
	is_shown(&report, TEXT, want, "the report reads as it always did");
	is_shown(&report, SUMMARY,
		 "session project: 37 escape attempts blocked, 1204 in-bounds, 2h05m\n"
		 "  21  read      ~/.ssh/id_ed25519    cat, python3   SENSITIVE\n"
		 "  14  read      ~/.aws/credentials   python3\n"
		 "   2  read      /home/anabel/x       git\n",
		 "the summary is the report in a few lines");
	report.lost = 1;
	report.others = 4;
	has(&report, TEXT, "\n1 event lost: decided and counted, but no room to show it\n",
	    "lost events are said");
	has(&report, SUMMARY,
	    "\n4 attempts counted, but not listed by path: ", "attempts without a target are said");
	report.unmarked = 1;
	has(&report, TEXT,
	    "\n1 object not found again when agent-lockd started: refused, "
	    "whatever the rule says\n",
	    "an object that is refused for want of its mark is said");
	report_done(&report);
	report_done(&report);
	ok(report.len == 0, "report_done() leaves an empty report and can be repeated");
}

static void test_audit(void)
{
	struct report report;

	fill_example(&report, true);
	has(&report, TEXT, "AUDIT   ~/project   session project, running, ",
	    "an audit says so before all else");
	has(&report, TEXT, "\n37 escape attempts seen, none blocked (audit)\n",
	    "an audit never claims to have blocked");
	has(&report, TEXT, "] 1204 in-bounds, 37 out of bounds\n", "nor does its bar");
	has(&report, TEXT, " system  would-refuse\n", "its column is would-refuse");
	report.counts[AL_OP_CGROUP][AL_REFUSED] = 2;
	has(&report, TEXT, "\n39 escape attempts seen, 2 blocked (audit)\n",
	    "what an audit did block is told apart");
	report.audit = false;
	has(&report, TEXT, "\n39 escape attempts seen, 2 blocked\n",
	    "what was seen in audit is not blocked in hindsight");
	has(&report, TEXT, "cat, python3   not blocked   SENSITIVE\n", "nor is it in the list");
	report_done(&report);
}

static void test_verdict_line(void)
{
	struct report report;

	fill(&report, false);
	is_shown(&report, TEXT,
		 "JAILED  ~/project   session project, running, 3 processes, 2h05m\n"
		 "no escape attempts\n"
		 "[..............................] 0 in-bounds, 0 blocked\n",
		 "a session in which nothing happened");
	report.counts[AL_OP_LINK][AL_REFUSED] = 1;
	has(&report, TEXT, "\n1 escape attempt blocked\n", "one attempt is singular");
	report.counts[AL_OP_READ][AL_SYSTEM_USE] = 1;
	has(&report, TEXT, "\n1 system read, not listed\n", "one system read is singular");
	report.counts[AL_OP_READ][AL_REFUSED] = UINT64_MAX;
	has(&report, TEXT, "\n18446744073709551615 escape attempts blocked\n",
	    "a sum over 64 bits stays at the top");
	report.processes = 1;
	has(&report, TEXT, "running, 1 process, 2h05m\n", "one process is singular");
	strcpy(report.directory, "/home/ana");
	has(&report, TEXT, "JAILED  ~   session", "the home itself is ~");
	strcpy(report.directory, "/home/anabel");
	has(&report, TEXT, "JAILED  /home/anabel   session",
	    "a name that begins like the home is not below it");
}

static void test_bar(void)
{
	struct report report;
	uint64_t part, rest;
	bool sound = true;

	ok(report_bar(0, 0, 30) == 0, "bar: 0 of 0 is nothing");
	ok(report_bar(0, 1, 30) == 0, "bar: 0 of 1 is nothing");
	ok(report_bar(1, 0, 30) == 30, "bar: all is all");
	ok(report_bar(1, 1000000000, 30) == 1, "bar: one in 10^9 is still seen");
	ok(report_bar(1000000000, 1, 30) == 29, "bar: and so is what one in 10^9 leaves");
	ok(report_bar(UINT64_MAX, UINT64_MAX, 30) == 15, "bar: sums beyond 64 bits");
	ok(report_bar(1, UINT64_MAX, 30) == 1 && report_bar(UINT64_MAX, 1, 30) == 29,
	   "bar: 1 against 2^64 - 1");
	ok(report_bar(UINT64_MAX, 0, 30) == 30 && report_bar(0, UINT64_MAX, 30) == 0,
	   "bar: 2^64 - 1 against 0");
	ok(report_bar(5, 5, 0) == 0 && report_bar(5, 5, 1) == 1, "bar: hardly any room");
	for (part = 0; part < 200; part++) {
		for (rest = 0; rest < 200; rest++) {
			size_t filled = report_bar(part, rest, 30);

			sound = sound && filled <= 30 && (filled > 0) == (part > 0);
			sound = sound && (filled < 30 || rest == 0) &&
				filled <= report_bar(part + 1, rest, 30);
		}
	}
	ok(sound, "bar: grows with its part, and shows each part that is there");

	fill(&report, false);
	report.counts[AL_OP_READ][AL_IN_BOUNDS] = 1000000000;
	report.counts[AL_OP_READ][AL_REFUSED] = 1;
	has(&report, TEXT, "\n[#############################-] 1000000000 in-bounds, 1 blocked\n",
	    "bar: one refusal is drawn");
	report.counts[AL_OP_READ][AL_IN_BOUNDS] = 0;
	has(&report, TEXT, "\n[------------------------------] 0 in-bounds, 1 blocked\n",
	    "bar: nothing but refusals");
	report.counts[AL_OP_WRITE][AL_IN_BOUNDS] = report.counts[AL_OP_READ][AL_IN_BOUNDS] =
		UINT64_MAX;
	report.counts[AL_OP_READ][AL_REFUSED] = UINT64_MAX;
	has(&report, TEXT, "\n[###############---------------] 18446744073709551615 in-bounds, ",
	    "bar: both at the top");
}

static void test_merge(void)
{
	struct report report;
	char comm[16];
	int i;

	fill(&report, false);
	report_merge(&report);
	ok(report.len == 0, "merge: nothing");
	for (i = 0; i < 12; i++) {
		snprintf(comm, sizeof(comm), "tool%d", i);
		target(&report, "/x", AL_OP_READ, (uint64_t)i + 1, comm)->last.tv_sec = i;
	}
	target(&report, "/x", AL_OP_WRITE, 1, "tool0");
	target(&report, "/x", AL_OP_READ, 500, "tool0")->verdict = AL_WOULD_REFUSE;
	target(&report, "/x/", AL_OP_READ, 78, "tool0");
	target(&report, "", AL_OP_READ, 78, "tool0");
	report_merge(&report);
	ok(report.len == 5, "merge: only the same path, operation and verdict are one");
	ok(report.targets[0].verdict == AL_WOULD_REFUSE && report.targets[0].count == 500,
	   "merge: the largest count is first");
	is_str(report.targets[1].path, "", "merge: then by path");
	ok(report.targets[2].count == 78 && report.targets[2].path_len == 2,
	   "merge: counts are added up");
	ok(report.targets[2].comms_len == REPORT_COMMS && report.targets[2].comms_cut,
	   "merge: eight programs, and a note");
	is_str(report.targets[2].comms[0].comm, "tool11", "merge: the busiest program is first");
	is_str(report.targets[2].comms[7].comm, "tool4", "merge: the eighth is last");
	ok(report.targets[2].first.tv_sec == 0 && report.targets[2].last.tv_sec == 11,
	   "merge: from the first to the last time");
	ok(report.targets[4].op == AL_OP_WRITE, "merge: the smallest count is last");
	has(&report, TEXT, "tool5, tool4, ...", "more programs than are named is said");
	report_merge(&report);
	ok(report.len == 5 && report.targets[2].count == 78,
	   "merge: a second time changes nothing");
	target(&report, "/x", AL_OP_READ, UINT64_MAX, "tool11");
	report_merge(&report);
	ok(report.len == 5 && report.targets[0].count == UINT64_MAX, "merge: counts don't wrap");
	ok(report.targets[0].comms[0].count == UINT64_MAX, "merge: nor do those of a program");
	report_done(&report);

	fill_example(&report, false);
	is_str(report.targets[0].rule, "deny /home/ana/.ssh (--deny)", "merge: the latest rule");
	ok(report.targets[0].sensitive && report.targets[0].first.tv_sec == 900,
	   "merge: sensitive once is sensitive");
	report_done(&report);
}

static void test_long_list(void)
{
	struct report report;
	char path[5000], *text;
	int i;

	fill(&report, false);
	for (i = 0; i < 3000; i++) {
		snprintf(path, sizeof(path), "/etc/%d", i % 1500);
		target(&report, path, AL_OP_READ, 10, i < 1500 ? "a" : "b");
	}
	target(&report, "/home/ana/.netrc", AL_OP_READ, 1, "curl")->sensitive = true;
	report_merge(&report);
	ok(report.len == 1501, "3001 entries are 1501 targets");
	has(&report, TEXT, "\n      and 1481 more, 1 of them sensitive (report --json has all)\n",
	    "the list is cut, and a sensitive target does not drown in it");
	has(&report, SUMMARY,
	    "\n      and 1496 more, 1 of them sensitive (report --json has all)\n",
	    "so is the summary");
	has(&report, JSON, "\"path\":\"/home/ana/.netrc\"", "JSON has all");
	text = shown(&report, TEXT, &plain, 100);
	ok(lines(text) == 3 + 1 + REPORT_SHOWN + 1, "20 of them are shown");
	free(text);
	memset(path, 'p', sizeof(path));
	report_add(&report, path, sizeof(path));
	ok(report.targets[report.len - 1].path_len == AL_PATH_MAX,
	   "a path that is too long keeps its end");
	report_done(&report);
}

/* Everything that a jailed process can choose, at its worst. */
static void fill_hostile(struct report *report)
{
	static const char evil[] = "\n2026-01-01 refused\r\033[2J\x07\x9b"
				   "31m\xe2\x80\xae \"'\\=\x7f\xff<>&\t   SENSITIVE";
	struct report_target *made;
	char path[4096];
	int i;

	fill(report, false);
	memset(report->name, '\n', SESSION_NAME_MAX);
	strcpy(report->state, "\033[31m");
	memset(report->directory, 0xff, AL_PATH_MAX);
	made = target(report, evil, AL_OP_READ, 3, evil);
	made->comms[0].comm[AL_COMM] = '\0';
	memset(made->rule, '\033', sizeof(made->rule));
	for (i = 0; i < (int)sizeof(path); i++)
		path[i] = (char)i;
	made = report_add(report, path, sizeof(path));
	made->verdict = AL_REFUSED;
	made->op = 12345;
	made->count = UINT64_MAX;
	made->comms_len = 4000000000U;
	memset(made->comms, 0x80, sizeof(made->comms));
	made->first.tv_sec = INT64_MAX;
	made->last.tv_nsec = -1;
}

static void test_hostile(void)
{
	static const struct event_style colour = {.colour = true, .home = "/"};
	struct report report;
	char *text;
	int width;

	fill_hostile(&report);
	for (width = -1; width < 200; width += 67) {
		text = shown(&report, TEXT, &plain, width);
		ok(printable(text), "hostile names: the report is printable at width %d", width);
		ok(lines(text) == 3 + 1 + 2, "hostile names: no line of their own at width %d",
		   width);
		free(text);
	}
	has(&report, TEXT, "&\\x09\\x20\\x20\\x20SENSITIVE",
	    "hostile names: no path can make itself a column");
	text = shown(&report, SUMMARY, &plain, 80);
	ok(printable(text) && lines(text) == 3, "hostile names: nor in the summary");
	free(text);
	text = shown(&report, JSON, &plain, 80);
	ok(printable(text) && lines(text) == 1, "hostile names: JSON is one printable line");
	ok(strstr(text, "\"path_bytes\":\"\\\\x0a2026-01-01\\\\x20"),
	   "hostile names: JSON has the bytes as well");
	free(text);
	text = shown(&report, TEXT, &colour, 80);
	ok(!printable(text) && !strstr(text, "\033[2J"),
	   "hostile names: with colour the only escapes are ours");
	free(text);
	report_done(&report);
}

static void test_json(void)
{
	struct report report;

	fill(&report, false);
	report.counts[AL_OP_EXEC][AL_REFUSED] = 2;
	target(&report, "/bin/\xc3\xa9\xf0\x9f\x94\xa5", AL_OP_EXEC, 2, "sh")->last.tv_sec = 86400;
	is_shown(&report, JSON,
		 "{\"session\":\"project\",\"state\":\"running\",\"mode\":\"enforce\","
		 "\"directory\":\"/home/ana/"
		 "project\","
		 "\"processes\":3,\"age\":7500,\"owner\":1000,"
		 "\"in_bounds\":0,\"system\":0,\"refused\":2,\"would_refuse\":0,\"lost\":0,"
		 "\"others\":0,\"unmarked\":0,"
		 "\"operations\":{\"exec\":{\"in_bounds\":0,\"system\":0,\"refused\":2,\"would_"
		 "refuse\":0}},"
		 "\"targets\":[{\"path\":\"/bin/"
		 "\\u00e9\\ud83d\\udd25\",\"op\":\"exec\",\"verdict\":\"refused\",\"count\":2,"
		 "\"rule\":\"\",\"sensitive\":false,\"first\":\"1970-01-01T00:00:00.000000Z\","
		 "\"last\":\"1970-01-02T00:00:00.000000Z\",\"comms\":[{\"comm\":\"sh\",\"count\":2,"
		 "\"pid\":800}],"
		 "\"comms_cut\":false}]}\n",
		 "the JSON of a report");
	report_done(&report);
}

static void test_list(void)
{
	static struct list_entry entries[3] = {
		{.name = "project",
		 .state = "running",
		 .directory = "/home/ana/project",
		 .processes = 3,
		 .opens = 1204,
		 .refused = 37,
		 .created = 2500,
		 .owner = 1000,
		 .usage = {{12345678, 5, USAGE_UNKNOWN}, {{4ULL << 30, 512, 150}}}},
		{.name = "a\nb",
		 .state = "idle",
		 .audit = true,
		 .directory = "/srv/two words\xff",
		 .created = 9990,
		 .usage = {{USAGE_UNKNOWN, USAGE_UNKNOWN, USAGE_UNKNOWN}, {{0}}},
		 .log_error = ENOSPC,
		 .log_missing = 7,
		 .unmarked = 2},
		{.created = 10001, .processes = UINT64_MAX, .owner = UINT32_MAX, .log_error = EIO},
	};
	char *text;

	text = listed(entries, 3, false);
	is_str(text,
	       "NAME     STATE    MODE     DIRECTORY                         PROCESSES  OPENS  "
	       "REFUSED    AGE       "
	       "OWNER  MEMORY   PIDS      LOG  UNMARKED\n"
	       "project  running  enforce  /home/ana/project                         3   1204      "
	       " 37  2h05m        "
	       "1000  11M/4G  5/512       ok         0\n"
	       "a\\x0ab   idle     audit    /srv/two\\x20words\\xff                     0      0   "
	       "     0    10s       "
	       "    0       -      -     full         2\n"
	       "-        -        enforce  -                      18446744073709551615      0      "
	       "  0     0s  "
	       "4294967295      0K      0  stopped         0\n",
	       "the list: one line a session, every column one word");
	free(text);
	text = listed(entries, 2, true);
	is_str(text,
	       "[{\"session\":\"project\",\"state\":\"running\",\"mode\":\"enforce\",\"directory\":"
	       "\"/home/ana/"
	       "project\","
	       "\"processes\":3,\"opens\":1204,\"refused\":37,\"age\":7500,\"owner\":1000,"
	       "\"unmarked\":0,\"log\":\"ok\",\"memory\":12345678,\"memory_limit\":4294967296,"
	       "\"pids\":5,"
	       "\"pids_limit\":512,\"cpu_limit\":150},"
	       "{\"session\":\"a\\u000ab\",\"state\":\"idle\",\"mode\":\"audit\",\"directory\":\"/"
	       "srv/two "
	       "words\\u00ff\","
	       "\"directory_bytes\":\"/srv/"
	       "two\\\\x20words\\\\xff\",\"processes\":0,\"opens\":0,\"refused\":0,\"age\":10,"
	       "\"owner\":0,\"unmarked\":2,\"log\":\"full\",\"log_error\":\"ENOSPC\",\"log_"
	       "missing\":7,"
	       "\"memory\":null,\"memory_limit\":null,\"pids\":null,\"pids_limit\":null,"
	       "\"cpu_limit\":null}]\n",
	       "the list as JSON");
	free(text);
	text = listed(NULL, 0, false);
	is_str(text,
	       "NAME  STATE  MODE  DIRECTORY  PROCESSES  OPENS  REFUSED  AGE  OWNER  MEMORY  "
	       "PIDS  LOG  UNMARKED\n",
	       "no sessions: the titles");
	free(text);
	text = listed(NULL, 0, true);
	is_str(text, "[]\n", "no sessions as JSON");
	free(text);
	memset(entries[1].name, '\x9b', sizeof(entries[1].name));
	memset(entries[1].state, '\n', sizeof(entries[1].state));
	memset(entries[1].directory, '\033', sizeof(entries[1].directory));
	text = listed(entries, 3, false);
	ok(printable(text) && lines(text) == 4, "hostile entries are printable");
	free(text);
}

static void test_ages(void)
{
	static const struct {
		uint64_t age;
		const char *want;
	} ages[] = {
		{0, ", 0s\n"},	      {59, ", 59s\n"},
		{60, ", 1m\n"},	      {3599, ", 59m\n"},
		{3600, ", 1h00m\n"},  {86399, ", 23h59m\n"},
		{86400, ", 1d00h\n"}, {UINT64_MAX, ", 213503982334601d07h\n"},
	};
	struct report report;
	size_t i;

	fill(&report, false);
	for (i = 0; i < sizeof(ages) / sizeof(ages[0]); i++) {
		report.age = ages[i].age;
		has(&report, TEXT, ages[i].want, "age of %" PRIu64 " seconds", ages[i].age);
	}
}

int main(void)
{
	test_golden();
	test_audit();
	test_verdict_line();
	test_bar();
	test_merge();
	test_long_list();
	test_hostile();
	test_json();
	test_list();
	test_ages();
	return tap_done();
}
