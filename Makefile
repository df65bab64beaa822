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

include tools/files.mk
include bench/schedule/files.mk
include bench/files.mk

.PHONY: unit
unit: $(UNIT_BIN) ## build the unit test programs

# ---- every day -------------------------------------------------------------------------------------------------

.PHONY: deps
deps: ## install the Debian packages that building needs (root or sudo), or name them
	@tools/deps.sh build

.PHONY: demo
demo: ## all the set-up, then a real workflow: killed half way, resumed, a failure cured
	@tools/deps.sh demo
	@$(MAKE) -s --no-print-directory all
	@BIN=$(B)/bin bash examples/demo/demo.sh $(B)/demo

LINT_TESTS := $(sort $(wildcard tests/lint/*.sh))
CLI_TESTS := $(sort $(wildcard tests/cli/t[0-9]*.sh))
SYSTEM_TESTS := $(sort $(wildcard tests/system/*.sh))
RUN = B=$(abspath $(B)) bash tests/tap/run.sh -l $(B)/test-log
SAN_B := $(B)/asan

.PHONY: check
check: ## all the set-up, then every test; ends with `N passed, N failed`
	@tools/deps.sh check
	@rm -f $(B)/sums && mkdir -p $(B)
	@$(MAKE) -s --no-print-directory all unit DEVELOPER=1
	@$(MAKE) -s --no-print-directory all unit B=$(SAN_B) SAN=address,undefined FAULTS=1 DEVELOPER=1
	@rc=0; export WF_TEST_SUMS=$(abspath $(B))/sums; \
	$(MAKE) -s --no-print-directory check-lint || rc=1; \
	$(RUN) -n "models" tests/model/models.sh || rc=1; \
	$(MAKE) -s --no-print-directory check-unit check-cli B=$(SAN_B) SAN=address,undefined FAULTS=1 DEVELOPER=1 -k || rc=1; \
	$(MAKE) -s --no-print-directory check-unit check-cli check-system DEVELOPER=1 -k || rc=1; \
	awk '{ p += $$1; f += $$2 } END { print p " passed, " f " failed" }' $(B)/sums; \
	exit $$rc

.PHONY: check-unit
check-unit: all unit ## the unit, replay, simulator and contract tests of this build
	@$(RUN) -n "unit tests ($(B))" $(UNIT_BIN)

.PHONY: check-cli
check-cli: all ## the tests of the command line against this build
	@$(RUN) -n "command line ($(B))" $(CLI_TESTS)

.PHONY: check-system
check-system: all bench-programs ## whole runs with real parts: kills, full disk, examples
	@$(RUN) -n "system ($(B))" -j 1 -t 900 $(SYSTEM_TESTS)

.PHONY: check-model
check-model: ## the protocols' models with larger bounds (spin; some minutes)
	@tools/deps.sh check
	@WF_MODEL_BIG=1 WF_MODEL_LIMIT=3000 $(RUN) -n "models" -t 7200 tests/model/models.sh

.PHONY: check-lint
check-lint: all wdf-check $(B)/tools/states ## layers, headers, schema, manual
	@$(RUN) -n "lint" $(LINT_TESTS)

# The scripted agent is for tests.
INSTALLED := $(filter-out wf-fake-agent,$(PROGRAMS))

.PHONY: install
install: all ## install below $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/wf/types $(DESTDIR)$(PREFIX)/share/wf/schema
	install -m 755 $(addprefix $(B)/bin/,$(INSTALLED)) $(DESTDIR)$(PREFIX)/bin
	cp -rL services/types/. $(DESTDIR)$(PREFIX)/share/wf/types
	install -m 644 wdf-schema/wdf.schema.json $(DESTDIR)$(PREFIX)/share/wf/schema
	cp -rL $(B)/share/man $(B)/share/bash-completion $(DESTDIR)$(PREFIX)/share

.PHONY: uninstall
uninstall: ## remove what install put there
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,$(INSTALLED)) $(addprefix $(DESTDIR)$(PREFIX)/share/man/man1/,$(filter %.1,$(MAN)))
	rm -rf $(DESTDIR)$(PREFIX)/share/wf $(DESTDIR)$(PREFIX)/share/bash-completion/completions/wf

.PHONY: clean
clean: ## remove the build directory
	rm -rf $(B)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | sort | expand -t 20
	@echo
	@echo 'settings: B=build  PREFIX=/usr/local  DESTDIR=  CC=gcc  DEVELOPER=1  SAN=address|undefined|thread  FAULTS=1  COVERAGE=1'

-include $(ALL_OBJ:.o=.d)
