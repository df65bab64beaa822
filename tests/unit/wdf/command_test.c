/* command_test.c - commands: what needs a shell, how words are split, and that no value ever becomes syntax (a real bash runs) */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/tap/tap.h"
#include "wdf-schema/command.h"
#include "wdf-schema/shell.h"
#include "wdf-schema/value.h"

static char canary[] = "/tmp/wf-canary-XXXXXX"; /* a directory; nothing may appear in it */

/* A text on one line, for the name of a check. */
static const char *line(const char *text)
{
	static char to[256];
	size_t n = 0;

	for (; *text && n < sizeof(to) - 1; text++)
		to[n++] = *text == '\n' ? '~' : *text;
	to[n] = '\0';
	return to;
}

/* ---- a scope with x, y (values of the test) and l (a list) ------------------------------------------------ */

struct names {
	struct wdf_value x, list;
};

static int lookup(void *self, const char *name, size_t n, struct wdf_value *out)
{
	struct names *v = self;

	if (n == 1 && *name == 'x')
		*out = v->x;
	else if (n == 1 && *name == 'l')
		*out = v->list;
	else
		return -1;
	return 0;
}

static struct wdf_value text_value(const char *text)
{
	return (struct wdf_value){ .kind = WDF_STRING, .text = text };
}

static struct wdf_command *read_command(struct wf_arena *a, const char *text, const char *shell, struct wdf_diags *d)
{
	struct wdf_command_source from = { .shell = shell, .shell_pos = { 1, 1 } };

	if (wdf_tmpl_parse(&from.text, a, text, (struct wdf_pos){ 1, 1 }, d) < 0)
		return NULL;
	return wdf_command_read(a, &from, d);
}

/* Rendered words joined by '|', or "error: ...". */
static const char *render(struct wf_arena *a, const char *text, const char *x)
{
	struct wdf_value items[] = { text_value("1 1"), text_value("$(2)"), text_value("") };
	struct names v = { .x = text_value(x), .list = { .kind = WDF_LIST, .count = 3 } };
	struct wdf_scope scope = { lookup, &v };
	struct wdf_diags d = { 0 };
	struct wdf_argv argv;
	struct wf_err err;
	struct wf_buf b = { 0 };
	struct wdf_command *c = read_command(a, text, NULL, &d);
	const char *out;

	v.list.items = items;
	if (!c) {
		wf_buf_printf(&b, "error: %s", d.count ? d.items[0].text : "?");
	} else if (wdf_command_render(c, &scope, a, &argv, &err) < 0) {
		wf_buf_printf(&b, "error: %s", err.text);
	} else {
		for (size_t i = 0; i < argv.argc; i++)
			wf_buf_printf(&b, "%s%s", i ? "|" : "", argv.argv[i]);
		for (size_t i = 0; i < argv.env_count; i++)
			wf_buf_printf(&b, " {%s}", argv.env[i]);
	}
	out = wf_arena_strdup(a, wf_buf_cstr(&b));
	wf_buf_release(&b);
	wdf_diags_release(&d);
	return out;
}

/* ---- does it need a shell? ---------------------------------------------------------------------------------- */

static void test_kinds(void)
{
	static const struct {
		const char *text;
		enum wdf_command_kind kind;
	} cases[] = {
		{ "echo hello", WDF_COMMAND_DIRECT },
		{ "echo 'a | b' \"c & d\" e\\;f", WDF_COMMAND_DIRECT },
		{ "  lmp -in x.in -var seed {{ x }}  \n", WDF_COMMAND_DIRECT },
		{ "echo {a,b} x=y !", WDF_COMMAND_DIRECT },
		{ "echo '$HOME' '`id`'", WDF_COMMAND_DIRECT },
		{ "./exit 3", WDF_COMMAND_DIRECT },
		{ "a|b", WDF_COMMAND_SHELL },
		{ "a & b", WDF_COMMAND_SHELL },
		{ "a; b", WDF_COMMAND_SHELL },
		{ "a < b", WDF_COMMAND_SHELL },
		{ "a > b", WDF_COMMAND_SHELL },
		{ "(a)", WDF_COMMAND_SHELL },
		{ "ls *.c", WDF_COMMAND_SHELL },
		{ "ls a?", WDF_COMMAND_SHELL },
		{ "ls [ab]", WDF_COMMAND_SHELL },
		{ "ls ~/x", WDF_COMMAND_SHELL },
		{ "a # comment", WDF_COMMAND_SHELL },
		{ "a\nb", WDF_COMMAND_SHELL },
		{ "echo $HOME", WDF_COMMAND_SHELL },
		{ "echo \"$HOME\"", WDF_COMMAND_SHELL },
		{ "echo \"`id`\"", WDF_COMMAND_SHELL },
		{ "echo `id`", WDF_COMMAND_SHELL },
		{ "echo \\$HOME", WDF_COMMAND_SHELL },
		{ "OMP_NUM_THREADS=4 ./a", WDF_COMMAND_SHELL },
		{ "exit 3", WDF_COMMAND_SHELL },
		{ "cd x", WDF_COMMAND_SHELL },
		{ "sbatch -N 2 job.sh {{ x }}", WDF_COMMAND_SBATCH },
		{ "/opt/slurm/bin/sbatch job.sh", WDF_COMMAND_SBATCH },
		{ "echo sbatch", WDF_COMMAND_DIRECT },
	};

	for (size_t i = 0; i < WF_COUNT(cases); i++) {
		struct wf_arena a = { 0 };
		struct wdf_diags d = { 0 };
		struct wdf_command *c = read_command(&a, cases[i].text, NULL, &d);

		is_int(c ? (int)c->kind : -1, cases[i].kind, "kind of: %s", line(cases[i].text));
		wdf_diags_release(&d);
		wf_arena_release(&a);
	}
}

