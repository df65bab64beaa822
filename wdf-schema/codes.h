/* codes.h - every finding the language can make, in one table
 *
 * A code is stable for ever: it is printed, searched for and written about. Numbers are never reused; a finding that is
 * no longer made keeps its row. The text of a finding says what is wrong here; the paragraph says why it is refused.
 *
 * Also update docs/wdf.md (a lint test compares).
 */
#ifndef WF_WDF_CODES_H
#define WF_WDF_CODES_H

/*   symbol         code     title                              explanation */
#define WDF_CODES(X)                                                                               \
	X(TOO_LARGE,    "E0101", "the file is too large",                                          \
	  "A workflow file may have 16 MiB; a site may set a lower limit. Large tables belong in a CSV file (foreach: {s: {csv: FILE}}) "   \
	  "or in a file that a step reads.")                                                       \
	X(NOT_UTF8,     "E0102", "the file is not UTF-8",                                          \
	  "A workflow file is UTF-8 text. The finding names the first byte that is not, counted from 0. UTF-16 and UTF-32 are recognised by "  \
	  "their first bytes; save the file as UTF-8.")                                            \
	X(CHARACTER,    "E0103", "a character that is not allowed",                                \
	  "NUL, control characters, a byte order mark inside the text, Unicode line separators and the controls that change the direction of "  \
	  "text are refused everywhere: they make a file read differently from how it looks.")     \
	X(EMPTY,        "E0104", "nothing in the file",                                            \
	  "The file holds no document, or only comments. A workflow file is a mapping with at least 'workflow' and 'steps'.")                 \
	X(DOCUMENTS,    "E0105", "more than one document",                                         \
	  "A file describes one workflow. A second document (after '---') would be ignored by some readers and taken by others, so it is refused.") \
	X(SYNTAX,       "E0106", "not valid YAML",                                                 \
	  "The text breaks a rule of YAML. Frequent causes: an indentation that differs from its neighbours, a ': ' or ' #' inside an unquoted value, " \
	  "a value that starts with one of @ ` % & * ! | > and needs quotes.")                     \
	X(TAB,          "E0107", "a tab in the indentation",                                       \
	  "YAML forbids tabs in indentation. Use spaces.")                                         \
	X(QUOTE,        "E0108", "a quote that is not closed",                                     \
	  "A quoted value has no end. The place shown is that of the opening quote, which is where to look; the error itself shows only much later.") \
	X(TWICE,        "E0109", "a key is given twice",                                           \
	  "Readers of YAML disagree about which of two equal keys counts, so neither does. Both places are shown.")                           \
	X(KEY,          "E0110", "a key that is not a word",                                       \
	  "Keys are plain words: not lists, not mappings, not placeholders.")                      \
	X(TAG,          "E0111", "a tag",                                                          \
	  "Tags (!!python/object, !include, !!str) are refused: they ask a reader to build things other than text, numbers, lists and mappings.") \
	X(MERGE,        "E0112", "a merge key",                                                    \
	  "The merge key '<<' is not part of YAML 1.2. What steps have in common belongs under 'defaults'.")                                  \
	X(ALIAS,        "E0113", "an alias that leads nowhere",                                    \
	  "An alias (*name) must follow its anchor (&name), and may not stand inside it.")         \
	X(DEPTH,        "E0114", "nested too deeply",                                              \
	  "Lists and mappings may be nested 64 deep, aliases included.")                           \
	X(NODES,        "E0115", "too many nodes",                                                 \
	  "A file may have 2,000,000 nodes after its aliases are expanded, and 1,000 aliases. A few nested aliases can stand for billions of nodes.") \
	X(UNKNOWN_KEY,  "E0201", "an unknown key",                                                 \
	  "The key means nothing here. A misspelt key that is ignored changes what runs, so it is an error.")                                 \
	X(MISSING,      "E0202", "a missing key",                                                  \
	  "The key is required here.")                                                             \
	X(KIND,         "E0203", "the wrong kind of value",                                        \
	  "A list, a mapping or a single value was expected and something else was found.")        \
	X(SURPRISE,     "E0204", "a value that versions of YAML read differently",                 \
	  "YAML 1.1 reads no, yes, on and off as truth values, 012 as an octal number, 1:30 as 90 and 1_000 as a number; YAML 1.2 does not. "  \
	  "Quote the value if text is meant; write true, false or the plain number otherwise.")    \
	X(INTEGER,      "E0205", "not an integer in its range",                                    \
	  "A whole number in decimal digits was expected: no sign, exponent, hexadecimal or fraction unless the range allows it.")            \
	X(SIZE,         "E0206", "not a size",                                                     \
	  "Sizes are a number and a suffix: 512M and 2G count in thousands, 512Mi and 2GiB in 1024s. A number alone is bytes.")               \
	X(TIME,         "E0207", "not a time",                                                     \
	  "Times are 500ms, 90s, 10m, 2h, 3d, 1h30m, or as Slurm writes them: 1-12:00:00, \"12:30:00\", \"12:30\" (minutes and seconds).")     \
	X(CHOICE,       "E0208", "not one of the words allowed here",                              \
	  "Only the words listed are allowed.")                                                    \
	X(NAME,         "E0209", "not a name",                                                     \
	  "Steps, services and pools: a letter or digit, then up to 127 letters, digits, '.', '_' and '-'. Parameters and names of a fan-out: a letter, then " \
	  "letters, digits and '_'. They become parts of file names and environment variables.")   \
	X(SAME_NAME,    "E0210", "a name is used twice",                                           \
	  "Names of steps, of services and of a step's fan-out are unique in a file. Both places are shown.")                                 \
	X(EXCLUSIVE,    "E0211", "keys that exclude each other",                                   \
	  "A step does one thing: exactly one of command, argv, call, move and components. Other pairs exclude each other because both say the same.") \
	X(BOOLEAN,      "E0212", "not true or false",                                              \
	  "Write true or false, without quotes.")                                                                  \
	X(EMPTY_VALUE,  "E0213", "an empty value",                                                 \
	  "Something must stand here: an empty text, list or mapping has no meaning.")             \
	X(TOO_LONG,     "E0214", "longer than allowed",                                            \
	  "The value is longer than what uses it can hold.")                                       \
	X(NUMBER,       "E0215", "not a number in its range",                                      \
	  "A decimal number was expected.")                                                        \
	X(TIMEOUT,      "E0216", "a timeout that cannot act",                                      \
	  "'timeout' must be shorter than 'resources.time': at the latter the executor ends the attempt anyway.")                             \
	X(RANGE,        "E0217", "a range that cannot be",                                         \
	  "{range: N} is 0 to N-1; {range: [first, last, step]} includes both ends, its step is not 0 and leads from first to last.")         \
	X(LENGTHS,      "E0218", "lists of different length",                                      \
	  "'zip: true' takes the first of each list, then the second of each: all must be of one length.")                                    \
	X(NO_STEP,      "E0301", "no such step",                                                   \
	  "The name is not that of a step in this file.")                                          \
	X(NO_SERVICE,   "E0302", "no such service",                                                \
	  "The name is not that of a service in this file.")                                       \
	X(NO_POOL,      "E0303", "no such pool",                                                   \
	  "Pools are declared at the top of the file: pools: {licence: 3}.")                       \
	X(NO_TYPE,      "E0304", "no such service type",                                           \
	  "Service types are driver files; 'wf doctor' lists the directories they are read from.") \
	X(ATTRIBUTE,    "E0305", "a service's attributes do not fit its type",                     \
	  "The driver file of a type names its attributes, their types, which are required, and which must differ between services of the type.") \
	X(CYCLE,        "E0306", "steps that wait for each other",                                 \
	  "Following 'after', 'from' and the services that steps use leads back to where it began: none of these could ever start.")          \
	X(UNKNOWN_NAME, "E0307", "an undefined name",                                              \
	  "A placeholder or an expression uses a name that is not a parameter, a name of this step's fan-out (or one it inherits by 'each' or 'by'), a step's " \
	  "'.tasks' or '.result.KEY', SESSION or STEP. A file with 'params' declares every name it uses.")                                    \
	X(RESERVED,     "E0308", "a reserved name",                                                \
	  "SESSION and STEP are given by wf; environment variables that begin with WF_ and IOI_ too.")                                        \
	X(NOT_GIVEN,    "E0309", "a parameter without a value",                                    \
	  "The parameter has no default: give it with -p NAME=VALUE.")                             \
	X(NO_PARAM,     "E0310", "no such parameter",                                              \
	  "-p names a parameter that the file does not declare.")                                  \
	X(PARAM_VALUE,  "E0311", "a value that its parameter does not take",                       \
	  "The value does not read as the parameter's type, or is not one of its choices.")        \
	X(PLACEHOLDER,  "E0312", "not a placeholder",                                              \
	  "A placeholder is {{ name }}: exactly one blank inside the braces on each side, optionally a width as in {{ i:04 }}.")              \
	X(PLACE,        "E0313", "a placeholder that has no value yet",                            \
	  "Keys that shape the workflow (resources, foreach, after, pools, retry...) are read when the file is: they can use parameters, but not the names of " \
	  "a fan-out, results or services, which differ from task to task.")                       \
	X(NOT_BEFORE,   "E0314", "a step that does not come before",                               \
	  "'.tasks' and '.result.KEY' of a step exist when it has ended: the step that uses them must come after it ('after'), and the key must be " \
	  "promised in its 'results'. Of a step with many tasks, '.result' exists only index by index ('each').")                             \
	X(GROUP,        "E0315", "nothing to go by",                                               \
	  "'each' and 'by' need a step that fans out; 'by' lists names of its fan-out.")           \
	X(NO_MOVER,     "E0317", "no such datamover",                                              \
	  "A step names datamovers of the service it uses.")                                       \
	X(NO_COMPONENT, "E0318", "no such component",                                              \
	  "'ends_with' names one of the step's components.")                                       \
	X(SPLIT,        "E0401", "a command that cannot be split",                                 \
	  "A quote in the command is not closed, or a backslash stands at its end.")               \
	X(IN_COMMAND,   "E0402", "a placeholder in a place where its value could become syntax",   \
	  "Inside backticks, as the end mark of a here-document and in similar places no quoting keeps a value from being read as shell syntax. Use $( ) " \
	  "instead of backticks, or the variable $WF_PARAM_<NAME> in double quotes.")              \
	X(UNSAFE,       "E0403", "a value that could become syntax",                               \
	  "Inside single quotes, and in the script given to sh -c, bash -c, python -c and the like, a value can only be inserted as text: values with " \
	  "characters other than letters, digits and _./:,+@%=- are refused there. Read $WF_PARAM_<NAME> instead.")                           \
	X(EXPRESSION,   "E0404", "an expression that cannot be read",                              \
	  "'when' knows == != < <= > >= and or not in, parentheses, names, 'strings', numbers, true, false, null and [lists].")               \
	X(SHELL,        "E0405", "a shell that cannot be split",                                   \
	  "'shell' is a program and its options, without shell syntax; the script is added after -c.")                                        \
	X(NOT_YET,      "E0601", "not executed by this version",                                   \
	  "The file is valid and kept as it is, but this version cannot carry out the part that is named. It is refused rather than ignored.") \
	X(W_UNUSED,     "W0101", "a block that is not used",                                       \
	  "The block belongs to another executor than the one that runs the step.")                \
	X(W_MEMORY,     "W0102", "very little memory",                                             \
	  "A number without a suffix is bytes. Slurm counts in MB; write 4096M.")                  \
	X(W_PARAM,      "W0103", "a parameter that is not used",                                   \
	  "-p gives a name that nothing in the file uses.")                                        \
	X(W_LITERAL,    "W0104", "braces taken as they are",                                       \
	  "In IO-SEA's files {{X}} without blanks is ordinary text. Write {{ X }} for a placeholder.")                                        \
	X(W_IGNORED,    "W0105", "a key without effect",                                           \
	  "The key is valid but has no effect beside the others of its step or service.")

enum wdf_code {
#define X(sym, code, title, text) WDF_##sym,
	WDF_CODES(X)
#undef X
	WDF_CODE_COUNT
};

#endif
