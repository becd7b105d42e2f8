package rest

import (
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

type detailBody struct {
	Detail string `json:"detail"`
}

type exceptionBody struct {
	Message string `json:"exception_message"`
}

// writeError answers with err in the shapes of the reference: what fails on our side is
// logged and says nothing to the caller.
func writeError(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	code := api.CodeOf(err)
	var e *api.Error
	errors.As(err, &e)
	var body any = detailBody{err.Error()}
	if (code == api.CodeInternal || code == api.CodeUnavailable) && r.Context().Err() == nil {
		log.ErrorContext(r.Context(), "request failed", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	switch {
	case code == api.CodeInternal:
		body = exceptionBody{"Internal Server Error"}
	case len(e.Detail) > 0:
		body = e.Detail
	case code == api.CodeUnauthenticated, code == api.CodeUnavailable:
		body = exceptionBody{http.StatusText(code.Status())}
	}
	if code == api.CodeTooLarge { // nobody wants the rest of the body
		w.Header().Set("Connection", "close")
	}
	if code == api.CodeLocked || code == api.CodeUnavailable || code == api.CodeRateLimited {
		w.Header().Set("Retry-After", strconv.Itoa(max(1, retryAfter(e))))
	}
	writeJSON(w, r, code.Status(), body)
}

// retryAfter is how many seconds an error says to wait.
func retryAfter(e *api.Error) int {
	if e == nil {
		return 0
	}
	return int(e.RetryAfter.Seconds())
}

// compressFrom is the size from which bodies are compressed for clients that accept it.
const compressFrom = 500

var zippers = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	return z
}}

// plain is a body that is text, not JSON.
type plain string

// raw is a body that is no JSON, of a media type.
type raw struct {
	kind string
	data []byte
}

func text(s string) raw { return raw{"text/plain; charset=utf-8", []byte(s)} }

func writeRaw(w http.ResponseWriter, status int, body raw) {
	h := w.Header()
	h.Set("Content-Type", body.kind)
	h.Set("Content-Length", strconv.Itoa(len(body.data)))
	w.WriteHeader(status)
	w.Write(body.data) //nolint:errcheck // the client is gone; nobody is left to tell
}

// file is a body that clients save under a name. It is written piece by piece.
type file struct {
	disposition string
	kind        string
	write       func(io.Writer) error
}

// writeFile answers with a file. What fails half-way breaks the connection, so that
// nobody takes the part for the whole.
func writeFile(w http.ResponseWriter, r *http.Request, log *slog.Logger, f *file) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Content-Disposition", f.disposition)
	if err := f.write(w); err != nil {
		if r.Context().Err() == nil {
			log.ErrorContext(r.Context(), "download broke off", "path", r.URL.Path, "error", err)
		}
		panic(http.ErrAbortHandler)
	}
}

// writeJSON answers with status and the JSON of body.
func writeJSON(w http.ResponseWriter, r *http.Request, status int, body any) {
	if status == http.StatusNoContent || status == http.StatusNotModified {
		w.WriteHeader(status)
		return
	}
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	data, err := encode((*buffer)[:0], body)
	*buffer = data[:0]
	if err != nil {
		status, data = http.StatusInternalServerError, jsontext.Value(`{"exception_message":"Internal Server Error"}`)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	if len(data) >= compressFrom && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && !fromHere(r) {
		h.Set("Content-Encoding", "gzip")
		h.Add("Vary", "Accept-Encoding")
		w.WriteHeader(status)
		z := zippers.Get().(*gzip.Writer)
		defer zippers.Put(z)
		z.Reset(w)
		z.Write(data) //nolint:errcheck // the client is gone; nobody is left to tell
		z.Close()     //nolint:errcheck // the same
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(status)
	w.Write(data) //nolint:errcheck // the client is gone; nobody is left to tell
}

// buffers are reused, since answers of lists are large.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// encode appends the JSON of body: without reflection on their fields those answers that
// write themselves, alone or in lists.
func encode(out []byte, body any) ([]byte, error) {
	v := reflect.ValueOf(body)
	if a, ok := body.(api.Appender); ok && !v.IsNil() {
		return a.AppendJSON(out), nil
	}
	if v.Kind() != reflect.Slice || !reflect.PointerTo(v.Type().Elem()).Implements(appender) {
		data, err := json.Marshal(body)
		return append(out, data...), err
	}
	out = append(out, '[')
	for i := range v.Len() {
		if i > 0 {
			out = append(out, ',')
		}
		out = v.Index(i).Addr().Interface().(api.Appender).AppendJSON(out)
	}
	return append(out, ']'), nil
}

var appender = reflect.TypeFor[api.Appender]()

// fromHere says that the client is on this machine, where compressing costs more than it saves.
func fromHere(r *http.Request) bool {
	return strings.HasPrefix(r.RemoteAddr, "127.") || strings.HasPrefix(r.RemoteAddr, "[::1]")
}