static void test_words(void)
{
	static const char *const cases[][3] = {
		/* text, x, words */
		{ "a  b\tc", "", "a|b|c" },
		{ "a 'b c' \"d e\" f\\ g", "", "a|b c|d e|f g" },
		{ "a '' \"\" b", "", "a|||b" },
		{ "a'b'\"c\"d", "", "abcd" },
		{ "a \"x\\\"y\\\\z\\n\"", "", "a|x\"y\\z\\n" },
		{ "a 'x\\y'", "", "a|x\\y" },
		{ "a {{ x }}", "p q; rm -rf ~", "a|p q; rm -rf ~" },
		{ "a pre-{{ x }}-post", "$(id)", "a|pre-$(id)-post" },
		{ "a '{{ x }}'", "it's \"q\"", "a|it's \"q\"" },
		{ "a {{ x }}{{ x }}", "{{ x }}", "a|{{ x }}{{ x }}" },
		{ "a {{ x }}", "", "a|" },
		{ "{{ x }} b", "prog", "prog|b" },
		{ "a {{ l }} z", "", "a|1 1|$(2)||z" },
		{ "a \"{{ l }}\" z", "", "a|1 1 $(2) |z" },
		{ "a x{{ l }}", "", "a|x1 1 $(2) " },
		{ "a {{ l | join }}", "", "a|1 1 $(2) " },
		{ "a {{ x:04 }}", "7", "a|0007" },
		{ "a {{ nothing }}", "", "error: undefined name 'nothing'" },
		{ "a 'b", "", "error: quote in the command is not closed" },
		{ "{{ x }}", "", "error: the command is empty once its values are put in" },
		{ "   ", "", "error: the command is empty" },
		{ "a; echo {{ x }}", "v", "bash|-eo|pipefail|-c|a; echo \"${WF_PARAM_X}\" {WF_PARAM_X=v}" },
		{ "a; echo \"<{{ x }}>\" {{ x }}", "v",
		  "bash|-eo|pipefail|-c|a; echo \"<${WF_PARAM_X}>\" \"${WF_PARAM_X}\" {WF_PARAM_X=v}" },
		{ "a; echo {{ x:03 }}", "7", "bash|-eo|pipefail|-c|a; echo \"${WF_V0}\" {WF_V0=007}" },
		{ "for i in {{ l }}; do :; done", "",
		  "bash|-eo|pipefail|-c|for i in \"${WF_V0}\" \"${WF_V1}\" \"${WF_V2}\"; do :; done {WF_V0=1 1} {WF_V1=$(2)} {WF_V2=}" },
	};

	for (size_t i = 0; i < WF_COUNT(cases); i++) {
		struct wf_arena a = { 0 };

		is_str(render(&a, cases[i][0], cases[i][1]), cases[i][2], "words of: %s", line(cases[i][0]));
		wf_arena_release(&a);
	}
}

/* ---- a real bash -------------------------------------------------------------------------------------------- */

