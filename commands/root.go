package commands

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/commands/access"
	"github.com/usherhq/usher/commands/alias"
	"github.com/usherhq/usher/commands/api"
	"github.com/usherhq/usher/commands/artifact"
	"github.com/usherhq/usher/commands/asset"
	"github.com/usherhq/usher/commands/automation"
	"github.com/usherhq/usher/commands/block"
	"github.com/usherhq/usher/commands/cloud"
	"github.com/usherhq/usher/commands/completion"
	"github.com/usherhq/usher/commands/config"
	"github.com/usherhq/usher/commands/dashboard"
	"github.com/usherhq/usher/commands/declare"
	"github.com/usherhq/usher/commands/deploy"
	"github.com/usherhq/usher/commands/deployment"
	"github.com/usherhq/usher/commands/dev"
	"github.com/usherhq/usher/commands/doctor"
	"github.com/usherhq/usher/commands/events"
	"github.com/usherhq/usher/commands/exec"
	"github.com/usherhq/usher/commands/experimental"
	"github.com/usherhq/usher/commands/flow"
	"github.com/usherhq/usher/commands/flowrun"
	"github.com/usherhq/usher/commands/globallimit"
	"github.com/usherhq/usher/commands/incident"
	"github.com/usherhq/usher/commands/limit"
	"github.com/usherhq/usher/commands/login"
	"github.com/usherhq/usher/commands/mcp"
	"github.com/usherhq/usher/commands/plugins"
	"github.com/usherhq/usher/commands/profile"
	"github.com/usherhq/usher/commands/project"
	"github.com/usherhq/usher/commands/sdk"
	"github.com/usherhq/usher/commands/security"
	"github.com/usherhq/usher/commands/server"
	"github.com/usherhq/usher/commands/shell"
	"github.com/usherhq/usher/commands/task"
	"github.com/usherhq/usher/commands/taskrun"
	"github.com/usherhq/usher/commands/top"
	"github.com/usherhq/usher/commands/transfer"
	"github.com/usherhq/usher/commands/variable"
	"github.com/usherhq/usher/commands/version"
	"github.com/usherhq/usher/commands/worker"
	"github.com/usherhq/usher/commands/workpool"
	"github.com/usherhq/usher/commands/workqueue"
	"github.com/usherhq/usher/internal/build"
	"github.com/usherhq/usher/internal/cli"
)

// The groups of the root's help.
const (
	groupRun     = "run"
	groupDeliver = "deliver"
	groupOperate = "operate"
	groupSetup   = "setup"
)

// NewRoot builds the whole tree of commands.
func NewRoot(env *cli.Env) *cobra.Command {
	root := newTrunk(env)
	cli.GrowAll(root)
	return root
}

// newTrunk builds the tree without the verbs of its nouns.
func newTrunk(env *cli.Env) *cobra.Command {
	root := cli.Group("usher", "Run and watch workflows, with the commands you know from Prefect", nil, nil)
	root.Example = "usher profile use prod\nusher config view"
	root.SilenceErrors = true
	root.SilenceUsage = true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(cli.FlagError)
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		if cmd == root {
			addExtensions(root)
		}
		_ = env.Help(cmd) // stdout is gone: nobody to tell
	})
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return answerVersion(env, cmd) }
	env.SessionFlags(root.PersistentFlags())
	root.PersistentFlags().Bool("help", false, "show what a command does")
	addGroups(root)
	addNouns(root, env)
	addHelp(root, env)
	return root
}

func addGroups(root *cobra.Command) {
	root.AddGroup(
		&cobra.Group{ID: groupRun, Title: "Run and watch"},
		&cobra.Group{ID: groupDeliver, Title: "Deploy and work"},
		&cobra.Group{ID: groupOperate, Title: "Operate"},
		&cobra.Group{ID: groupSetup, Title: "Set up"},
	)
}

