/* shell.h - where the placeholders of a shell script stand
 *
 * The script is a sequence of codes: bytes, and WDF_SLOT for a placeholder. wdf_shell_scan follows the shell's grammar as far as
 * quoting goes and says for each placeholder how its value may be put there without becoming syntax.
 */
#ifndef WF_WDF_SHELL_H
#define WF_WDF_SHELL_H

#include <stddef.h>
#include <stdint.h>

enum { WDF_SLOT = 256 };

enum wdf_quote {
	WDF_Q_LITERAL,  /* a part that is no placeholder */
	WDF_Q_BARE,     /* unquoted: "${NAME}", a list becomes several */
	WDF_Q_DOUBLE,   /* in double quotes or a here-document: ${NAME} */
	WDF_Q_TEXT,     /* the value itself, if it has only harmless characters */
};

enum wdf_shell_fault {
	WDF_SHELL_OK,
	WDF_SHELL_QUOTE,     /* a quote is not closed */
	WDF_SHELL_BACKTICK,  /* placeholder inside backticks */
	WDF_SHELL_ESCAPED,   /* placeholder after a backslash */
	WDF_SHELL_DOLLAR,    /* placeholder after a dollar sign */
	WDF_SHELL_DELIMITER, /* placeholder in the end mark of a here-document */
	WDF_SHELL_LINE,      /* placeholder that can make a line the end mark of a quoted here-document */
	WDF_SHELL_DEEP,      /* nested too deeply to follow */
};

/* quotes[k] is set for the k-th placeholder. *which is the placeholder at fault. */
enum wdf_shell_fault wdf_shell_scan(const uint16_t *codes, size_t n, uint8_t *quotes, size_t *which);

/* Does the text have shell syntax (design.md 9), or a first word that only a shell has? */
int wdf_shell_needed(const uint16_t *codes, size_t n);

/* ---- one simple command: which of its words are scripts for another interpreter ------------------- */

struct wdf_simple {
	const struct wdf_interpreter *interpreter;
	uint8_t named;        /* the command's own name was seen */
	uint8_t script_next;  /* the next word is a script */
	uint8_t script_seen;
	uint8_t skip_next;    /* the next word is an option's argument */
	uint8_t brackets;     /* inside [[ ]] */
};
/* Is the word that begins so ("-c" so far, or nothing yet) a script, or part of one? */
int wdf_simple_in_script(const struct wdf_simple *s, const char *word, size_t n);
/* Does the command read a script from stdin? */
int wdf_simple_reads_script(const struct wdf_simple *s);
/* A word is complete. */
void wdf_simple_word(struct wdf_simple *s, const char *word, size_t n);

#endif
