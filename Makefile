# One Makefile, no recursion: each folder's files.mk lists its sources by name.
# `make help` prints the targets. Settings: B=build SAN=address,undefined|thread DEVELOPER=1 FAULTS=1 CC=clang

B ?= build
PREFIX ?= /usr/local
DESTDIR ?=
VERSION := 0.1.0

PKGS := yaml-0.1 sqlite3 libuv jansson libmicrohttpd libcurl libxxhash
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)

CFLAGS ?= -O2 -g
WF_CFLAGS := -std=gnu11 -I. -D_GNU_SOURCE -DWF_VERSION='"$(VERSION)"' -fno-strict-aliasing \
	-fvisibility=hidden -Wall -Wextra -Werror -Wshadow -Wconversion -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wvla -Wno-missing-field-initializers $(PKG_CFLAGS)
ifdef DEVELOPER
WF_CFLAGS += -Wformat=2 -Wundef -Wwrite-strings -Wold-style-definition
endif
ifdef SAN
CFLAGS := -O1 -g -fno-omit-frame-pointer
WF_CFLAGS += -fsanitize=$(SAN) -fno-sanitize-recover=all
WF_LDFLAGS += -fsanitize=$(SAN)
endif
ifdef FAULTS
WF_CFLAGS += -DWF_FAULTS
endif
ifdef COVERAGE
CFLAGS := -O0 -g
WF_CFLAGS += --coverage
WF_LDFLAGS += --coverage
endif

.PHONY: all
all: ## build everything into $(B)/bin
.SUFFIXES:
.DELETE_ON_ERROR:

include engine/base/files.mk
-include wdf-schema/files.mk
-include dag/files.mk
-include engine/state/files.mk
-include engine/loop/files.mk
-include engine/store/files.mk
-include engine/link/files.mk
-include engine/core/files.mk
-include engine/api/files.mk
-include engine/files.mk
-include executors/files.mk
-include services/files.mk
-include cli/files.mk
-include tests/files.mk

# A floor is a static library; a program lists the floors it stands on, top first.
FLOORS := base wdf dag state loop store link core api agent attempt local services cli
define floor
$(1)_OBJ := $$(patsubst %.c,$$(B)/obj/%.o,$$($(1)_SRC))
$$(B)/lib/lib$(1).a: $$($(1)_OBJ)
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$^
ALL_OBJ += $$($(1)_OBJ)
endef
$(foreach f,$(FLOORS),$(if $($(f)_SRC),$(eval $(call floor,$(f)))))
lib = $(foreach f,$(1),$(if $($(f)_SRC),$(B)/lib/lib$(f).a))

Q := @
$(B)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC $<"
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(WF_CFLAGS) $(CFLAGS_$(subst /,_,$(basename $<))) -MMD -MP -c $< -o $@

# Programs: <name>_MAIN, <name>_FLOORS, <name>_LIBS are set by the folder that owns the program.
# PROGRAMS lists them.
define program
$$(B)/bin/$(1): $$(B)/obj/$$(basename $$($(1)_MAIN)).o $$(call lib,$$($(1)_FLOORS))
	@mkdir -p $$(@D)
	@echo "  LD $$@"
	$$(Q)$$(CC) $$(CFLAGS) $$(WF_LDFLAGS) -o $$@ $$< $$(call lib,$$($(1)_FLOORS)) $$($(1)_LIBS)
ALL_OBJ += $$(B)/obj/$$(basename $$($(1)_MAIN)).o
endef
$(foreach p,$(PROGRAMS),$(eval $(call program,$(p))))

# Unit tests: every source in UNIT_TESTS is one program; <source path>_LIBS may add libraries.
TEST_FLOORS := api core store link loop local agent attempt services dag wdf state cli base
TEST_LIBS := -luv -lsqlite3 -lyaml -ljansson -lmicrohttpd -lcurl -lxxhash -lpthread -lm
define unit
$$(B)/test/$(basename $(1)): $$(B)/obj/$(basename $(1)).o $$(TEST_OBJ) $$(call lib,$$(TEST_FLOORS))
	@mkdir -p $$(@D)
	@echo "  LD $$@"
	$$(Q)$$(CC) $$(CFLAGS) $$(WF_LDFLAGS) -o $$@ $$< $$(TEST_OBJ) -Wl,--start-group $$(call lib,$$(TEST_FLOORS)) -Wl,--end-group $$(TEST_LIBS)
ALL_OBJ += $$(B)/obj/$(basename $(1)).o
UNIT_BIN += $$(B)/test/$(basename $(1))
endef
$(foreach t,$(UNIT_TESTS),$(eval $(call unit,$(t))))

.PHONY: share
share: ## the data files beside the programs: driver files, schema, manual
	@mkdir -p $(B)/share/wf
	@ln -sfn $(CURDIR)/services/types $(B)/share/wf/types
	@ln -sfn $(CURDIR)/wdf-schema $(B)/share/wf/schema

all: $(addprefix $(B)/bin/,$(PROGRAMS)) share

.PHONY: unit
unit: $(UNIT_BIN) ## build the unit test programs

.PHONY: check-unit
check-unit: all unit ## run the unit tests of this build
	@sh tests/tap/run.sh $(UNIT_BIN)

.PHONY: clean
clean: ## remove the build directory
	rm -rf $(B)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 20

-include $(ALL_OBJ:.o=.d)
