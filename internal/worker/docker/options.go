package docker

import (
	"fmt"
	"maps"
	"net/url"
	"runtime"
	"slices"
	"strings"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/docker"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/worker"
)

// defaultImage has the newest Prefect of the third generation.
const defaultImage = "prefecthq/prefect:3-latest"

// usherInside is where our program is in the containers of flows that are programs.
const usherInside = "/.usher/usher"

const (
	always       = "Always"
	ifNotPresent = "IfNotPresent"
	ifPossible   = "IfPossible"
	never        = "Never"
)

// options are the members of the job configuration that only this kind has.
type options struct {
	image, pullPolicy, networkMode, platform string

	argv       []string
	networks   []string
	volumes    []string
	login      *docker.Login
	memory     int64
	swap       int64
	privileged bool
	extra      map[string]any // container_create_kwargs
}

// isProgram says that the run is a program below usher, not a Python flow.
func (o options) isProgram() bool { return len(o.argv) > 0 && o.argv[0] == usherInside }

// isPython says that the command is the reference's, which hears of cancellations itself.
func (o options) isPython() bool {
	return len(o.argv) > 1 && o.argv[0] == "prefect" && o.argv[1] == "flow-run"
}

// otherNetworks are those that the container is not created in.
func (o options) otherNetworks() []string {
	if len(o.networks) == 0 {
		return nil
	}
	return o.networks[1:]
}

// optionsOf reads the job.
func optionsOf(job *worker.Job) (options, error) {
	r := reader{from: job.Config.Rest}
	o := options{
		image: r.text("image"), pullPolicy: r.text("image_pull_policy"), networkMode: r.text("network_mode"),
		networks: r.texts("networks"), volumes: r.texts("volumes"), memory: r.size("mem_limit"), swap: r.size("memswap_limit"),
		privileged: r.flag("privileged"), extra: maps.Clone(r.object("container_create_kwargs")), login: r.login("registry_credentials"),
	}
	if o.image == "" {
		o.image = defaultImage
	}
	if p, ok := o.extra["platform"].(string); ok {
		o.platform = p
	}
	switch o.pullPolicy {
	case "", always, ifNotPresent, ifPossible, never:
	default:
		r.fail("image_pull_policy is %q; it is one of IfNotPresent, Always, IfPossible, Never", o.pullPolicy)
	}
	for _, v := range o.volumes {
		if !strings.Contains(v, ":") {
			r.fail("the volume %q names no place in the container; write host_path:container_path", v)
		}
	}
	o.argv = []string{"prefect", "flow-run", "execute"}
	if job.Config.Command != "" {
		argv, err := jobtemplate.Split(job.Config.Command)
		if err != nil {
			return o, err
		}
		o.argv = argv
		if len(argv) > 1 && argv[1] == "exec" && (argv[0] == "usher" || argv[0] == "usher.exe") {
			o.argv[0] = usherInside
		}
	}
	return o, r.err
}

// spec is the container to create.
func (o options) spec(job *worker.Job, engine docker.Version) (docker.Spec, error) {
	local := isLocal(job.Env["PREFECT_API_URL"])
	mode := o.networkMode
	if len(o.networks) > 0 {
		mode = o.networks[0]
	} else if mode == "" && local && runtime.GOOS == "linux" {
		mode = "host"
	}
	env := maps.Clone(job.Env)
	host := map[string]any{}
	if mode != "host" && local {
		env["PREFECT_API_URL"] = throughHost(env["PREFECT_API_URL"])
		if runtime.GOOS == "linux" && engine.AtLeast(20, 10) {
			host["ExtraHosts"] = []string{"host.docker.internal:host-gateway"}
		}
	}
	if mode != "" {
		host["NetworkMode"] = mode
	}
	if len(o.volumes) > 0 {
		host["Binds"] = o.volumes
	}
	if o.memory != 0 {
		host["Memory"] = o.memory
	}
	if o.swap != 0 {
		host["MemorySwap"] = o.swap
	}
	if o.privileged {
		host["Privileged"] = true
	}
	config := map[string]any{"Image": o.image, "Cmd": o.argv, "Env": list(env), "Labels": labels(job.Config.Labels), "HostConfig": host}
	if o.isProgram() { // an entrypoint of the image would get usher as its argument
		config["Entrypoint"], config["Cmd"] = o.argv[:1], o.argv[1:]
	}
	if len(o.networks) > 0 {
		config["NetworkingConfig"] = map[string]any{"EndpointsConfig": map[string]any{o.networks[0]: map[string]any{}}}
	}
	if err := extend(config, host, o.extra, job.Log); err != nil {
		return docker.Spec{}, err
	}
	return docker.Spec{Name: containerName(job.Config.Name), Platform: o.platform, Config: config}, nil
}

