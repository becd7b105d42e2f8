package profile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// readDotenv reads the variables of the .env file in dir. What is not a regular
// file is not read: a pipe of that name would block for ever.
func readDotenv(dir string) (map[string]string, error) {
	path := filepath.Join(dir, ".env")
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseDotenv(string(text)), nil
}

// parseDotenv understands NAME=value lines with an optional "export", quotes
// and comments. A line that is none of that belongs to another program and is
// passed over.
func parseDotenv(text string) map[string]string {
	vars := map[string]string{}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		line = strings.TrimSpace(strings.TrimPrefix(line, "export "))
		name, value, found := strings.Cut(line, "=")
		name = strings.TrimSpace(name)
		if !found || name == "" || strings.HasPrefix(name, "#") {
			continue
		}
		vars[name] = unquote(strings.TrimSpace(value))
	}
	return vars
}

func unquote(value string) string {
	if value == "" {
		return ""
	}
	switch quote := value[0]; quote {
	case '\'', '"':
		end := closing(value[1:], quote)
		if end < 0 {
			return value
		}
		inner := value[1 : 1+end]
		if quote == '\'' {
			return strings.NewReplacer(`\'`, `'`, `\\`, `\`).Replace(inner)
		}
		return strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\n`, "\n", `\t`, "\t").Replace(inner)
	}
	if i := strings.Index(value, " #"); i >= 0 {
		value = value[:i]
	}
	return strings.TrimSpace(value)
}

func closing(text string, quote byte) int {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case quote:
			return i
		}
	}
	return -1
}
