package replay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// Player makes the requests of a script to one server and remembers what they keep.
type Player struct {
	// API is the server's URL with /api, Now the instant that $now means.
	API string
	Now time.Time
	// Patient says that requests are made again while the server's database is locked.
	Patient bool

	kept map[string]string
}

// patience bounds a step, with all its repetitions.
const patience = 2 * time.Minute

// Answer is what a server said to a step.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Play makes the request of a step. The answer may lack what the step keeps: then an
// error is returned with it.
func (p *Player) Play(ctx context.Context, step Step) (*Answer, error) {
	if p.kept == nil {
		p.kept = map[string]string{}
	}
	body := p.fill(step.Body)
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, step.Method, p.API+p.fill(step.Path), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	answer, err := p.send(req)
	if err != nil {
		return nil, err
	}
	return answer, p.keep(step.Keep, answer.Body)
}

// Kept returns the variables that the steps played so far have set.
func (p *Player) Kept() map[string]string { return p.kept }

// send makes the request on a connection of its own, since the reference closes
// idle ones early, and again when the reference's database is locked.
func (p *Player) send(req *http.Request) (*Answer, error) {
	req.Close = true
	res, err := http.DefaultTransport.RoundTrip(req) // redirects are answers too
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusServiceUnavailable || !p.Patient {
		return &Answer{res.StatusCode, res.Header, text}, err
	}
	if req.Body, err = req.GetBody(); err != nil {
		return nil, err
	}
	return p.send(req)
}

var variable = regexp.MustCompile(`\$now([+-]\w+)?|\$[a-z_0-9]+`)

// fill puts in the values of variables; an unknown one stays as it is.
func (p *Player) fill(text string) string {
	return variable.ReplaceAllStringFunc(text, func(name string) string {
		if offset, isTime := strings.CutPrefix(name, "$now"); isTime {
			d, err := time.ParseDuration(strings.TrimPrefix(offset, "+") + "0s")
			if err != nil {
				return name
			}
			return p.Now.Add(d).Format("2006-01-02T15:04:05.000000Z")
		}
		if value, known := p.kept[name[1:]]; known {
			return value
		}
		return name
	})
}

// keep remembers members of an answer as variables.
func (p *Player) keep(members map[string]string, body []byte) (err error) {
	for name, member := range members {
		value, problem := pick(body, member)
		if problem != nil {
			err = errors.Join(err, problem)
			continue
		}
		p.kept[name] = value
	}
	return err
}

// pick finds the text at a path such as "state.id" or "schedules.0.id".
func pick(body []byte, path string) (string, error) {
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return "", err
	}
	for key := range strings.SplitSeq(path, ".") {
		switch v := value.(type) {
		case map[string]any:
			value = v[key]
		case []any:
			var i int
			if _, err := fmt.Sscan(key, &i); err != nil || i >= len(v) {
				return "", fmt.Errorf("the answer has no %s", path)
			}
			value = v[i]
		}
	}
	text, isText := value.(string)
	if !isText {
		return "", fmt.Errorf("%s in the answer is %v, not a text", path, value)
	}
	return text, nil
}
