package rest

import (
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// badQuery says what is wrong with a parameter of the query.
func badQuery(name, kind, message, value string) error {
	return api.Invalid(jsontext.Value("null"), api.Violation{Type: kind, Loc: []any{"query", name}, Msg: message, Input: quoted(value)})
}

// queryText reads a query parameter that must be there.
func (r *request) queryText(name string) (string, error) {
	query := r.URL.Query()
	if !query.Has(name) {
		return "", api.Invalid(jsontext.Value("null"), api.Violation{Type: "missing", Loc: []any{"query", name}, Msg: "Field required"})
	}
	return query.Get(name), nil
}

// queryInt reads a query parameter that is a number from least to most; absent it is usual.
func (r *request) queryInt(name string, usual, least, most int) (int, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return 0, badQuery(name, "int_parsing", "Input should be a valid integer, unable to parse string as an integer", text)
	case n < least:
		return 0, badQuery(name, "greater_than_equal", "Input should be greater than or equal to "+strconv.Itoa(least), text)
	case n > most:
		return 0, badQuery(name, "less_than_equal", "Input should be less than or equal to "+strconv.Itoa(most), text)
	}
	return n, nil
}

// queryChoice reads a query parameter that is one of some texts; absent it is the first.
func (r *request) queryChoice(name string, choices ...string) (string, error) {
	text := r.URL.Query().Get(name)
	switch {
	case text == "":
		return choices[0], nil
	case !slices.Contains(choices, text):
		return "", badQuery(name, "literal_error", "Input should be "+api.Choices(choices), text)
	}
	return text, nil
}

// queryTimePtr is queryTime for a bound that may be left out: then it is nil.
func (r *request) queryTimePtr(name string) (*api.Time, error) {
	at, err := r.queryTime(name)
	if err != nil || at.IsZero() {
		return nil, err
	}
	return &at, nil
}
