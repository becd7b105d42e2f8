package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// offersLast is how long completions are taken from what was listed before.
const offersLast = 30 * time.Second

// offers is the file that holds what was offered for a place in a line, against one API.
type offers string

// keptOffers is the file for what is typed: the same command, words before and flags.
func (e *Env) keptOffers(cmd *cobra.Command, words []string) (offers, error) {
	settings, err := e.Settings()
	if err != nil {
		return "", err
	}
	place := []string{settings.APIURL(), settings.Value("PREFECT_API_KEY").Text, settings.Value("PREFECT_API_AUTH_STRING").Text, cmd.CommandPath()}
	place = append(place, words...)
	cmd.Flags().Visit(func(f *pflag.Flag) { place = append(place, f.Name+"="+f.Value.String()) })
	sum := sha256.Sum256([]byte(strings.Join(append(place, completedFlag(os.Args)), "\x00")))
	return offers(filepath.Join(settings.Home(), "cache", "completion", hex.EncodeToString(sum[:16]))), nil
}

// completedFlag is the flag whose value is being typed, which the parser does not tell.
func completedFlag(args []string) string {
	if len(args) < 2 {
		return ""
	}
	last := args[len(args)-1]
	if name, _, ok := strings.Cut(last, "="); ok && strings.HasPrefix(last, "-") {
		return name
	}
	if before := args[len(args)-2]; strings.HasPrefix(before, "-") {
		return before
	}
	return ""
}

func (o offers) read(now time.Time) ([]cobra.Completion, bool) {
	info, err := os.Stat(string(o))
	if err != nil || now.Sub(info.ModTime()).Abs() > offersLast {
		return nil, false
	}
	text, err := os.ReadFile(string(o))
	if err != nil || len(text) == 0 {
		return nil, false
	}
	return strings.Split(strings.TrimSuffix(string(text), "\n"), "\n"), true
}

// write keeps the offers; where that is not possible they are listed again. Others can't read
// them: they are names of what is behind a key.
func (o offers) write(list []cobra.Completion) {
	if len(list) == 0 || os.MkdirAll(filepath.Dir(string(o)), 0o700) != nil {
		return
	}
	removeOffers(filepath.Dir(string(o)))
	fresh, err := os.CreateTemp(filepath.Dir(string(o)), "new-*")
	if err != nil {
		return
	}
	_, err = fresh.WriteString(strings.Join(list, "\n") + "\n")
	if closeErr := fresh.Close(); err != nil || closeErr != nil || os.Rename(fresh.Name(), string(o)) != nil {
		_ = os.Remove(fresh.Name())
	}
}

// removeOffers deletes what is too old to be of use.
func removeOffers(dir string) {
	files, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, file := range files {
		if info, err := file.Info(); err == nil && time.Since(info.ModTime()) > offersLast {
			_ = os.Remove(filepath.Join(dir, file.Name()))
		}
	}
}
