wdf_SRC := \
	wdf-schema/diag.c \
	wdf-schema/node.c \
	wdf-schema/text.c \
	wdf-schema/yaml.c
