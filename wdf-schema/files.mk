wdf_SRC := \
	wdf-schema/diag.c \
	wdf-schema/driver.c \
	wdf-schema/node.c \
	wdf-schema/template.c \
	wdf-schema/text.c \
	wdf-schema/units.c \
	wdf-schema/value.c \
	wdf-schema/yaml.c \
	wdf-schema/verbs.c
