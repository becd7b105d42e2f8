package api

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"
)

// integer takes whole numbers, also as texts and as booleans. It returns nil for others.
func (c *conformer) integer(v jsontext.Value, at []any) jsontext.Value {
	switch v.Kind() {
	case 't':
		return jsontext.Value("1")
	case 'f':
		return jsontext.Value("0")
	case '"':
		text := strings.TrimSpace(unquoted(v))
		if n, err := strconv.ParseInt(strings.TrimSuffix(text, ".0"), 10, 64); err == nil {
			return jsontext.Value(strconv.FormatInt(n, 10))
		}
		c.wrong("int_parsing", at, "Input should be a valid integer, unable to parse string as an integer", v)
	case '0':
		if n, isWhole := whole(v); isWhole {
			return jsontext.Value(strconv.FormatInt(n, 10))
		}
		if f, err := strconv.ParseFloat(string(v), 64); err == nil && f == math.Trunc(f) {
			return v
		}
		c.wrong("int_from_float", at, "Input should be a valid integer, got a number with a fractional part", v)
	default:
		c.wrong("int_type", at, "Input should be a valid integer", v)
	}
	return nil
}

// whole reads a number without a fraction, if it fits.
func whole(v jsontext.Value) (int64, bool) {
	if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(string(v), 64)
	return int64(f), err == nil && f == math.Trunc(f) && math.Abs(f) < math.MaxInt64
}

const tooManyDigits = "int_parsing_size"

// sized refuses whole numbers that are larger than can be kept.
func (c *conformer) sized(v jsontext.Value, at []any) jsontext.Value {
	if _, err := strconv.ParseInt(string(v), 10, 64); v != nil && err != nil && len(c.found) == 0 {
		c.wrong(tooManyDigits, at, "Unable to parse input string as an integer, exceeded maximum size", v)
	}
	return v
}

// number takes numbers, also as texts and as booleans. It returns nil for others.
func (c *conformer) number(v jsontext.Value, at []any) jsontext.Value {
	switch v.Kind() {
	case '0':
		return v
	case 't':
		return jsontext.Value("1")
	case 'f':
		return jsontext.Value("0")
	case '"':
		f, err := strconv.ParseFloat(strings.TrimSpace(unquoted(v)), 64)
		if err == nil && !math.IsInf(f, 0) && !math.IsNaN(f) {
			return number(f)
		}
		c.wrong("float_parsing", at, "Input should be a valid number, unable to parse string as a number", v)
	default:
		c.wrong("float_type", at, "Input should be a valid number", v)
	}
	return nil
}