// addNouns is the list of nouns: a new one is added here and nowhere else.
func addNouns(root *cobra.Command, env *cli.Env) {
	for _, noun := range []struct {
		group string
		cmd   *cobra.Command
	}{
		{groupRun, deployment.NewCmd(env)},
		{groupRun, flowrun.NewCmd(env)},
		{groupRun, flowrun.NewLogsCmd(env)},
		{groupRun, top.NewCmd(env)},
		{groupRun, taskrun.NewCmd(env)},
		{groupRun, flow.NewCmd(env)},
		{groupRun, artifact.NewCmd(env)},
		{groupRun, asset.NewCmd(env)},
		{groupRun, variable.NewCmd(env)},
		{groupRun, block.NewCmd(env)},
		{groupRun, events.NewCmd(env)},
		{groupDeliver, workpool.NewCmd(env)},
		{groupDeliver, worker.NewServeCmd(env)},
		{groupDeliver, worker.NewExecutorCmd(env)},
		{groupDeliver, workqueue.NewCmd(env)},
		{groupOperate, limit.NewCmd(env)},
		{groupOperate, globallimit.NewCmd(env)},
		{groupOperate, automation.NewCmd(env)},
		{groupOperate, incident.NewCmd(env)},
		{groupOperate, server.NewCmd(env)},
		{groupOperate, server.NewKeysCmd(env)},
		{groupOperate, access.NewKeyCmd(env)},
		{groupOperate, access.NewServiceAccountCmd(env)},
		{groupOperate, access.NewMemberCmd(env)},
		{groupOperate, access.NewAccessCmd(env)},
		{groupOperate, access.NewAuditCmd(env)},
		{groupOperate, access.NewChangeCmd(env)},
		{groupOperate, server.NewAccountCmd(env)},
		{groupOperate, security.NewCmd(env)},
		{groupOperate, transfer.NewCmd(env)},
		{groupOperate, dashboard.NewCmd(env)},
		{groupOperate, api.NewCmd(env)},
		{groupOperate, doctor.NewCmd(env)},
		{groupOperate, mcp.NewCmd(env)},
		{groupDeliver, declare.NewExportCmd(env)},
		{groupDeliver, declare.NewDiffCmd(env)},
		{groupDeliver, declare.NewApplyCmd(env)},
		{groupDeliver, project.NewInitCmd(env)},
		{groupDeliver, deploy.NewCmd(env)},
		{groupDeliver, worker.NewCmd(env)},
		{groupDeliver, exec.NewCmd(env)},
		{groupDeliver, task.NewCmd(env)},
		{groupDeliver, shell.NewCmd(env)},
		{groupDeliver, sdk.NewCmd(env)},
		{groupSetup, profile.NewCmd(env)},
		{groupSetup, config.NewCmd(env)},
		{groupSetup, login.NewCmd(env)},
		{groupSetup, login.NewLogoutCmd(env)},
		{groupSetup, login.NewAuthCmd(env)},
		{groupSetup, login.NewWhoamiCmd(env)},
		{groupSetup, login.NewSessionsCmd(env)},
		{groupSetup, alias.NewCmd(env)},
		{groupSetup, cloud.NewCmd(env)},
		{groupSetup, completion.NewCmd(env)},
		{groupSetup, plugins.NewCmd(env)},
		{groupSetup, experimental.NewCmd(env)},
		{groupSetup, version.NewCmd(env)},
		{groupSetup, dev.NewCmd()},
	} {
		noun.cmd.GroupID = noun.group
		root.AddCommand(noun.cmd)
	}
}

// answerVersion prints the version where --version stands behind a group, as the
// reference does.
func answerVersion(env *cli.Env, cmd *cobra.Command) error {
	if !cli.IsGroup(cmd) || !cmd.Flags().Changed("version") {
		return nil
	}
	cmd.RunE = func(*cobra.Command, []string) error {
		_, err := fmt.Fprintln(env.Streams.Out, build.Version())
		return err
	}
	return nil
}
