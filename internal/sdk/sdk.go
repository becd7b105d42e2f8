// Package sdk hands command lines that have to import the user's Python over to the Prefect
// SDK's own program, in the interpreter that has it. The interpreter takes this process's
// place, so terminal, signals and exit code are its own.
package sdk

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/python"
)

// Handover is a command line that the SDK runs.
type Handover struct {
	env    *cli.Env
	python string
}

// Define adds the flag that names an interpreter.
func Define(cmd *cobra.Command, env *cli.Env) *Handover {
	h := &Handover{env: env}
	cmd.Flags().StringVar(&h.python, pythonFlag, "", "run with this `interpreter` instead of the nearest that has prefect")
	return h
}

const pythonFlag = "python"

// Run runs the command of the same name in the SDK with the flags that were given and these
// positional arguments. near is a file or folder of the user's whose environment comes
// first, "" for none. On Unix it returns only if it could not start.
func (h *Handover) Run(ctx context.Context, cmd *cobra.Command, near string, positionals ...string) error {
	args := append([]string{"-m", "prefect"}, strings.Fields(cmd.CommandPath())[1:]...)
	args = append(args, flagsOf(cmd.Flags())...)
	if len(positionals) > 0 {
		args = append(append(args, "--"), positionals...)
	}
	return h.start(ctx, near, args)
}

// RunProgram runs a program of ours on top of the SDK, where the SDK's own command does not do
// what its options say.
func (h *Handover) RunProgram(ctx context.Context, program string, args ...string) error {
	return h.start(ctx, "", append([]string{"-c", program}, args...))
}

func (h *Handover) start(ctx context.Context, near string, args []string) error {
	environ, err := h.environ(ctx)
	if err != nil {
		return err
	}
	interpreter, err := h.interpreter(ctx, near, environ)
	if err != nil {
		return err
	}
	return Replace(interpreter, append([]string{interpreter}, args...), environ)
}

// environ is ours with the settings in effect, so that the SDK talks to the same API
// wherever they come from. Keys travel here and never among the arguments.
func (h *Handover) environ(ctx context.Context) ([]string, error) {
	settings, err := h.env.Settings()
	if err != nil {
		return nil, err
	}
	environ, err := h.env.Environ(ctx, settings)
	return append(append(os.Environ(), environ...), "PREFECT_API_URL="+settings.APIURL()), err
}

// interpreter is the one that was named, or the nearest that has prefect; which one and why
// is said.
func (h *Handover) interpreter(ctx context.Context, near string, environ []string) (string, error) {
	if h.python != "" {
		return h.python, nil
	}
	dirs := []string{"."}
	if near != "" {
		dirs = append([]string{filepath.Dir(near)}, dirs...)
	}
	env := map[string]string{}
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok {
			env[name] = value
		}
	}
	finder := python.NewFinder()
	found, err := finder.Find(ctx, dirs, env)
	if err != nil {
		return "", err
	}
	h.env.Sayf("Using %s, the nearest Python with prefect (%s).", found, finder.Version(ctx, found, environ))
	return found, nil
}

// flagsOf writes the given flags again. Ours and those of every command stay here; hidden
// ones are other spellings of the rest.
func flagsOf(flags *pflag.FlagSet) []string {
	var words []string
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Changed || f.Hidden {
			return
		}
		switch value := f.Value.(type) {
		case pflag.SliceValue:
			for _, one := range value.GetSlice() {
				words = append(words, "--"+f.Name+"="+one)
			}
		default:
			switch {
			case f.Name == pythonFlag || f.Name == "profile" || f.Name == "prompt":
			case f.Value.Type() != "bool":
				words = append(words, "--"+f.Name+"="+f.Value.String())
			case f.Value.String() == "true":
				words = append(words, "--"+f.Name)
			default:
				words = append(words, "--no-"+f.Name)
			}
		}
	})
	return words
}

// lastWins leaves one value to each variable, as programs differ in which of two they take.
func lastWins(environ []string) []string {
	at := map[string]int{}
	var once []string
	for _, pair := range environ {
		name, _, _ := strings.Cut(pair, "=")
		if i, seen := at[name]; seen {
			once[i] = pair
			continue
		}
		at[name] = len(once)
		once = append(once, pair)
	}
	return once
}

// notStarted words what kept a program from starting.
func notStarted(interpreter string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return api.Errorf(api.CodeNotFound, "there is no program %s", interpreter)
	}
	return api.Errorf(api.CodeInvalid, "start %s: %w", interpreter, err)
}
