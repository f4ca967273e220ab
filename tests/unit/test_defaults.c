/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * test_defaults.c - the files in conf: every line of them is in defaults.txt, and nothing else; each pattern of
 * [sensitive] points out one of the examples by itself (some are said twice: as a name anywhere, and as what lies in a
 * directory, which is then not granted as a whole); the numbers are what they are to be. What the
 * rules do is tried on a kernel: defaults.sh, guard.sh, profile.sh, environment.sh.
 */
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include "../../lib/conf.h"
#include "../../lib/util.h"
#include "../tap.h"

#define BASE "conf/agent-lock.ini"

/* Each of these holds keys, passwords or what was typed; and what does not. */
static const char *const sensitive[] = {
	"/home/ana/.ssh/config",
	"/home/ana/.gnupg/x",
	"/srv/id_rsa",
	"/srv/id_dsa.bak",
	"/srv/id_ecdsa",
	"/srv/id_ed25519",
	"/srv/server.pem",
	"/srv/server.key",
	"/srv/x.p12",
	"/srv/x.pfx",
	"/srv/x.jks",
	"/srv/x.keytab",
	"/srv/x.ppk",
	"/srv/x.age",
	"/srv/.env",
	"/srv/.env.local",
	"/srv/.netrc",
	"/srv/_netrc",
	"/srv/.pgpass",
	"/srv/.my.cnf",
	"/srv/.npmrc",
	"/srv/.pypirc",
	"/srv/.htpasswd",
	"/srv/.git-credentials",
	"/srv/credentials",
	"/srv/credentials.json",
	"/srv/.credentials.json",
	"/srv/secrets.yml",
	"/home/ana/.aws/config",
	"/home/ana/.azure/x",
	"/home/ana/.kube/config",
	"/home/ana/.docker/config.json",
	"/home/ana/.oci/config",
	"/home/ana/.config/gh/hosts.yml",
	"/home/ana/.config/glab-cli/config.yml",
	"/home/ana/.config/hub",
	"/home/ana/.config/gcloud/x.db",
	"/home/ana/.config/doctl/config.yaml",
	"/home/ana/.config/containers/auth.json",
	"/home/ana/.config/rclone/rclone.conf",
	"/home/ana/.config/op/config",
	"/home/ana/.config/sops/x.txt",
	"/home/ana/.cargo/credentials.toml",
	"/home/ana/.gem/credentials",
	"/home/ana/.m2/settings.xml",
	"/home/ana/.gradle/gradle.properties",
	"/home/ana/.terraform.d/x.json",
	"/home/ana/.vault-token",
	"/home/ana/.codex/auth.json",
	"/home/ana/.gemini/oauth_creds.json",
	"/home/ana/.local/share/opencode/auth.json",
	"/home/ana/.password-store/x.gpg",
	"/home/ana/.local/share/keyrings/login.keyring",
	"/home/ana/.local/share/kwalletd/x.kwl",
	"/home/ana/.pki/nssdb/key4.db",
	"/home/ana/.config/Bitwarden CLI/data.json",
	"/home/ana/.config/keepassxc/keepassxc.ini",
	"/srv/x.kdbx",
	"/srv/wallet.dat",
	"/home/ana/.bitcoin/x",
	"/home/ana/.ethereum/x",
	"/home/ana/.electrum/x",
	"/home/ana/.config/Exodus/x",
	"/home/ana/.config/solana/id.json",
	"/home/ana/.mozilla/firefox/x",
	"/home/ana/.thunderbird/x",
	"/home/ana/.config/google-chrome/x",
	"/home/ana/.config/chromium/x",
	"/home/ana/.config/BraveSoftware/x",
	"/home/ana/.config/microsoft-edge/x",
	"/home/ana/.config/vivaldi/x",
	"/home/ana/.config/opera/x",
	"/home/ana/snap/firefox/x",
	"/home/ana/snap/chromium/x",
	"/home/ana/.var/app/org.mozilla.firefox/x",
	"/home/ana/.config/Signal/x",
	"/home/ana/.bash_history",
	"/home/ana/.local/share/fish/fish_history",
	"/home/ana/.lesshst",
	"/home/ana/.viminfo",
	"/etc/shadow-",
	"/etc/gshadow",
	"/etc/security/opasswd",
	"/etc/sudoers",
	"/etc/sudoers.d/x",
	"/etc/ssh/ssh_host_rsa",
	"/etc/ssl/private/x",
	"/etc/pki/tls/private/x",
	"/etc/letsencrypt/x",
	"/etc/krb5.keytab",
	"/etc/wireguard/wg0.conf",
	"/etc/NetworkManager/system-connections/x",
	"/etc/docker/x",
	"/etc/kubernetes/admin.conf",
	"/var/lib/sss/x",
	"/run/secrets/x",
	"/proc/kcore",
	"/dev/mem",
};
static const char *const harmless[] = {
	"/home/ana/.config",  "/home/ana/project/main.c", "/etc/passwd", "/etc/ssl/certs/x",
	"/home/ana/.codex/x", "/home/ana/keys.c",	  "/etc/ssh",
};

