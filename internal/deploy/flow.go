package deploy

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // see nativeFlow
	_ "embed"
	"encoding/hex"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/rules/pyflow"
)

//go:embed inspect.py
var inspectScript string

const (
	flowsMarker     = "@usher-flows@"
	inspectPatience = 2 * time.Minute
)

// Flow is what a deployment needs to know of its flow.
type Flow struct {
	Name        string         `json:"name"`
	Description *string        `json:"description"`
	Version     *string        `json:"version"`
	Schema      jsontext.Value `json:"parameter_openapi_schema"`
	Error       string         `json:"error"`
	Traceback   string         `json:"traceback"`
}

// Inspection says how a flow's name, description and parameters are found out.
type Inspection string

// The ways to find out about a flow.
const (
	// Auto reads the source, and asks Python where that does not tell with certainty.
	Auto Inspection = "auto"
	// Source reads the source, and fails where that does not tell.
	Source Inspection = "source"
	// Import lets Python import the flow.
	Import Inspection = "import"
)

// flow finds out about a flow. Python is asked for all flows of the file at once the first
// time: starting it takes longer than everything else.
func (d *Deployer) flow(ctx context.Context, entrypoint string) (Flow, error) {
	if found, ok := d.flows[entrypoint]; ok {
		return found, found.problem(entrypoint)
	}
	if known, err := d.read(entrypoint); known || err != nil {
		return d.flows[entrypoint], err
	}
	wanted := []string{entrypoint}
	for _, other := range d.expected {
		if known, _ := d.read(other); !known && !slices.Contains(wanted, other) && !strings.Contains(other, "{{") && d.flows[other].Name == "" {
			wanted = append(wanted, other)
		}
	}
	d.expected = nil
	found, err := d.inspect(ctx, wanted)
	if err != nil {
		return Flow{}, err
	}
	maps.Copy(d.flows, found)
	return d.flows[entrypoint], d.flows[entrypoint].problem(entrypoint)
}

// read finds out about a flow from its source, and says whether it could.
func (d *Deployer) read(entrypoint string) (known bool, err error) {
	colon := strings.LastIndexByte(entrypoint, ':')
	if d.Inspection == Import || colon < 0 || d.flows[entrypoint].Name != "" {
		return d.flows[entrypoint].Name != "", nil
	}
	path := entrypoint[:colon]
	if !filepath.IsAbs(path) {
		path = filepath.Join(d.Dir, path)
	}
	source, err := os.ReadFile(path)
	var found pyflow.Flow
	if err == nil {
		found, err = pyflow.Read(source, entrypoint[colon+1:])
	}
	switch {
	case err == nil:
		d.flows[entrypoint] = Flow{Name: found.Name, Description: found.Description, Version: &found.Version, Schema: found.Schema}
		return true, nil
	case d.Inspection == Source:
		return false, api.Errorf(api.CodeInvalid, "the source does not tell what flow %s is: %w; --inspect auto asks Python", entrypoint, err)
	}
	return false, nil // Python knows, or says what is wrong
}

func (f Flow) problem(entrypoint string) error {
	switch {
	case f.Error != "":
		return &api.Error{Code: api.CodeInvalid, Message: "the flow " + entrypoint + " can't be loaded: " + f.Error + "\n" + strings.TrimSpace(f.Traceback)}
	case f.Name == "":
		return api.Errorf(api.CodeInvalid, "the flow %s can't be loaded: Python said nothing about it", entrypoint)
	}
	return nil
}

func (d *Deployer) inspect(ctx context.Context, entrypoints []string) (map[string]Flow, error) {
	interpreter, err := d.interpreter(ctx)
	if err != nil {
		return nil, err
	}
	request, err := json.Marshal(entrypoints)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, inspectPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, interpreter, "-c", inspectScript)
	cmd.Dir = d.Dir
	for name, value := range d.Env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Env = append(cmd.Env, "USHER_ENTRYPOINTS="+string(request))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, api.Errorf(api.CodeInvalid, "%s can't load the flow: %w\n%s", interpreter, err, strings.TrimSpace(stderr.String()))
	}
	_, line, _ := strings.Cut(stdout.String(), flowsMarker)
	var found map[string]Flow
	if err := json.Unmarshal([]byte(line), &found); err != nil {
		return nil, api.Errorf(api.CodeInvalid, "%s gave no answer about the flow: %w\n%s", interpreter, err, strings.TrimSpace(stderr.String()))
	}
	return found, nil
}

// interpreter is the Python that loads flows and runs steps.
func (d *Deployer) interpreter(ctx context.Context) (string, error) {
	if d.Python != "" {
		return d.Python, nil
	}
	found, err := d.Finder.Find(ctx, []string{d.Dir}, d.Env)
	d.Python = found
	return found, err
}

// nativeFlow describes a flow that is a program, from its manifest. It is named like its
// deployment unless the file says otherwise, and its version is the program's content.
func (d *Deployer) nativeFlow(p *plan) (Flow, error) {
	properties, _ := p.manifest["parameters"].(map[string]any)
	schema, err := nativeSchema(properties)
	if err != nil {
		return Flow{}, err
	}
	f := Flow{Name: p.config.text("flow_name"), Schema: schema}
	if f.Name == "" {
		f.Name = p.config.Name()
	}
	program := p.native.Run[0]
	if !filepath.IsAbs(program) {
		program = filepath.Join(d.Dir, program)
	}
	if content, err := os.ReadFile(program); err == nil { // a program on PATH, or one that a step brings, has no version
		sum := md5.Sum(content) //nolint:gosec // the kind of version that Python flows have
		version := hex.EncodeToString(sum[:])
		f.Version = &version
	}
	return f, nil
}

// nativeSchema makes the parameter schema of a manifest's parameters: each is a schema of
// its own, and required unless it has a default.
func nativeSchema(parameters map[string]any) (jsontext.Value, error) {
	properties, required := map[string]any{}, []any{}
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		property, ok := parameters[name].(map[string]any)
		if !ok {
			return nil, api.Errorf(api.CodeInvalid, "usher.parameters.%s must be a mapping such as {type: integer, default: 3}", name)
		}
		property = maps.Clone(property)
		property["title"] = name
		properties[name] = property
		if _, ok := property["default"]; !ok {
			required = append(required, name)
		}
	}
	schema := map[string]any{"title": "Parameters", "type": "object", "properties": properties}
	if len(required) > 0 {
		schema["required"] = required
	}
	return json.Marshal(schema, json.Deterministic(true))
}