// bounded judges a number that was read by the limits of its schema.
func (c *conformer) bounded(s *shape, v jsontext.Value, at []any) jsontext.Value {
	if v == nil {
		return nil
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil {
		return v
	}
	check := func(limit *float64, kind, ctx, says string, fits func(limit float64) bool) {
		if limit != nil && !fits(*limit) {
			c.wrong(kind, at, fmt.Sprintf("Input should be %s %g", says, *limit), v, member(ctx, number(*limit)))
		}
	}
	check(s.Max, "less_than_equal", "le", "less than or equal to", func(limit float64) bool { return f <= limit })
	check(s.Min, "greater_than_equal", "ge", "greater than or equal to", func(limit float64) bool { return f >= limit })
	check(s.Above, "greater_than", "gt", "greater than", func(limit float64) bool { return f > limit })
	return v
}

var (
	truths = []string{"1", "on", "t", "true", "y", "yes"}
	lies   = []string{"0", "off", "f", "false", "n", "no"}
)

// boolean takes true and false, also as 1 and 0 and as words.
func (c *conformer) boolean(v jsontext.Value, at []any) jsontext.Value {
	word := string(v)
	switch v.Kind() {
	case 't', 'f':
		return v
	case '"':
		word = strings.ToLower(unquoted(v))
	case '0':
		n, isWhole := whole(v)
		if !isWhole {
			c.wrong("bool_type", at, "Input should be a valid boolean", v)
			return v
		}
		word = strconv.FormatInt(n, 10)
	default:
		c.wrong("bool_type", at, "Input should be a valid boolean", v)
		return v
	}
	switch {
	case slices.Contains(truths, word):
		return jsontext.Value("true")
	case slices.Contains(lies, word):
		return jsontext.Value("false")
	}
	c.wrong("bool_parsing", at, "Input should be a valid boolean, unable to interpret input", v)
	return v
}

func (c *conformer) uuid(v jsontext.Value, at []any) jsontext.Value {
	if v.Kind() != '"' {
		c.wrong("uuid_type", at, "UUID input should be a string, bytes or UUID object", v)
		return v
	}
	text := unquoted(v)
	id, err := uuid.Parse(text)
	if err == nil {
		if text == id.String() {
			return v
		}
		return quote(id.String())
	}
	c.found = append(c.found, NoUUID(text, at...))
	return v
}

// NoUUID says what keeps the text at a place from being a UUID.
func NoUUID(text string, at ...any) Violation {
	problem := uuidProblem(text)
	return Violation{Type: "uuid_parsing", Loc: at, Msg: "Input should be a valid UUID, " + problem, Input: quote(text), Ctx: member("error", quote(problem))}
}

// groupStarts are where the groups of a hyphenated UUID begin.
var groupStarts = [...]int{0, 9, 14, 19, 24}

// uuidProblem words what keeps a text from being a UUID.
func uuidProblem(text string) string {
	bare, offset := strings.CutPrefix(text, "urn:uuid:")
	start := 1
	if offset {
		start += len("urn:uuid:")
	}
	var hyphens []int
	for i, r := range bare {
		switch {
		case r == '-':
			hyphens = append(hyphens, i)
		case !strings.ContainsRune("0123456789abcdefABCDEF", r):
			return fmt.Sprintf("invalid character: found `%c` at %d", r, i+start)
		}
	}
	switch {
	case len(hyphens) == 0:
		return fmt.Sprintf("invalid length: expected length 32 for simple format, found %d", len(text))
	case len(hyphens) != 4:
		return fmt.Sprintf("invalid group count: expected 5, found %d", len(hyphens)+1)
	}
	for i, at := range hyphens {
		if want := groupStarts[i+1] - 1; at != want {
			return fmt.Sprintf("invalid group length in group %d: expected %d, found %d", i, want-groupStarts[i], at-groupStarts[i])
		}
	}
	return fmt.Sprintf("invalid group length in group 4: expected 12, found %d", len(bare)-groupStarts[4])
}

func (c *conformer) time(v jsontext.Value, at []any) jsontext.Value {
	var t Time
	if (v.Kind() == '"' || v.Kind() == '0') && json.Unmarshal(v, &t) == nil {
		return v
	}
	if v.Kind() == '"' {
		c.wrong("value_error", at, "Value error, Unable to parse string ["+unquoted(v)+"]", v, jsontext.Value(`{"error":{}}`))
		return v
	}
	c.wrong("value_error", at, "value is not a valid datetime", v)
	return v
}

func (s *shape) matches(text string) bool {
	return regexp.MustCompile(s.Pattern).MatchString(text)
}

// MaxPage is the most objects that one answer lists.
const MaxPage = 200

// PageLimit is how many objects an answer lists: the limit that was asked for, if it is
// one, else the most.
func PageLimit(limit Opt[int]) (int, error) {
	n := limit.Or(MaxPage)
	switch {
	case n > MaxPage:
		return 0, Errorf(CodeInvalid, "Invalid limit: must be less than or equal to %d.", MaxPage)
	case n < 0:
		return 0, Errorf(CodeInvalid, "Invalid limit: must be greater than or equal to 0.")
	}
	return n, nil
}
