package steps

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
)

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

func mustBeDir(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return api.Errorf(api.CodeNotFound, "the directory %s can't be used: %w", path, err)
	}
	if !info.IsDir() {
		return api.Errorf(api.CodeInvalid, "%s is not a directory", path)
	}
	return nil
}

// script is the arguments of run_shell_script.
type script struct {
	lines         []string
	dir           string
	env           map[string]string
	quiet, expand bool
	shell         bool
}

func readScript(args map[string]any, dir string, env map[string]string) (script, error) {
	text, ok := args["script"].(string)
	if !ok {
		return script{}, api.Errorf(api.CodeInvalid, "run_shell_script needs the argument script")
	}
	s := script{lines: strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), dir: dir, env: maps.Clone(env), shell: runtime.GOOS == "windows"}
	if s.env == nil {
		s.env = map[string]string{}
	}
	if wanted, ok := args["directory"].(string); ok && wanted != "" {
		s.dir = under(dir, wanted)
	}
	if more, ok := args["env"].(map[string]any); ok {
		for name, value := range more {
			s.env[name] = jobtemplate.Text(value)
		}
	}
	if stream, ok := args["stream_output"].(bool); ok {
		s.quiet = !stream
	}
	s.expand, _ = args["expand_env_vars"].(bool)
	if shell, ok := args["shell"].(bool); ok && shell {
		s.shell = true
	}
	return s, nil
}

// shellScript runs each line of a script as a command of its own.
func (r Runner) shellScript(ctx context.Context, args map[string]any, dir string) (map[string]any, error) {
	s, err := readScript(args, dir, r.Env)
	if err != nil {
		return nil, err
	}
	var stdout, stderr bytes.Buffer
	for _, line := range s.lines {
		argv, err := s.argv(line)
		if err != nil {
			return nil, err
		}
		if len(argv) == 0 {
			continue
		}
		say := r.Say
		if s.quiet {
			say = func(string) {}
		}
		code, err := command{argv, s.dir, s.env}.run(ctx, &stdout, &stderr, say)
		if err != nil {
			return nil, err
		}
		if code != 0 {
			return nil, api.Errorf(api.CodeInvalid, "`run_shell_script` failed with error code %d: %s", code, stderr.String())
		}
	}
	return map[string]any{"stdout": strings.TrimSpace(stdout.String()), "stderr": strings.TrimSpace(stderr.String())}, nil
}

var reference = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\$(?:\$|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})`)
})

func (s script) argv(line string) ([]string, error) {
	if s.expand {
		line = expand(line, s.env)
	}
	if !s.shell {
		return jobtemplate.Split(line)
	}
	if line = strings.TrimSpace(line); line == "" {
		return nil, nil
	}
	if runtime.GOOS == "windows" {
		return []string{"cmd", "/c", line}, nil
	}
	return []string{"/bin/sh", "-c", line}, nil
}

// expand fills $NAME and ${NAME}; what is not set stays as written, $$ is a dollar.
func expand(line string, env map[string]string) string {
	return reference().ReplaceAllStringFunc(line, func(m string) string {
		if m == "$$" {
			return "$"
		}
		if value, ok := env[strings.Trim(m, "${}")]; ok {
			return value
		}
		return m
	})
}

// command is a program to run to its end.
type command struct {
	argv []string
	dir  string
	env  map[string]string
}

// run runs the command, keeps what it prints and says it line by line.
func (c command) run(ctx context.Context, stdout, stderr io.Writer, say func(string)) (code int, err error) {
	if err := mustBeDir(c.dir); err != nil {
		return 0, err
	}
	cmd := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...) //nolint:gosec // running what the file says is the point
	cmd.Dir = c.dir
	for _, name := range slices.Sorted(maps.Keys(c.env)) {
		cmd.Env = append(cmd.Env, name+"="+c.env[name])
	}
	lines := &lineWriter{say: say}
	cmd.Stdout, cmd.Stderr = io.MultiWriter(stdout, lines), io.MultiWriter(stderr, lines)
	err = cmd.Run()
	lines.flush()
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		return exit.ExitCode(), nil
	}
	if err != nil {
		return 0, api.Errorf(api.CodeInvalid, "run %s: %w", c.argv[0], err)
	}
	return 0, nil
}

// lineWriter says what is written to it line by line; two streams may share it.
type lineWriter struct {
	mu  sync.Mutex
	buf bytes.Buffer
	say func(string)
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf.Write(p)
	for {
		line, rest, found := bytes.Cut(w.buf.Bytes(), []byte("\n"))
		if !found {
			return len(p), nil
		}
		w.say(string(line))
		kept := bytes.Clone(rest)
		w.buf.Reset()
		w.buf.Write(kept)
	}
}

func (w *lineWriter) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	scanner := bufio.NewScanner(&w.buf)
	for scanner.Scan() {
		w.say(scanner.Text())
	}
}
