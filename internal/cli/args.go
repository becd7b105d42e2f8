package cli

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/usherhq/usher/internal/output"
)

// longSpelling is the flag that is meant by a short one of several letters, which
// the reference accepts behind the command word.
func longSpelling(word string) string {
	switch name, value, given := strings.Cut(word, "="); name {
	case "-jv":
		return rejoin("--job-variable", value, given)
	case "-cl":
		return rejoin("--concurrency-limit", value, given)
	}
	return word
}

func rejoin(name, value string, given bool) string {
	if !given {
		return name
	}
	return name + "=" + value
}

// Normalize rewrites a command line of the reference into one that means the
// same to our parser: -p before the command word is --profile, -jv and -cl are
// --job-variable and --concurrency-limit behind it, and --json takes the next
// word if that names fields.
func Normalize(root *cobra.Command, args []string) []string {
	out := make([]string, 0, len(args))
	for i := 0; i < len(args); i++ {
		word := args[i]
		if word == "--" || isWord(word) {
			return append(out, normalizeVerb(root, args[i:])...)
		}
		if value, ok := strings.CutPrefix(word, "-p"); ok && !strings.HasPrefix(word, "--") {
			word = "--profile"
			if value = strings.TrimPrefix(value, "="); value != "" {
				word += "=" + value
			}
		}
		out = append(out, word)
		if word == "--profile" && i+1 < len(args) {
			i++
			out = append(out, args[i])
		}
	}
	return out
}

func isWord(arg string) bool { return !strings.HasPrefix(arg, "-") || arg == "-" }

func normalizeVerb(root *cobra.Command, args []string) []string {
	cmd, _, err := root.Find(args)
	if err != nil || cmd == nil {
		return args
	}
	out := slices.Clone(args)
	for i, word := range out {
		if word == "--" {
			break
		}
		out[i] = longSpelling(word)
		if word == "--json" && i+1 < len(out) && namesFields(cmd, out[i+1]) {
			out[i] = "--json=" + out[i+1]
			return append(out[:i+1], normalizeRest(out[i+2:])...)
		}
	}
	return out
}

func normalizeRest(args []string) []string {
	for i, word := range args {
		if word == "--" {
			break
		}
		args[i] = longSpelling(word)
	}
	return args
}

// namesFields reports whether the word behind --json is its list of fields and
// not an argument of the command: all of its parts are fields, or the command
// takes no arguments.
func namesFields(cmd *cobra.Command, word string) bool {
	flag := cmd.Flags().Lookup("json")
	if flag == nil || !isWord(word) {
		return false
	}
	fields, ok := flag.Value.(*fieldsValue)
	if !ok {
		return false
	}
	takesArguments := strings.ContainsAny(cmd.Use, "<[")
	return !takesArguments || !slices.ContainsFunc(strings.Split(word, ","), func(f string) bool {
		return !slices.Contains(fields.known, f)
	})
}

// NormalizeCompletion lets --json take the word that is being typed, which the
// parser would take for an argument.
func NormalizeCompletion(args []string) []string {
	last := len(args) - 1
	if last < 1 || args[last-1] != "--json" {
		return args
	}
	return append(args[:last-1:last-1], "--json="+args[last])
}

// WantedFormat is the format for programs that the command line asks for, JSON or YAML, so that
// errors are told in it too; "" for none. It looks at the words: the error may be that they can't
// be parsed.
func WantedFormat(args []string) string {
	for i, word := range args {
		switch value, given := strings.CutPrefix(word, "--output="); {
		case word == "--":
			return ""
		case word == "--json" || strings.HasPrefix(word, "--json="):
			return output.JSON
		case given:
			return structured(value)
		case (word == "-o" || word == "--output") && i+1 < len(args):
			return structured(args[i+1])
		case strings.HasPrefix(word, "-o"):
			if format := structured(strings.TrimPrefix(word[2:], "=")); format != "" {
				return format
			}
		}
	}
	return ""
}

func structured(format string) string {
	if format = strings.ToLower(format); format == output.JSON || format == output.YAML {
		return format
	}
	return ""
}

// SessionFlags defines the flags that every command takes.
func (e *Env) SessionFlags(flags *pflag.FlagSet) {
	flags.StringVar(&e.Where.Profile, "profile", "", "use the settings of this profile, this once")
	ToggleVar(flags, &e.prompt, "prompt", "ask questions, or don't: --no-prompt")
	addHidden(flags, "no-input", negation{flags.Lookup("prompt")})
	ToggleVar(flags, &e.pager, "pager", "show long output in $PAGER, or don't: --no-pager")
	flags.BoolVar(&e.debug, "debug", false, "tell on stderr what is asked of the API, without secrets")
}
