package contract

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Alike says that our answer is as good as the reference's: the same, or, where the
// reference fails, any that is no failure.
func Alike(reference, ours Exchange) bool {
	if reference.Status >= http.StatusInternalServerError {
		return ours.Status < http.StatusInternalServerError
	}
	return reference.Status == ours.Status && reference.Kind == ours.Kind && string(reference.Answer) == string(ours.Answer)
}

// Differences names, for each group, the requests whose answers are known to differ, with
// the reason. It is the whole list: a test fails when it lacks one and when one of it has
// become alike.
type Differences map[string]map[string]string

// LoadDifferences reads the list.
func LoadDifferences(path string) (list Differences, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return list, json.Unmarshal(text, &list)
}

// Decision is a defect of the reference and what is done instead.
type Decision struct {
	About     string `json:"about"`
	Reference string `json:"reference"`
	Ours      string `json:"ours"`
}

// LoadDecisions reads what was decided about defects of the reference. What shows them is
// left to who tests them.
func LoadDecisions(path string) (list []Decision, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return list, json.Unmarshal(text, &list)
}

// Rewriting is a list of differences that is being written anew, with the reasons that
// the old one knew.
type Rewriting struct {
	mu       sync.Mutex
	old, new Differences
}

// Rewrite begins a list.
func Rewrite(old Differences) *Rewriting { return &Rewriting{old: old, new: Differences{}} }

// Add lists what differs in a group.
func (r *Rewriting) Add(group string, recording, ours []Exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.new[group] == nil {
		r.new[group] = map[string]string{}
	}
	for i := range ours {
		if Unsettled(recording[i]) || Alike(recording[i], ours[i]) {
			continue
		}
		n := strconv.Itoa(i)
		r.new[group][n] = cmp.Or(decision(recording[i], ours[i]), r.old[group][n], unexplained)
	}
}

// unexplained is the reason of a difference that nobody has looked at.
const unexplained = "not looked at yet"

// decision is the reason of a difference that is meant, if it shows in the answers.
func decision(reference, ours Exchange) string {
	if reference.Status != http.StatusUnprocessableEntity || ours.Status != http.StatusUnprocessableEntity {
		return ""
	}
	for _, known := range []string{"Invalid cron string", "Invalid RRule string"} {
		if strings.Contains(string(reference.Answer), known) && strings.Contains(string(ours.Answer), known) {
			return "says what is wrong with a cron expression or recurrence rule, or says it without a piece of Python"
		}
	}
	return ""
}

// Save writes the list.
func (r *Rewriting) Save(path string) error {
	text, err := json.Marshal(r.new, json.Deterministic(true), jsontext.WithIndent(" "))
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

// Table is docs/compatibility.md: how many requests of each operation were compared, and
// what differs for which reason.
func Table(doc *Document, recordings map[string][]Exchange, known Differences, decided []Decision) string {
	type row struct {
		asked   int
		reasons map[string]int
	}
	rows := map[string]*row{}
	for group, recording := range recordings {
		for i, x := range recording {
			if x.Operation == "" {
				continue
			}
			r := rows[x.Operation]
			if r == nil {
				r = &row{reasons: map[string]int{}}
				rows[x.Operation] = r
			}
			r.asked++
			if reason := known[group][strconv.Itoa(i)]; reason != "" {
				r.reasons[reason]++
			}
		}
	}
	var out strings.Builder
	out.WriteString(tableHead)
	for _, op := range doc.Operations {
		r := rows[op.String()]
		if r == nil {
			continue
		}
		differ := 0
		var why []string
		for _, reason := range slices.Sorted(maps.Keys(r.reasons)) {
			differ += r.reasons[reason]
			why = append(why, fmt.Sprintf("%d× %s", r.reasons[reason], reason))
		}
		fmt.Fprintf(&out, "| %s | %d | %d | %s |\n", op, r.asked, r.asked-differ, strings.Join(why, "; "))
	}
	out.WriteString(decisionsHead)
	for _, d := range decided {
		fmt.Fprintf(&out, "| %s | %s | %s |\n", d.About, d.Reference, d.Ours)
	}
	return out.String()
}

const decisionsHead = `
## Defects of the reference

What users of the reference suffer from, and what usher does instead. Each row is shown by a test (internal/server/rest/testdata/decisions.json).

| about | the reference | usher |
|---|---|---|
`

const tableHead = `# Compatibility

This table is written by a test of internal/acceptance/contract (USHER_CONTRACT_TABLE=write go test). For every operation of the contract requests are generated from its schemas, right ones and broken ones, in sequences where later ones use what earlier ones made; another sequence asks for each member of each filter, each sort and combinations, and a third for null in each member of what is made or changed. The answers of usher, on SQLite and on PostgreSQL, are compared with those of the reference (status, body, words), ids and clock times aside, and are checked against the contract's schema.

What differs on purpose everywhere: where the reference fails (status 500), usher answers without failing; a text with the character NUL is refused; a trigger or action that names no type and is broken is refused, where the reference takes it for another kind, such as one that does nothing; a refused cron expression or recurrence rule is told why. A row that differs without such a reason is work that is left.

| operation | requests | alike | what differs |
|---|---|---|---|
`

// Unsettled says that an operation's answers depend on more than the requests before: on
// events that are stored a moment later, unless the step says that they are there, on what
// is told at random.
func Unsettled(x Exchange) bool {
	return x.Status < 300 && !x.Ordered && (strings.HasPrefix(x.Path, "/events/filter") || strings.HasPrefix(x.Path, "/events/count-by") || x.Path == "/admin/settings")
}
