package server

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/server/services"
)

func newServicesCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("services", "run what a server does by itself apart from its API", nil, func() []*cobra.Command {
		return []*cobra.Command{newServicesListCmd(env), newServicesStartCmd(env), newServicesStopCmd(env)}
	})
	cmd.Example = "usher server services ls\nusher server start --no-services\nusher server services start"
	return cmd
}

// service is what ls prints of a service.
type service struct {
	Name        string `json:"name"`
	Enabled     bool   `json:"enabled"`
	Variable    string `json:"environment_variable"`
	Description string `json:"description"`
}

func newServicesListCmd(env *cli.Env) *cobra.Command {
	out := output.Options{}
	cmd := &cobra.Command{
		Use:     "ls",
		Aliases: []string{"list"},
		Short:   "list the services and whether they are switched on",
		Example: "usher server services ls\nusher server services ls --json name,enabled",
		RunE:    func(*cobra.Command, []string) error { return listServices(env, out) },
	}
	cli.Positionals(cmd)
	cli.OutputFlags(cmd, &out, output.FieldsOf[service]())
	return cmd
}

func listServices(env *cli.Env, out output.Options) error {
	settings, err := env.Settings()
	if err != nil {
		return err
	}
	off := servicesOf(settings).Without
	var list []service
	for _, about := range services.Known() {
		s := service{Name: about.Name, Enabled: true, Description: about.Does}
		for _, name := range off {
			s.Enabled = s.Enabled && name != about.Name
		}
		if setting, found := profile.Find("USHER_SERVER_SERVICES_" + strings.ToUpper(strings.ReplaceAll(about.Name, "-", "_")) + "_ENABLED"); found {
			s.Variable = setting.Name()
		}
		list = append(list, s)
	}
	return output.List(env.Printer(out), list, []output.Column[service]{
		{Name: "Name", Value: func(s service) string { return s.Name }, Whole: true},
		output.SwitchColumn("Enabled", func(s service) bool { return s.Enabled }),
		{Name: "Setting", Value: func(s service) string { return s.Variable }, Rank: 2, Whole: true},
		{Name: "Description", Value: func(s service) string { return s.Description }, Rank: 1},
	})
}

func newServicesStartCmd(env *cli.Env) *cobra.Command {
	opts, detached := &startOptions{env: env}, false
	cmd := &cobra.Command{
		Use:     "start",
		Aliases: []string{"enable"},
		Short:   "run the services without the API until they are interrupted",
		Long:    "Runs what `usher server start --no-services` leaves out. Any number of them may run: each thing is done once.",
		Example: "usher server services start\nusher server services start --background",
		RunE:    func(cmd *cobra.Command, _ []string) error { return opts.runServices(cmd, detached) },
	}
	cli.Positionals(cmd)
	databaseFlag(cmd, &opts.databaseURL)
	cmd.Flags().StringVar(&opts.logLevel, "log-level", "", "debug, info, warning or error (default warning)")
	cmd.Flags().BoolVarP(&detached, "background", "b", false, "return once they run; usher server services stop ends them")
	return cmd
}

// servicesRun is what is said when the services run.
const servicesRun = "The services run on"

func (o *startOptions) runServices(cmd *cobra.Command, detached bool) error {
	settings, err := o.env.Settings()
	if err != nil {
		return err
	}
	if detached {
		d := &daemon{env: o.env, home: settings.Home(), what: "services", stop: "usher server services stop", more: databaseOf(o.env, "", settings).Wait}
		return d.start(cmd, []string{"server", "services", "start"}, func(context.Context) bool {
			said, err := os.ReadFile(d.log())
			return err == nil && strings.Contains(string(said), servicesRun)
		})
	}
	log, err := o.logger(settings)
	if err != nil {
		return err
	}
	options, err := o.options(settings, log)
	if err != nil {
		return err
	}
	options.NoAPI = true
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := server.Open(ctx, *options)
	if err != nil {
		return err
	}
	o.env.Sayf("%s %s. Ctrl+C stops them.", servicesRun, s.Database())
	if err := s.Run(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	o.env.Say("Stopped.")
	return nil
}

func newServicesStopCmd(env *cli.Env) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "stop",
		Aliases: []string{"disable"},
		Short:   "stop the services that run in the background",
		Example: "usher server services stop",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return stop(cmd.Context(), env, "services", "No services run in the background.")
		},
	}
	cli.Positionals(cmd)
	return cmd
}