static char *run(const struct wdf_argv *v)
{
	char *env[64];
	size_t n = 0;
	struct wf_buf b = { 0 };
	int fd[2], status;
	ssize_t got;
	pid_t pid;

	env[n++] = (char *)(uintptr_t)"PATH=/usr/local/bin:/usr/bin:/bin";
	env[n++] = (char *)(uintptr_t)"HOME=/nowhere";
	for (size_t i = 0; i < v->env_count && n < 63; i++)
		env[n++] = v->env[i];
	env[n] = NULL;
	if (pipe2(fd, O_CLOEXEC) < 0)
		bail("pipe: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		bail("fork: %s", strerror(errno));
	if (pid == 0) {
		if (chdir(canary) == 0 && dup2(fd[1], 1) == 1 && dup2(fd[1], 2) == 2)
			execvpe(v->argv[0], v->argv, env);
		_exit(127);
	}
	close(fd[1]);
	while ((got = read(fd[0], wf_buf_room(&b, 4096), 4096)) > 0)
		b.len += (size_t)got;
	close(fd[0]);
	wf_buf_room(&b, 1);
	b.data[b.len] = '\0';
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return wf_buf_take(&b);
}

static const char *const nasty[] = {
	"two words",
	"$(touch canary)",
	"`touch canary`",
	"'\"; touch canary; \"'",
	"a\ntouch canary\nb",
	"a[$(touch canary)]",
	"*",
	"\\",
	"plain",
	"",
	"\"; touch canary; \"",
	"'; touch canary; '",
	"; touch canary",
	"| touch canary",
	"&& touch canary",
	"$HOME ${HOME} $((1+1))",
	"\\\"",
	"#x",
	"~",
	"{{ y }}",
	"!!",
	"EOF",
	"a\nEOF\ntouch canary",
	"<(touch canary)",
	"-n",
	"}",
	")",
	"'",
	"\"",
	"\t lead and trail \t",
	"\xc3\xa9\xe2\x82\xac",
};

/* Contexts in which any value may stand: %s in the expectation is the value. */
static const char *const open_places[][2] = {
	{ "printf '%s|' {{ x }} > /dev/stdout", "%s|" },
	{ "true; printf '%s|' \"{{ x }}\"", "%s|" },
	{ "true; printf '%s|' \"a{{ x }}b\"", "a%sb|" },
	{ "true; printf '%s|' a{{ x }}b", "a%sb|" },
	{ "true; printf '%s|' a'q'\"r\"{{ x }}'s'", "aqr%ss|" },
	{ "v={{ x }}; printf '%s|' \"$v\"", "%s|" },
	{ "export v={{ x }}; printf '%s|' \"$v\"", "%s|" },
	{ "printf '%s|' \"$(printf '%s.' {{ x }})\"", "%s.|" },
	{ "printf '%s|' \"$(printf '%s.' \"{{ x }}\")\"", "%s.|" },
	{ "printf '%s|' \"a $(printf '%s.' \"b $(printf '%s,' {{ x }})\")\"", "a b %s,.|" },
	{ "cat <<EOF\n[{{ x }}]\nEOF\n", "[%s]\n" },
	{ "cat <<EOF\nit's \"a\" [{{ x }}] $(printf '%s' {{ x }}.)\nEOF\nprintf '%s|' {{ x }}", "it's \"a\" [%s] %s.\n%s|" },
	{ "cat <<-EOF\n\t[{{ x }}]\n\tEOF\n", "[%s]\n" },
	{ "cat <<A <<B\n{{ x }}\nA\n[{{ x }}]\nB\nprintf '%s|' {{ x }}", "[%s]\n%s|" },
	{ "cat <<A <<B\n$(cat <<C <<D\nc\nC\nd\nD\n)\nA\n[{{ x }}]\nB\nprintf '%s|' {{ x }}", "[%s]\n%s|" },
	{ "cat <<EOF | sed -n p\n[{{ x }}]\nEOF\n", "[%s]\n" },
	{ "cat <<'EOF' && printf '%s|' {{ x }}\nit's $HOME\nEOF\n", "it's $HOME\n%s|" },
	{ "printf '%s|' \"$(cat <<EOF\n[{{ x }}]\nEOF\n)\"", "[%s]|" },
	{ "case {{ x }} in zzz) echo no;; *) printf '%s|' {{ x }};; esac", "%s|" },
	{ "printf '%s|' \"$(case a in a) printf '%s.' {{ x }};; esac)\"", "%s.|" },
	{ "printf '%s|' \"$(case a in (a) printf '%s.' {{ x }};; esac)\"", "%s.|" },
	{ "for i in {{ x }}; do printf '%s|' \"$i\"; done", "%s|" },
	{ "if true; then printf '%s|' {{ x }}; fi", "%s|" },
	{ "cat <<< {{ x }}", "%s\n" },
	{ "cat <<< \"a {{ x }}\"", "a %s\n" },
	{ "f() { printf '%s|' \"$1\"; }; f {{ x }}", "%s|" },
	{ "printf '%s|' {{ x }} # it's {{ x }} a comment", "%s|" },
	{ "# it's \"a comment {{ x }}\nprintf '%s|' {{ x }}", "%s|" },
	{ "(printf '%s|' {{ x }})", "%s|" },
	{ "{ printf '%s|' {{ x }}; }", "%s|" },
	{ "printf '%s|' {{ x }} | cat", "%s|" },
	{ "cat <(printf '%s|' {{ x }})", "%s|" },
	{ "a=({{ x }} z); printf '%s|' \"${a[0]}\"", "%s|" },
	{ "printf '%s|' \"it's $(printf '%s' 'q'){{ x }}\"", "it's q%s|" },
	{ "printf '%s|' \\\"{{ x }}", "\"%s|" },
	{ "printf '%s|' \"${HOME:+y}\"{{ x }}", "y%s|" },
	{ "printf '%s|' \"${HOME:+\"y\"}{{ x }}\"", "y%s|" },
	{ "printf '%s|' \"$((1 + (2 * 3)))\"{{ x }}", "7%s|" },
	{ "printf '%s|' $'it\\'s'{{ x }}", "it's%s|" },
	{ "printf '%s|' x#y{{ x }}", "x#y%s|" },
	{ "printf '%s|' \"\\\"{{ x }}\\\"\"", "\"%s\"|" },
	{ "[ -e /nowhere ] || printf '%s|' {{ x }}", "%s|" },
	{ "[[ -e /nowhere ]] || printf '%s|' {{ x }}", "%s|" },
	{ "printf '%s|' {{ x }} 2>&1 >/dev/stdout", "%s|" },
	{ "printf '%s|' {{ x }} \\\n  {{ x }}; true", "%s|%s|" },
	{ "sed -n '$p' <<EOF\n[{{ x }}]\nEOF\nprintf '%s|' {{ x }}", NULL }, /* the last line of the value */
	{ "awk '{ print }' <<< {{ x }}", "%s\n" },
	{ "python3 -c 'import sys; sys.stdout.write(sys.argv[1] + \"|\")' {{ x }} ; true", "%s|" },
	{ "bash -c 'printf \"%s|\" \"$1\"' _ {{ x }}; true", "%s|" },
};

static void expect(struct wf_buf *b, const char *pattern, const char *value)
{
	for (; *pattern; pattern++) {
		if (pattern[0] == '%' && pattern[1] == 's') {
			wf_buf_str(b, value);
			pattern++;
		} else {
			wf_buf_char(b, *pattern);
		}
	}
}

static int canary_sings(void)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "%s/canary", canary);
	return stat(path, &st) == 0;
}

