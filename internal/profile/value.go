package profile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Check says what is wrong with raw as a value of the setting, nil if nothing.
func (s Setting) Check(raw string) error {
	if raw == "" && s.Optional {
		return nil
	}
	var err error
	switch s.Kind {
	case Bool:
		_, err = parseBool(raw)
	case Int:
		_, err = parseInt(raw)
	case Float:
		_, err = parseFloat(raw)
	case Duration:
		_, err = parseDuration(raw)
	case Choice:
		err = s.checkChoice(raw)
	case StatusSet:
		err = checkStatuses(parseList(raw))
	case Map:
		_, err = parseMap(raw)
	case Numbers:
		err = checkNumbers(parseList(raw))
	case Text, Secret, Path, List, Set:
	}
	return err
}

func (s Setting) checkChoice(raw string) error {
	if slices.ContainsFunc(s.Choices, func(c string) bool { return strings.EqualFold(c, raw) }) {
		return nil
	}
	return fmt.Errorf("%q is none of %s", raw, strings.Join(s.Choices, ", "))
}

func checkStatuses(items []string) error {
	for _, item := range items {
		code, err := strconv.Atoi(item)
		if err != nil || code < 100 || code > 599 {
			return fmt.Errorf("%q is not an HTTP status (100 to 599)", item)
		}
	}
	return nil
}

func checkNumbers(items []string) error {
	for _, item := range items {
		if _, err := parseFloat(item); err != nil {
			return err
		}
	}
	return nil
}

func parseBool(raw string) (bool, error) {
	switch strings.ToLower(raw) {
	case "true", "t", "1", "yes", "y", "on":
		return true, nil
	case "false", "f", "0", "no", "n", "off":
		return false, nil
	}
	return false, fmt.Errorf("%q is neither true nor false", raw)
}

func parseInt(raw string) (int, error) {
	n, err := strconv.Atoi(strings.TrimSpace(raw))
	if err != nil {
		return 0, fmt.Errorf("%q is not a whole number", raw)
	}
	return n, nil
}

func parseFloat(raw string) (float64, error) {
	f, err := strconv.ParseFloat(strings.TrimSpace(raw), 64)
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", raw)
	}
	return f, nil
}

func parseList(raw string) []string {
	raw = strings.TrimSpace(raw)
	if strings.HasPrefix(raw, "[") {
		var items []any
		if json.Unmarshal([]byte(raw), &items) == nil {
			return texts(items)
		}
	}
	var items []string
	for item := range strings.SplitSeq(raw, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

func texts(items []any) []string {
	list := make([]string, len(items))
	for i, item := range items {
		list[i] = plainText(item)
	}
	return list
}

func parseMap(raw string) (map[string]string, error) {
	if strings.TrimSpace(raw) == "" {
		return map[string]string{}, nil
	}
	var members map[string]any
	if err := json.Unmarshal([]byte(raw), &members); err != nil {
		return nil, fmt.Errorf(`%q is not a JSON object such as {"name": "value"}`, raw)
	}
	m := make(map[string]string, len(members))
	for name, value := range members {
		m[name] = plainText(value)
	}
	return m, nil
}

// plainText is a value of a TOML or JSON document as a variable would carry it.
func plainText(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case bool:
		if v {
			return "True" // as the reference shows what is not text
		}
		return "False"
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case map[string]any, []any:
		text, err := json.Marshal(v, json.Deterministic(true))
		if err == nil {
			return string(text)
		}
	}
	return fmt.Sprint(value)
}

const day = 24 * time.Hour

// parseDuration reads seconds, [D days, ]H:MM:SS[.f] and the day and time parts
// of ISO 8601.
func parseDuration(raw string) (time.Duration, error) {
	text := strings.TrimSpace(raw)
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		return time.Duration(seconds * float64(time.Second)), nil
	}
	var d time.Duration
	var ok bool
	if strings.HasPrefix(text, "P") {
		d, ok = isoDuration(text[1:])
	} else {
		d, ok = clockDuration(text)
	}
	if !ok {
		return 0, fmt.Errorf("%q is not a duration: give seconds, H:MM:SS or ISO 8601 such as PT90S", raw)
	}
	return d, nil
}

func clockDuration(text string) (time.Duration, bool) {
	var total time.Duration
	if before, after, found := strings.Cut(text, "day"); found {
		days, err := strconv.Atoi(strings.TrimSpace(before))
		if err != nil {
			return 0, false
		}
		total = time.Duration(days) * day
		text = strings.TrimLeft(after, "s, ")
	}
	parts := strings.Split(text, ":")
	if len(parts) != 3 {
		return 0, false
	}
	for i, unit := range []time.Duration{time.Hour, time.Minute, time.Second} {
		n, err := strconv.ParseFloat(parts[i], 64)
		if err != nil || n < 0 {
			return 0, false
		}
		total += time.Duration(n * float64(unit))
	}
	return total, true
}

func isoDuration(text string) (time.Duration, bool) {
	units := map[byte]time.Duration{'W': 7 * day, 'D': day}
	var total time.Duration
	parts := 0
	for text != "" {
		if text[0] == 'T' {
			units = map[byte]time.Duration{'H': time.Hour, 'M': time.Minute, 'S': time.Second}
			text = text[1:]
			continue
		}
		end := strings.IndexFunc(text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
		if end < 1 { // no number, or no unit behind it
			return 0, false
		}
		n, err := strconv.ParseFloat(text[:end], 64)
		unit, known := units[text[end]]
		if err != nil || !known {
			return 0, false
		}
		total += time.Duration(n * float64(unit))
		text = text[end+1:]
		parts++
	}
	return total, parts > 0
}