static void read_base(struct policy *policy, struct settings *settings)
{
	struct conf_context context = {.home = "/home/ana",
				       .project = "/home/ana/project",
				       .system = true,
				       .settings = settings};
	struct fail f = {0};
	struct stat own;

	context.like = stat(BASE, &own) ? NULL : &own;
	policy_init(policy);
	ok(!conf_read(BASE, &context, policy, &f), "%s is read: %s", BASE, f.msg);
}

/* How many of the examples does the policy point out? */
static size_t pointed_out(const struct policy *policy)
{
	size_t found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sensitive); i++)
		found += policy_sensitive(policy, sensitive[i]);
	return found;
}

static void test_sensitive(void)
{
	struct policy policy;

	read_base(&policy, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(sensitive); i++)
		ok(policy_sensitive(&policy, sensitive[i]), "sensitive: %s", sensitive[i]);
	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
		ok(!policy_sensitive(&policy, harmless[i]), "not sensitive: %s", harmless[i]);
	for (size_t i = 0; i < policy.sensitive_len; i++) {
		struct policy one = {.sensitive = &policy.sensitive[i], .sensitive_len = 1};

		ok(pointed_out(&one) > 0, "%s points something out", policy.sensitive[i]);
	}
	policy_done(&policy);
}

static void test_settings(void)
{
	struct settings settings;
	struct policy policy;

	/* Nothing that is right by itself. */
	memset(&settings, 0x11, sizeof(settings));
	read_base(&policy, &settings);
	ok(settings.log.size == 8 << 20 && settings.log.keep == 3 && settings.log.ended == 100,
	   "[log]: 8M, 3 older ones, 100 that ended");
	ok(settings.users.sessions == 256 && settings.users.rules == 65536 &&
		   settings.users.requests == 48,
	   "[users]: 256 sessions, 65536 rules, 48 requests");
	ok(!policy.audit && !policy.localhost && !policy.userns, "[session]: the strictest");
	policy_done(&policy);
}

/* The lines of all files that are no comments, with the file's name in front. */
static char *all_lines(void)
{
	static const char *const patterns[] = {"conf/*.ini", "conf/profiles/*.ini",
					       "conf/caches/*.ini"};
	char *text = NULL, line[1024];
	size_t len;
	FILE *out = open_memstream(&text, &len);
	glob_t files = {0};

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++)
		(void)glob(patterns[i], i ? GLOB_APPEND : 0, NULL, &files);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		cleanup_file FILE *in = fopen(files.gl_pathv[i], "re");

		while (in && fgets(line, sizeof(line), in))
			if (line[0] != '#' && line[0] != ';' && line[0] != '\n')
				fprintf(out, "%s: %s", files.gl_pathv[i] + strlen("conf/"), line);
	}
	globfree(&files);
	fclose(out);
	return text;
}

static void test_lines(void)
{
	cleanup_free char *lines = all_lines(), *wanted = calloc(1, 1 << 20);
	cleanup_file FILE *in = fopen("tests/unit/defaults.txt", "re");

	if (in)
		(void)!fread(wanted, 1, (1 << 20) - 1, in);
	is_str(lines, wanted,
	       "conf has what tests/unit/defaults.txt has; each line of it has its test");
}

int main(void)
{
	test_sensitive();
	test_settings();
	test_lines();
	return tap_done();
}