static void test_bash(void)
{
	for (size_t i = 0; i < WF_COUNT(open_places); i++) {
		unsigned wrong = 0, refused = 0;

		for (size_t k = 0; k < WF_COUNT(nasty); k++) {
			struct names v = { .x = text_value(nasty[k]) };
			struct wdf_scope scope = { lookup, &v };
			struct wf_arena a = { 0 };
			struct wdf_diags d = { 0 };
			struct wdf_argv argv;
			struct wf_err err;
			struct wdf_command *c;

			/* Every place meets the worst values and a third of the others, every value a third of the places. */
			if (k >= 8 && (i + k) % 3)
				continue;
			c = read_command(&a, open_places[i][0], NULL, &d);
			if (!c || wdf_command_render(c, &scope, &a, &argv, &err) < 0) {
				refused++;
				diag("%s: %s", open_places[i][0], c ? err.text : d.count ? d.items[0].text : "?");
			} else {
				char *got = run(&argv);
				struct wf_buf want = { 0 };

				expect(&want, open_places[i][1] ? open_places[i][1] : got, nasty[k]);
				if (strcmp(got, wf_buf_cstr(&want)) != 0) {
					wrong++;
					diag("%s with <%s>: got <%s>, script %s", open_places[i][0], nasty[k], got,
					     argv.argv[argv.argc - 1]);
				}
				wf_buf_release(&want);
				free(got);
			}
			wdf_diags_release(&d);
			wf_arena_release(&a);
		}
		ok(!wrong && !refused, "values arrive as they are in: %s", line(open_places[i][0]));
		ok(!canary_sings(), "and nothing of them ran");
	}
}

