package rest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/usherhq/usher/internal/api"
)

// untangle puts operations whose paths a mux refuses side by side, since some paths fit
// both and neither is narrower (/x/{id}/status and /x/name/{name}), behind one path that
// fits all of them. What literal comes first decides between them.
func untangle(handlers map[api.Operation]http.Handler) map[api.Operation]http.Handler {
	out := map[api.Operation]http.Handler{}
	var groups []*tangle
	for op, h := range handlers {
		var merged *tangle
		groups = slices.DeleteFunc(groups, func(g *tangle) bool {
			if !g.overlaps(op) {
				return false
			}
			if merged == nil {
				merged = &tangle{}
			}
			merged.strands = append(merged.strands, g.strands...)
			return true
		})
		if merged == nil {
			merged = &tangle{}
		}
		merged.strands = append(merged.strands, strand{op, h, strings.Split(op.Path, "/")})
		groups = append(groups, merged)
	}
	for _, g := range groups {
		if len(g.strands) == 1 {
			out[g.strands[0].op] = g.strands[0].handler
			continue
		}
		op, h := g.one()
		out[op] = h
	}
	return out
}

// tangle are operations of which each overlaps with another.
type tangle struct{ strands []strand }

type strand struct {
	op       api.Operation
	handler  http.Handler
	segments []string
}

func isParameter(segment string) bool { return strings.HasPrefix(segment, "{") }

// overlaps says that some path fits the operation and one of the tangle, and that neither
// is narrower.
func (t *tangle) overlaps(op api.Operation) bool {
	segments := strings.Split(op.Path, "/")
	return slices.ContainsFunc(t.strands, func(s strand) bool {
		if s.op.Method != op.Method || len(s.segments) != len(segments) {
			return false
		}
		narrower, wider := false, false
		for i, a := range s.segments {
			b := segments[i]
			switch {
			case a != b && !isParameter(a) && !isParameter(b):
				return false
			case isParameter(a) && !isParameter(b):
				wider = true
			case !isParameter(a) && isParameter(b):
				narrower = true
			}
		}
		return narrower && wider
	})
}

// one is the operation that stands for all of the tangle, and what answers it.
func (t *tangle) one() (api.Operation, http.Handler) {
	slices.SortFunc(t.strands, func(a, b strand) int { return strings.Compare(byLiterals(a), byLiterals(b)) })
	wide := slices.Clone(t.strands[0].segments)
	for i := range wide {
		if slices.ContainsFunc(t.strands, func(s strand) bool { return s.segments[i] != wide[i] }) || isParameter(wide[i]) {
			wide[i] = "{" + parameterAt(i) + "}"
		}
	}
	op := api.Operation{Name: t.strands[0].op.Name, Method: t.strands[0].op.Method, Path: strings.Join(wide, "/")}
	return op, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, s := range t.strands {
			if s.fits(wide, r) {
				s.handler.ServeHTTP(w, r)
				return
			}
		}
		writeJSON(w, r, http.StatusNotFound, detailBody{"Not Found"})
	})
}

// byLiterals sorts paths whose literals come first before others.
func byLiterals(s strand) string {
	marks := make([]byte, len(s.segments))
	for i, segment := range s.segments {
		marks[i] = '0'
		if isParameter(segment) {
			marks[i] = '1'
		}
	}
	return string(marks) + s.op.Path
}

func parameterAt(i int) string { return "at" + strconv.Itoa(i) + "_id" }

// fits says that a request's path is that of the strand, and names its parameters.
func (s *strand) fits(wide []string, r *http.Request) bool {
	for i, segment := range s.segments {
		if isParameter(wide[i]) && !isParameter(segment) && r.PathValue(parameterAt(i)) != segment {
			return false
		}
	}
	for i, segment := range s.segments {
		if isParameter(segment) {
			r.SetPathValue(strings.Trim(segment, "{}"), r.PathValue(parameterAt(i)))
		}
	}
	return true
}