func list(env map[string]string) []string {
	out := make([]string, 0, len(env))
	for _, name := range slices.Sorted(maps.Keys(env)) {
		out = append(out, name+"="+env[name])
	}
	return out
}

// labels have their prefix's parts in Docker's order: prefect.io/x is io.prefect.x.
func labels(of map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range of {
		if prefix, rest, ok := strings.Cut(name, "/"); ok {
			parts := strings.Split(prefix, ".")
			slices.Reverse(parts)
			name = strings.Join(parts, ".") + "." + rest
		}
		out[name] = value
	}
	return out
}

const nameMax = 250

// containerName makes a name that the engine takes.
func containerName(name string) string {
	var b strings.Builder
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '.', r == '-':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	short := b.String()
	short = strings.TrimRight(strings.TrimLeft(short[:min(len(short), nameMax)], "_-."), "-")
	if short == "" {
		return "flow-run"
	}
	return short
}

// isLocal says that the URL is one of this machine, which means another inside a container.
func isLocal(of string) bool {
	u, err := url.Parse(of)
	return err == nil && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1")
}

func throughHost(of string) string {
	u, err := url.Parse(of)
	if err != nil {
		return of
	}
	port := u.Port()
	u.Host = "host.docker.internal"
	if port != "" {
		u.Host += ":" + port
	}
	return u.String()
}

// reader reads members of a configuration and keeps the first thing that is wrong.
type reader struct {
	from map[string]any
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = api.Errorf(api.CodeInvalid, format, args...)
	}
}

func (r *reader) text(key string) string {
	value := r.from[key]
	text, ok := value.(string)
	if !ok && value != nil {
		r.fail("job variable %q must be text, got %s", key, jobtemplate.Text(value))
	}
	return text
}

func (r *reader) flag(key string) bool {
	value := r.from[key]
	set, ok := value.(bool)
	if !ok && value != nil {
		r.fail("job variable %q must be true or false, got %s", key, jobtemplate.Text(value))
	}
	return set
}

func (r *reader) object(key string) map[string]any {
	value := r.from[key]
	object, ok := value.(map[string]any)
	if !ok && value != nil {
		r.fail("job variable %q must be an object, got %s", key, jobtemplate.Text(value))
	}
	return object
}

func (r *reader) texts(key string) []string {
	value := r.from[key]
	items, ok := value.([]any)
	if !ok && value != nil {
		r.fail("job variable %q must be a list, got %s", key, jobtemplate.Text(value))
	}
	var out []string
	for _, item := range items {
		out = append(out, jobtemplate.Text(item))
	}
	return out
}

func (r *reader) size(key string) int64 {
	size, err := sizeOf(r.from[key])
	if err != nil {
		r.fail("job variable %q: %w", key, err)
	}
	return size
}

func (r *reader) login(key string) *docker.Login {
	object := r.object(key)
	if object == nil {
		return nil
	}
	in := reader{from: object}
	login := &docker.Login{Username: in.text("username"), Password: in.text("password"), Server: in.text("registry_url")}
	if in.err != nil || login.Username == "" {
		r.fail("job variable %q needs username, password and registry_url", key) // no word of what is in it
	}
	return login
}

// sizeOf reads a number of bytes such as 64m; -1 is no limit.
func sizeOf(value any) (int64, error) {
	switch v := value.(type) {
	case nil:
		return 0, nil
	case int64:
		return v, nil
	case string:
		digits := strings.TrimRight(strings.ToLower(strings.TrimSpace(v)), "bkmgtp")
		unit := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(v))[len(digits):], "b")
		var n float64
		if _, err := fmt.Sscanf(digits+" ", "%g ", &n); err != nil || len(unit) > 1 {
			return 0, api.Errorf(api.CodeInvalid, "%q is no size; write a number with b, k, m or g behind it", v)
		}
		shift := 10 * (strings.Index("kmgtp", unit) + 1)
		if unit == "" {
			shift = 0
		}
		return int64(n * float64(int64(1)<<shift)), nil
	}
	return 0, api.Errorf(api.CodeInvalid, "%s is no size; write a number with b, k, m or g behind it", jobtemplate.Text(value))
}