/* Contexts in which only harmless values may stand. */
static const char *const closed_places[] = {
	"echo '{{ x }}' > f",
	"echo $'{{ x }}' > f",
	"bash -c \"echo {{ x }}\"; true",
	"bash -lc 'echo {{ x }}'; true",
	"/bin/bash -ec \"echo {{ x }}\"; true",
	"bash -c \"echo $(echo {{ x }})\"; true",
	"bash -c 'echo {{ x }}'",
	"sh -c \"echo {{ x }}\"",
	"\"bash\" -c \"echo {{ x }}\"",
	"srun -n 2 bash -c \"echo {{ x }}\"",
	"timeout 5 python3.11 -c \"print({{ x }})\"",
	"python3 -c\"print({{ x }})\"",
	"perl -e \"print {{ x }}\"",
	"perl -ne \"print {{ x }}\" file",
	"env A=1 python3 -c \"{{ x }}\"; true",
	"echo $(( {{ x }} + 1 ))",
	"echo $[ {{ x }} + 1 ]",
	"(( {{ x }} > 1 )) && echo",
	"for ((i=0; i<{{ x }}; i++)); do :; done",
	"[[ {{ x }} -eq 1 ]] && echo",
	"[[ \"{{ x }}\" -eq 1 ]] && echo",
	"[[ 1 -eq 1 && {{ x }} -gt 1 ]] && echo",
	"a[{{ x }}]=1; echo",
	"a=([{{ x }}]=1); echo",
	"echo ${a[{{ x }}]}",
	"echo \"${a[{{ x }}]}\"",
	"echo ${a:{{ x }}}",
	"echo ${a:-{{ x }}}",
	"eval \"echo {{ x }}\"; true",
	"eval echo {{ x }}; true",
	"command eval echo {{ x }}; true",
	"let y={{ x }}; true",
	"declare -i y={{ x }}; true",
	"unset \"a[{{ x }}]\"; true",
	"printf -v \"a[{{ x }}]\" 1; true",
	"test -v \"a[{{ x }}]\" && true",
	"trap \"echo {{ x }}\" EXIT; true",
	"ssh host \"ls {{ x }}\" | cat",
	"ssh host ls {{ x }}",
	"su user -c \"{{ x }}\"",
	"cat <<'EOF'\na {{ x }}\nEOF\n",
	"bash <<EOF\necho {{ x }}\nEOF\n",
	"bash -s <<EOF | tee log\necho {{ x }}\nEOF\n",
	"python3 - <<EOF\nprint({{ x }})\nEOF\n",
	"bash <<< \"echo {{ x }}\"",
	"awk \"BEGIN { print {{ x }} }\"",
	"awk -v a=b \"BEGIN { print {{ x }} }\"",
	"sed \"s/a/{{ x }}/\" f > g",
	"sed -e \"s/a/{{ x }}/\" f",
	"if true; then bash -c \"{{ x }}\"; fi",
	"x=$(bash -c \"{{ x }}\")",
	"x=\"$(bash -c \"{{ x }}\")\"",
};

static void test_refused(void)
{
	for (size_t i = 0; i < WF_COUNT(closed_places); i++) {
		struct wf_arena a = { 0 };
		unsigned passed = 0, harmless = 0;

		for (size_t k = 0; k < WF_COUNT(nasty); k++) {
			const char *out = render(&a, closed_places[i], nasty[k]);

			if (wdf_value_is_harmless(nasty[k]))
				continue;
			if (strncmp(out, "error: value '", 14) != 0 || !strstr(out, "$WF_PARAM_X")) {
				passed++;
				diag("%s with <%s>: %s", closed_places[i], nasty[k], out);
			}
		}
		ok(!passed, "only harmless values in: %s", line(closed_places[i]));
		harmless = strncmp(render(&a, closed_places[i], "ab-1.5/x=y@z,%+:_"), "error", 5) != 0;
		ok(harmless, "and those pass");
		wf_arena_release(&a);
	}
}

