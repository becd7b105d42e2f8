package rest

import (
	"bytes"
	"errors"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/server/core"
)

// handler serves one operation: decode, one call of core, encode.
type handler func(c *core.Core, r *request) (answer, error)

// request is an HTTP request with its caller.
type request struct {
	*http.Request
	visitor *visitor
	account uuid.UUID // that the path names, of routes that say who may use the server
	who     core.Caller
	api     *API
	core    *core.Core // of routes that say who may use the server
	writer  http.ResponseWriter
	limits  limits
	// operation is a method and path of the hosted contract whose body is refused if it has
	// members that nobody knows; "" for others.
	operation string
	body      []byte // once it is decoded
}

// answer is a status with the value that becomes its JSON body. A nil body with status
// 204 is empty; with any other status it is null.
type answer struct {
	status int
	body   any
}

func ok(body any) (answer, error)      { return answer{http.StatusOK, body}, nil }
func created(body any) (answer, error) { return answer{http.StatusCreated, body}, nil }

// give answers with status and body unless err is set.
func give(status int, body any, err error) (answer, error) { return answer{status, body}, err }

// none answers 204 unless err is set.
func none(err error) (answer, error) { return answer{status: http.StatusNoContent}, err }

// madeOrFound is 201 for a new object and 200 for one that was there.
func madeOrFound(isNew bool) int {
	if isNew {
		return http.StatusCreated
	}
	return http.StatusOK
}

var errNoRoute = &api.Error{Code: api.CodeNotFound, Message: "Not Found"}

// id reads a path parameter that is a UUID. A malformed one is no route at all.
func (r *request) id(name string) (uuid.UUID, error) {
	id, err := uuid.Parse(r.PathValue(name))
	if err != nil || len(r.PathValue(name)) < 32 {
		return uuid.UUID{}, errNoRoute
	}
	return id, nil
}

// decode reads the body into v; an absent body is an empty object. The checks are for
// what the contract's types can't say; they run when v is read.
func (r *request) decode(v any, checks ...func() []api.Violation) error {
	body, err := r.read()
	if err != nil {
		return err
	}
	if len(bytes.TrimSpace(body)) > 0 && !isJSON(r.Header.Get("Content-Type")) {
		return asText(body, v)
	}
	r.body = body
	if r.operation != "" {
		err = api.DecodeStrict(r.operation, body, v)
	} else {
		err = api.Decode(body, v)
	}
	if err != nil {
		return err
	}
	var found []api.Violation
	for _, check := range checks {
		found = append(found, check()...)
	}
	if len(found) == 0 {
		return nil
	}
	for i := range found {
		if len(found[i].Loc) == 1 { // it is about the whole body
			found[i].Input = body
		}
	}
	return api.Refused(body, v, found...)
}

// trustedLength is how much memory is taken for a body because its sender says that it is
// so long.
const trustedLength = 128 << 10

func (r *request) read() ([]byte, error) {
	var body bytes.Buffer
	body.Grow(int(min(max(r.ContentLength, 0), trustedLength)) + bytes.MinRead) // with less it would grow once more
	_, err := body.ReadFrom(http.MaxBytesReader(r.writer, r.Body, r.limits.body))
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return nil, api.Errorf(api.CodeTooLarge, "the request body is larger than the %d bytes this operation takes", tooLarge.Limit)
	}
	if err != nil {
		return nil, api.Errorf(api.CodeInvalid, "read the request body: %w", err)
	}
	return body.Bytes(), nil
}

// asText judges a body that is not sent as JSON: it is a text, and no parameters.
func asText(body []byte, v any) error {
	if api.Decode([]byte("{}"), v) == nil {
		return nil
	}
	text, err := jsontext.AppendQuote(nil, body) // what is no UTF-8 is replaced
	if err != nil {
		text = jsontext.Value(`""`)
	}
	return api.Decode(text, v)
}

// isJSON reads a Content-Type as the reference does: none is JSON too.
func isJSON(kind string) bool {
	if kind == "application/json" || kind == "" {
		return true
	}
	kind, _, err := mime.ParseMediaType(kind)
	return err == nil && (kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"))
}

// ref reads which object a path means: that of its {name}, else that of its {id}.
func (r *request) ref() (core.Ref, error) {
	if name := r.PathValue("name"); name != "" {
		return core.ByName(name), nil
	}
	id, err := r.id("id")
	return core.ByID(id), err
}

// queryID reads a query parameter that is a UUID and must be there.
func (r *request) queryID(name string) (uuid.UUID, error) {
	query := r.URL.Query()
	text := query.Get(name)
	id, err := uuid.Parse(text)
	if err == nil {
		return id, nil
	}
	problem := api.Violation{Type: "missing", Loc: []any{"query", name}, Msg: "Field required"}
	if query.Has(name) {
		problem = api.NoUUID(text, "query", name)
	}
	return uuid.UUID{}, api.Invalid(jsontext.Value("null"), problem)
}

// choice reads one of the words of an enumeration, or says which there are; in and name are
// where it stands.
func choice[T interface {
	~string
	Values() []string
}](text, in, name string) (T, *api.Violation) {
	v := T(text)
	if slices.Contains(v.Values(), text) {
		return v, nil
	}
	allowed := api.Choices(v.Values())
	return v, &api.Violation{
		Type: "enum", Loc: []any{in, name}, Msg: "Input should be " + allowed, Input: quoted(text),
		Ctx: jsontext.Value(`{"expected":` + string(quoted(allowed)) + `}`),
	}
}
