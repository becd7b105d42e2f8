package acceptance

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/rogpeppe/go-internal/testscript"
)

// exchange is a request that Prefect Cloud gets and what it answers.
type exchange struct {
	request string // method, path below /api, body
	status  int
	body    string
}

// playCloud starts a server that answers as Prefect Cloud does. Its file has a line
// "> METHOD PATH BODY" for each request and "< STATUS BODY" for its answer; of several answers
// to one request each is given once, and the last from then on. Another key than pnu_good is
// refused. What was asked for is in the file requests.
func playCloud(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: cloud file")
	}
	exchanges, err := readExchanges(ts.ReadFile(args[0]))
	ts.Check(err)
	server := httptest.NewServer(&cloudPlayer{exchanges: exchanges, log: ts.MkAbs("requests")})
	ts.Defer(server.Close)
	ts.Setenv("PREFECT_CLOUD_API_URL", server.URL+"/api")
	ts.Setenv("CLOUD", server.URL+"/api")
}

func readExchanges(text string) ([]exchange, error) {
	var all []exchange
	for line := range strings.Lines(text) {
		what, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case what == ">":
			all = append(all, exchange{request: rest})
		case what == "<" && len(all) > 0:
			last := &all[len(all)-1]
			number, body, _ := strings.Cut(rest, " ")
			status, err := strconv.Atoi(number)
			if err != nil {
				return nil, fmt.Errorf("%q: %w", line, err)
			}
			last.status, last.body = status, body
		case what != "":
			return nil, fmt.Errorf("%q is neither a request nor an answer", line)
		}
	}
	return all, nil
}

type cloudPlayer struct {
	mu        sync.Mutex
	exchanges []exchange
	log       string
}

func (p *cloudPlayer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	request := strings.TrimSpace(r.Method + " " + strings.TrimPrefix(r.URL.RequestURI(), "/api") + " " + string(body))
	if err := p.note(request); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	answer := p.answer(request)
	if r.Header.Get("Authorization") != "Bearer pnu_good" {
		answer = exchange{status: http.StatusUnauthorized, body: `{"detail":"Unauthorized"}`}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(answer.status)
	_, _ = io.WriteString(w, answer.body) // the client is gone: nobody to tell
}

func (p *cloudPlayer) note(request string) error {
	file, err := os.OpenFile(p.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = fmt.Fprintln(file, request)
	return err
}

// answer finds what is said to a request; bodies are compared as JSON.
func (p *cloudPlayer) answer(request string) exchange {
	found := -1
	for i, e := range p.exchanges {
		if !sameRequest(e.request, request) {
			continue
		}
		if found >= 0 { // there is one more for the next time
			answer := p.exchanges[found]
			p.exchanges = append(p.exchanges[:found:found], p.exchanges[found+1:]...)
			return answer
		}
		found = i
	}
	if found < 0 {
		return exchange{status: http.StatusTeapot, body: strconv.Quote("unexpected: " + request)}
	}
	return p.exchanges[found]
}

func sameRequest(a, b string) bool {
	headA, bodyA := splitRequest(a)
	headB, bodyB := splitRequest(b)
	return headA == headB && reflect.DeepEqual(bodyA, bodyB)
}

func splitRequest(request string) (head string, body any) {
	parts := strings.SplitN(request, " ", 3)
	if len(parts) == 3 && json.Unmarshal([]byte(parts[2]), &body) != nil {
		body = parts[2]
	}
	return strings.Join(parts[:min(2, len(parts))], " "), body
}