static void test_faults(void)
{
	static const char *const cases[][2] = {
		{ "echo `echo {{ x }}`", "'{{ x }}' stands inside backticks" },
		{ "echo \"`echo {{ x }}`\"", "'{{ x }}' stands inside backticks" },
		{ "echo \\{{ x }} > f", "'{{ x }}' follows a backslash" },
		{ "echo \"\\{{ x }}\" > f", "'{{ x }}' follows a backslash" },
		{ "echo ${{ x }}", "'{{ x }}' follows a dollar sign" },
		{ "cat <<{{ x }}\na\n", "'{{ x }}' stands in the end mark of a here-document" },
		{ "cat <<'EOF'\n{{ x }}\nEOF\n", "'{{ x }}' can make its line the end mark of the here-document" },
		{ "cat <<'EOF'\nE{{ x }}F\nEOF\n", "'{{ x }}' can make its line the end mark of the here-document" },
		{ "echo \"abc > f", "quote in the command is not closed" },
		{ "echo 'abc > f", "quote in the command is not closed" },
		{ "echo \"$(echo 'a) b\" > f", "quote in the command is not closed" },
	};

	for (size_t i = 0; i < WF_COUNT(cases); i++) {
		struct wf_arena a = { 0 };
		struct wf_buf want = { 0 };

		wf_buf_printf(&want, "error: %s", cases[i][1]);
		is_str(render(&a, cases[i][0], "v"), wf_buf_cstr(&want), "fault of: %s", line(cases[i][0]));
		wf_buf_release(&want);
		wf_arena_release(&a);
	}
}

static void test_other_shells(void)
{
	struct wf_arena a = { 0 };
	struct wdf_diags d = { 0 };
	struct names v = { .x = text_value("a b") };
	struct wdf_scope scope = { lookup, &v };
	struct wdf_argv argv;
	struct wf_err err = { 0 };
	struct wdf_command *c = read_command(&a, "import os; print({{ x }})", "python3", &d);

	ok(c && wdf_command_render(c, &scope, &a, &argv, &err) < 0, "a shell that is none gets harmless text only");
	has_str(err.text, "$WF_PARAM_X", "and the cure is named");
	v.x = text_value("12");
	ok(c && wdf_command_render(c, &scope, &a, &argv, &err) == 0, "a number passes");
	is_str(c ? argv.argv[2] : NULL, "import os; print(12)", "as text");
	c = read_command(&a, "echo {{ x }}; true", "zsh -f", &d);
	ok(c && wdf_command_render(c, &scope, &a, &argv, &err) == 0, "zsh reads variables");
	is_str(c ? argv.argv[3] : NULL, "echo \"${WF_PARAM_X}\"; true", "as bash does");
	ok(!read_command(&a, "a; b", "bash; rm", &d), "a shell with syntax is refused");
	is_str(d.items[0].text, "'shell' must be a program and its options, found 'bash; rm'", "by name");
	wdf_diags_release(&d);
	wf_arena_release(&a);
}

static void test_argv(void)
{
	const char *items[] = { "bash", "-c", "echo {{ x }}", "{{ l }}", "{{ l | join }}", "{{ x }};" };
	struct wf_arena a = { 0 };
	struct wdf_diags d = { 0 };
	struct wdf_value list[] = { text_value("p q"), text_value("r") };
	struct names v = { .x = text_value("$(id)"), .list = { .kind = WDF_LIST, .count = 2 } };
	struct wdf_scope scope = { lookup, &v };
	struct wdf_tmpl t[6];
	struct wdf_argv argv;
	struct wf_err err;
	struct wdf_command *c;

	v.list.items = list;
	for (int i = 0; i < 6; i++)
		wdf_tmpl_parse(&t[i], &a, items[i], (struct wdf_pos){ 1, 1 }, &d);
	c = wdf_command_of_argv(&a, t, 6);
	ok(wdf_command_render(c, &scope, &a, &argv, &err) < 0, "an inner script in argv is guarded");
	v.x = text_value("ok");
	ok(wdf_command_render(c, &scope, &a, &argv, &err) == 0, "harmless text passes");
	is_int(argv.argc, 7, "a list is several words");
	is_str(argv.argv[3], "p q", "the first");
	is_str(argv.argv[5], "p q r", "a joined list is one");
	is_str(argv.argv[6], "ok;", "no shell looks at it");
	ok(argv.argv[7] == NULL, "the end is marked");
	wdf_diags_release(&d);
	wf_arena_release(&a);
}

int main(void)
{
	char path[64];

	if (!mkdtemp(canary))
		bail("mkdtemp: %s", strerror(errno));
	test_kinds();
	test_words();
	test_faults();
	test_refused();
	test_other_shells();
	test_argv();
	test_bash();
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", canary, i ? "f" : "canary");
		unlink(path);
	}
	rmdir(canary);
	return done_testing();
}
