/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_limit.c - what limit.h promises: a limit is read as it was meant or refused, never as
 * another; printed, it is read as the same.
 */
#include "../../lib/limit.h"
#include "../../lib/util.h"
#include "../tap.h"

#define UNTOUCHED 7

static void accepts(enum limit kind, const char *text, uint64_t want, const char *printed)
{
	char again[LIMIT_TEXT];
	uint64_t value = UNTOUCHED;

	ok(limit_parse(kind, text, &value) && value == want, "%s: %s", limit_name(kind), text);
	ok(limit_valid(kind, value), "is valid");
	limit_text(kind, value, again);
	is_str(again, printed, "and is printed as %s", printed);
	ok(limit_parse(kind, again, &value) && value == want, "which is the same");
}

static void refuses(enum limit kind, const char *text)
{
	uint64_t value = UNTOUCHED;

	ok(!limit_parse(kind, text, &value) && value == UNTOUCHED, "%s: not '%s'", limit_name(kind),
	   Q(text));
}

static void test_memory(void)
{
	static const char *const bad[] = {
		"",
		"0",
		"0G",
		"4X",
		"4g",
		"4GB",
		"4G ",
		" 4G",
		"+4G",
		"-4G",
		"4.5G",
		"G",
		"512",
		"1048575",
		"1023K",
		"1025T",
		"none ",
		"None",
		"0x10M",
		"4G\n",
		"16777216T",
		"18446744073709551616",
		"18014398509481985K",
		"99999999999999999999999999999G",
		"max",
	};

	accepts(LIMIT_MEMORY, "4G", 4ULL << 30, "4G");
	accepts(LIMIT_MEMORY, "1M", 1 << 20, "1M");
	accepts(LIMIT_MEMORY, "1024K", 1 << 20, "1M");
	accepts(LIMIT_MEMORY, "1048577", (1 << 20) + 1, "1048577");
	accepts(LIMIT_MEMORY, "1536M", 1536ULL << 20, "1536M");
	accepts(LIMIT_MEMORY, "04G", 4ULL << 30, "4G");
	accepts(LIMIT_MEMORY, "1024T", 1ULL << 50, "1024T");
	accepts(LIMIT_MEMORY, "none", 0, "none");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		refuses(LIMIT_MEMORY, bad[i]);
	ok(!limit_valid(LIMIT_MEMORY, 1) && !limit_valid(LIMIT_MEMORY, UINT64_MAX),
	   "neither is what no text gives");
}

static void test_numbers(void)
{
	static const char *const pids[] = {"",	 "0",	"4194305", "1K",  "512%",
					   "-1", "1.0", "1 ",	   "all", "18446744073709551617"};
	static const char *const cpu[] = {"",
					  "0%",
					  "%",
					  "200",
					  "200 %",
					  "1.5%",
					  "200%%",
					  "-1%",
					  "10000001%",
					  "200K",
					  "18446744073709551617%"};

	accepts(LIMIT_PIDS, "1", 1, "1");
	accepts(LIMIT_PIDS, "512", 512, "512");
	accepts(LIMIT_PIDS, "4194304", 4194304, "4194304");
	accepts(LIMIT_PIDS, "none", 0, "none");
	accepts(LIMIT_CPU, "1%", 1, "1%");
	accepts(LIMIT_CPU, "200%", 200, "200%");
	accepts(LIMIT_CPU, "1024%", 1024, "1024%");
	accepts(LIMIT_CPU, "none", 0, "none");
	for (size_t i = 0; i < ARRAY_SIZE(pids); i++)
		refuses(LIMIT_PIDS, pids[i]);
	for (size_t i = 0; i < ARRAY_SIZE(cpu); i++)
		refuses(LIMIT_CPU, cpu[i]);
}

static void test_names(void)
{
	enum limit kind = LIMIT_CPU;

	ok(limit_find("memory", &kind) && kind == LIMIT_MEMORY && limit_find("pids", &kind) &&
		   kind == LIMIT_PIDS && limit_find("cpu", &kind) && kind == LIMIT_CPU,
	   "each is found by its name");
	ok(!limit_find("", &kind) && !limit_find("mem", &kind) && !limit_find("memoryy", &kind) &&
		   kind == LIMIT_CPU,
	   "and by no other");
}

static void test_sizes(void)
{
	static const struct {
		uint64_t bytes;
		const char *want;
	} sizes[] = {
		{0, "0K"},
		{4096, "4K"},
		{1023 << 10, "1023K"},
		{1 << 20, "1M"},
		{1260 << 10, "1.2M"},
		{12345678, "11M"},
		{3651010560, "3.4G"},
		{1023ULL << 30, "1023G"},
		{1ULL << 40, "1T"},
		{UINT64_MAX, "16777215T"},
	};
	char text[LIMIT_TEXT];

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		limit_size_text(sizes[i].bytes, text);
		is_str(text, sizes[i].want, "for people: %s", sizes[i].want);
	}
	limit_text(LIMIT_MEMORY, UINT64_MAX, text);
	is_str(text, "18446744073709551615", "the largest number has room");
	limit_text(LIMIT_CPU, UINT64_MAX, text);
	is_str(text, "18446744073709551615%", "with its sign, too");
}

int main(void)
{
	test_memory();
	test_numbers();
	test_names();
	test_sizes();
	return tap_done();
}
