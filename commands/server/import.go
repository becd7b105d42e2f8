package server

import (
	"cmp"
	"log/slog"
	"os"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/crypt"
	"github.com/usherhq/usher/internal/output"
	"github.com/usherhq/usher/internal/server"
	"github.com/usherhq/usher/internal/store"
)

type importOptions struct {
	env         *cli.Env
	output      output.Options
	from        string
	databaseURL string
}

func newImportCmd(env *cli.Env) *cobra.Command {
	opts := &importOptions{env: env}
	cmd := &cobra.Command{
		Use:   "import",
		Short: "take over the database of a Prefect server",
		Long: "Brings everything that a Prefect 3.8 server has kept into an empty database of usher, with all ids and times. " +
			"Stop that server first; its database is only read. After an interruption the same command goes on where it stopped. " +
			"If the server was started with PREFECT_SERVER_ENCRYPTION_KEY, set that here too.",
		Example: "usher server import --from ~/.prefect/prefect.db\n" +
			"usher server import --from postgresql://prefect@db.example/prefect --database-url postgres://usher@db.example/usher",
		RunE: func(cmd *cobra.Command, _ []string) error { return opts.run(cmd) },
	}
	cli.Positionals(cmd)
	cmd.Flags().StringVar(&opts.from, "from", "", "the SQLite `file` or the URL of the PostgreSQL database to read")
	cmd.Flags().StringVar(&opts.databaseURL, "database-url", "", "where to: sqlite:///FILE or postgres://… (default: usher.db below USHER_HOME)")
	cli.OutputFlags(cmd, &opts.output, output.FieldsOf[server.ImportLine]())
	return cmd
}

func (o *importOptions) run(cmd *cobra.Command) error {
	if o.from == "" {
		return cli.Usagef("say what to import").WithHint("usher server import --from ~/.prefect/prefect.db")
	}
	settings, err := o.env.Settings()
	if err != nil {
		return err
	}
	url, err := databaseURL(o.databaseURL, settings)
	if err != nil {
		return err
	}
	bar, stop := o.env.Streams.Bar()
	report, err := server.Import(cmd.Context(), server.Options{
		Database: store.Config{URL: url}, Log: slog.New(slog.DiscardHandler), Clock: o.env.Now,
		Keys: crypt.NewKeeper(os.Getenv(crypt.Variable), settings.Home()),
	}, o.from, server.ImportOptions{Key: oldKey(), Progress: bar})
	stop()
	if err != nil {
		return err
	}
	rows := int64(0)
	for _, line := range report {
		rows += line.Copied
	}
	o.env.Sayf("Imported %d rows. The old server's database was not changed.", rows)
	return output.List(o.env.Printer(o.output), report, importColumns())
}

// oldKey is what the old server was told to encrypt blocks with, if it was.
func oldKey() string {
	return cmp.Or(os.Getenv("PREFECT_SERVER_ENCRYPTION_KEY"), os.Getenv("PREFECT_API_ENCRYPTION_KEY"), os.Getenv("ORION_ENCRYPTION_KEY"))
}

func importColumns() []output.Column[server.ImportLine] {
	return []output.Column[server.ImportLine]{
		{Name: "Table", Value: func(l server.ImportLine) string { return l.Table }, Tone: func(server.ImportLine) output.Tone { return output.Strong }},
		{Name: "Source", Value: func(l server.ImportLine) string { return strconv.FormatInt(l.Source, 10) }},
		{Name: "Imported", Value: func(l server.ImportLine) string { return strconv.FormatInt(l.Copied, 10) }},
		{Name: "Note", Value: func(l server.ImportLine) string { return l.Note }, Rank: 1},
	}
}
