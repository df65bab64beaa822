cli_SRC := \
	cli/args.c \
	cli/client.c \
	cli/cmd_cancel.c \
	cli/cmd_config.c \
	cli/cmd_doctor.c \
	cli/cmd_engine.c \
	cli/cmd_events.c \
	cli/cmd_explain.c \
	cli/cmd_export.c \
	cli/cmd_graph.c \
	cli/cmd_help.c \
	cli/cmd_import.c \
	cli/cmd_logs.c \
	cli/cmd_ls.c \
	cli/cmd_pause.c \
	cli/cmd_plan.c \
	cli/cmd_resolve.c \
	cli/cmd_retry.c \
	cli/cmd_rm.c \
	cli/cmd_services.c \
	cli/cmd_show.c \
	cli/cmd_status.c \
	cli/cmd_submit.c \
	cli/cmd_tasks.c \
	cli/cmd_validate.c \
	cli/cmd_wait.c \
	cli/cmd_watch.c \
	cli/commands.c \
	cli/complete.c \
	cli/doctor_engine.c \
	cli/doctor_host.c \
	cli/doctor_state.c \
	cli/env.c \
	cli/export_chrome.c \
	cli/export_wfformat.c \
	cli/field.c \
	cli/follow.c \
	cli/grid.c \
	cli/live.c \
	cli/logs.c \
	cli/output.c \
	cli/output_human.c \
	cli/output_json.c \
	cli/output_quiet.c \
	cli/picture.c \
	cli/plan.c \
	cli/record.c \
	cli/runs.c \
	cli/show.c \
	cli/show_plan.c \
	cli/show_run.c \
	cli/show_site.c \
	cli/show_task.c \
	cli/site.c \
	cli/spec.c \
	cli/start.c \
	cli/term.c \
	cli/usage.c \
	cli/where.c

PROGRAMS += wf
wf_MAIN := cli/main.c
wf_FLOORS := cli dag wdf base
wf_LIBS := -lyaml -ljansson -lcurl -lm

# The manual and the completion, beside the programs.
MAN := $(notdir $(wildcard docs/man/*.[1-8]))
share: $(addprefix $(B)/share/man/,$(join $(patsubst .%,man%/,$(suffix $(MAN))),$(MAN))) \
	$(B)/share/bash-completion/completions/wf
define manual
$$(B)/share/man/man$(2)/$(1): docs/man/$(1)
	@mkdir -p $$(@D)
	$$(Q)cp $$< $$@
endef
$(foreach m,$(MAN),$(eval $(call manual,$(m),$(patsubst .%,%,$(suffix $(m))))))
$(B)/share/bash-completion/completions/wf: $(B)/bin/wf
	@mkdir -p $(@D)
	$(Q)$< completion bash > $@
