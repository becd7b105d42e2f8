package server

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/profile"
	"github.com/usherhq/usher/internal/server/certs"
)

// tlsOf is how the server proves who it is, as the settings say.
func tlsOf(settings *profile.Settings) certs.Options {
	text := func(name string) string { return settings.Value(name).Text }
	return certs.Options{
		Cert: text("USHER_TLS_CERT"), Key: text("USHER_TLS_KEY"), Hosts: settings.Value("USHER_TLS_ACME").List(),
		ACMEDirectory: text("USHER_TLS_ACME_DIRECTORY"), ACMEEmail: text("USHER_TLS_ACME_EMAIL"), ACMECache: filepath.Join(certs.Folder(settings.Home()), "acme"),
		From13: text("USHER_TLS_MIN_VERSION") == "1.3", ClientCA: text("USHER_TLS_CLIENT_CA"),
	}
}

func newCertsCmd(env *cli.Env) *cobra.Command {
	cmd := cli.Group("certs", "make certificates for development", nil, func() []*cobra.Command {
		return []*cobra.Command{newCertsInitCmd(env)}
	})
	cmd.Example = "usher server certs init"
	return cmd
}

type certsOptions struct {
	env    *cli.Env
	output output.Options
	hosts  []string
}

func newCertsInitCmd(env *cli.Env) *cobra.Command {
	opts := &certsOptions{env: env}
	cmd := &cobra.Command{
		Use:   "init",
		Short: "make a local authority and a certificate from it",
		Long: "Makes a certificate below USHER_HOME for a server that only you use, from an authority of your own, which is made the first time. " +
			"Called again it replaces the certificate and keeps the authority; a server that runs notices. Whoever has the authority's key, ca-key.pem, can pretend to be any host to clients that trust it: keep it on this machine.",
		Example: "usher server certs init\nusher server certs init --host usher.test --host 192.0.2.7",
		RunE:    func(*cobra.Command, []string) error { return opts.run() },
	}
	cli.Positionals(cmd)
	cmd.Flags().StringArrayVar(&opts.hosts, "host", []string{"localhost", "127.0.0.1", "::1"}, "a name or address of the server; give it again for others")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[certs.Local]())
	return cmd
}

func (o *certsOptions) run() error {
	settings, err := o.env.Settings()
	if err != nil {
		return err
	}
	if err := makeHome(settings.Home()); err != nil {
		return err
	}
	made, err := certs.InitLocal(certs.Folder(settings.Home()), o.hosts, o.env.Now())
	if err != nil {
		return cli.Fail(cli.Failure, "cannot make certificates: "+err.Error(), "check the folder %s", certs.Folder(settings.Home()))
	}
	o.env.Sayf("Server:   USHER_TLS_CERT=%s USHER_TLS_KEY=%s usher server start", made.Cert, made.Key)
	o.env.Sayf("Clients:  SSL_CERT_FILE=%s or PREFECT_API_SSL_CERT_FILE=%s", made.CA, made.CA)
	return output.Detail(o.env.Printer(o.output), *made, []output.Column[certs.Local]{
		{Name: "Authority", Value: func(l certs.Local) string { return l.CA }, Whole: true},
		{Name: "Certificate", Value: func(l certs.Local) string { return l.Cert }, Whole: true},
		{Name: "Key", Value: func(l certs.Local) string { return l.Key }, Whole: true},
	})
}
