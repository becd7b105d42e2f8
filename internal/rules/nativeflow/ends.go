package nativeflow

import (
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Value is the run's result as a line tells it: "::result:: JSON". The last one counts.
type Value jsontext.Value

func readValue(text string) Told {
	if !jsontext.Value(text).IsValid() {
		return nil
	}
	return Value(text)
}

func (v Value) record() (level int, message string) { return LevelOf("INFO"), "Result: " + string(v) }

// Failure is why a program fails: "::failure:: Type", "::failure:: Type: why" or
// "::failure:: Type {"message": "why", "retryable": false}". The last one counts.
type Failure struct {
	Type    string `json:"type"` // one word, such as QuotaExceeded
	Message string `json:"message,omitzero"`
	Final   bool   `json:"final,omitzero"` // it would fail again, so it is not tried again
}

// maxFailure is how much of a failure's message is kept, in bytes.
const maxFailure = 8 << 10

func readFailure(text string) Told {
	word, rest, _ := strings.Cut(text, " ")
	kind, told := strings.CutSuffix(word, ":")
	f := Failure{Type: kind}
	switch rest = strings.TrimSpace(rest); {
	case told:
		f.Message = rest
	case rest != "":
		var more struct {
			Message   string `json:"message"`
			Retryable *bool  `json:"retryable"`
		}
		if json.Unmarshal([]byte(rest), &more) != nil {
			return nil
		}
		f.Message, f.Final = more.Message, more.Retryable != nil && !*more.Retryable
	}
	if !isName(f.Type) {
		return nil
	}
	if len(f.Message) > maxFailure {
		f.Message = strings.ToValidUTF8(f.Message[:maxFailure], "") + "…"
	}
	return f
}

// String is the failure as a state's message: its type, then why.
func (f Failure) String() string {
	if f.Message == "" {
		return f.Type
	}
	return f.Type + ": " + f.Message
}

func (f Failure) record() (level int, message string) { return LevelOf("ERROR"), f.String() }
