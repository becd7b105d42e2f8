package steps

import (
	"bytes"
	"context"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/usherhq/usher/internal/api"
)

// under is path, taken from dir when it is relative.
func under(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// clone is the arguments of git_clone.
type clone struct {
	repository, branch, commit string
	submodules                 bool
	directories                []string
	credentials                string // for the URL: user:password, quoted
	name                       string
}

var commitPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-fA-F]{4,64}$`) })

func readClone(args map[string]any) (clone, error) {
	c := clone{directories: stringList(args["directories"])}
	c.repository, _ = args["repository"].(string)
	c.branch, _ = args["branch"].(string)
	c.commit, _ = args["commit_sha"].(string)
	c.submodules, _ = args["include_submodules"].(bool)
	c.name, _ = args["clone_directory_name"].(string)
	token, _ := args["access_token"].(string)
	credentials, _ := args["credentials"].(map[string]any)
	switch {
	case c.repository == "":
		return clone{}, api.Errorf(api.CodeInvalid, "git_clone needs the argument repository")
	case token != "" && len(credentials) > 0:
		return clone{}, api.Errorf(api.CodeInvalid, "Please provide either an access token or credentials but not both.")
	case c.branch != "" && c.commit != "":
		return clone{}, api.Errorf(api.CodeInvalid, "git_clone takes a branch or a commit_sha, not both")
	case strings.HasPrefix(c.branch, "-"):
		return clone{}, api.Errorf(api.CodeInvalid, "Branch names cannot start with '-'.")
	case c.commit != "" && !commitPattern().MatchString(c.commit):
		return clone{}, api.Errorf(api.CodeInvalid, "%q is no commit: write 4 to 64 hexadecimal digits, or use branch for a branch or tag", c.commit)
	}
	if token != "" {
		credentials = map[string]any{"access_token": token}
	}
	var err error
	if c.credentials, err = credentialText(c.repository, credentials); err != nil {
		return clone{}, err
	}
	if c.name == "" {
		c.name = c.defaultName()
	}
	return c, nil
}

func (c clone) defaultName() string {
	path := c.repository
	if u, err := url.Parse(c.repository); err == nil && u.Path != "" {
		path = u.Path
	}
	name := strings.ReplaceAll(path[strings.LastIndexByte(path, '/')+1:], ".git", "")
	if c.branch != "" {
		name += "-" + strings.ReplaceAll(c.branch, "/", "-")
	}
	return name
}

// credentialText writes a token as the host wants it in URLs.
func credentialText(repository string, credentials map[string]any) (string, error) {
	if len(credentials) == 0 {
		return "", nil
	}
	token := ""
	for _, name := range []string{"access_token", "token", "password"} {
		if text, ok := credentials[name].(string); ok && text != "" {
			token = text
			break
		}
	}
	if token == "" {
		return "", api.Errorf(api.CodeInvalid, "the credentials hold no access_token, token or password")
	}
	user, _ := credentials["username"].(string)
	u, err := url.Parse(repository)
	if err != nil {
		return "", api.Errorf(api.CodeInvalid, "%q is no URL: %w", repository, err)
	}
	name, secret, hasUser := strings.Cut(token, ":")
	switch {
	case user != "":
		return url.QueryEscape(user) + ":" + url.QueryEscape(token), nil
	case hasUser:
		return url.QueryEscape(name) + ":" + url.QueryEscape(secret), nil
	case strings.Contains(u.Host, "bitbucketserver"):
		return "", api.Errorf(api.CodeInvalid, "Bitbucket Server needs the token as user:token, or a username beside it")
	case strings.Contains(u.Host, "bitbucket"):
		return "x-token-auth:" + url.QueryEscape(token), nil
	case strings.Contains(u.Host, "gitlab"):
		return "oauth2:" + url.QueryEscape(token), nil
	}
	return url.QueryEscape(token), nil
}

// cloneTries is how often a clone is tried: networks fail for a moment.
const cloneTries = 3

func (r Runner) gitClone(ctx context.Context, args map[string]any, dir string) (map[string]any, error) {
	c, err := readClone(args)
	if err != nil {
		return nil, err
	}
	for attempt, wait := 1, time.Second; ; attempt, wait = attempt+1, 3*wait {
		err = r.fetch(ctx, c, dir)
		if err == nil || attempt == cloneTries || api.CodeOf(err) == api.CodeConflict || ctx.Err() != nil {
			break
		}
		r.Say("git_clone failed and is tried again: " + err.Error())
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
	if err != nil {
		return nil, err
	}
	return map[string]any{"directory": c.name}, nil
}

// fetch clones, or brings an earlier clone up to date.
func (r Runner) fetch(ctx context.Context, c clone, dir string) error {
	target := filepath.Join(dir, c.name)
	if _, err := os.Stat(filepath.Join(target, ".git")); err != nil {
		return r.cloneAnew(ctx, c, dir, target)
	}
	existing, err := r.git(ctx, c, target, "config", "--get", "remote.origin.url")
	if err != nil || withoutLogin(strings.TrimSpace(existing)) != withoutLogin(c.repository) {
		return api.Errorf(api.CodeConflict, "The existing repository at %s does not match the configured repository %s", target, withoutLogin(c.repository))
	}
	if err := r.update(ctx, c, target); err == nil {
		return nil
	}
	if err := os.RemoveAll(target); err != nil {
		return err
	}
	return r.cloneAnew(ctx, c, dir, target)
}

func (r Runner) update(ctx context.Context, c clone, target string) error {
	if c.commit != "" {
		return r.checkout(ctx, c, target)
	}
	pull := []string{"pull", "origin"}
	if c.branch != "" {
		pull = append(pull, c.branch)
	}
	if c.submodules {
		pull = append(pull, "--recurse-submodules")
	}
	if _, err := r.git(ctx, c, target, append(pull, "--depth", "1")...); err != nil {
		return err
	}
	return r.sparse(ctx, c, target)
}

func (r Runner) cloneAnew(ctx context.Context, c clone, dir, target string) error {
	argv := []string{"clone", withoutLogin(c.repository)}
	if c.submodules {
		argv = append(argv, "--recurse-submodules")
	}
	if len(c.directories) > 0 {
		argv = append(argv, "--sparse")
	}
	switch {
	case c.commit != "":
		argv = append(argv, "--filter=blob:none", "--no-checkout")
	case c.branch != "":
		argv = append(argv, "--branch", c.branch, "--depth", "1")
	default:
		argv = append(argv, "--depth", "1")
	}
	if _, err := r.git(ctx, c, dir, append(argv, target)...); err != nil {
		return api.Errorf(api.CodeUnavailable, "Failed to clone repository %q: %w", withoutLogin(c.repository), err)
	}
	if c.commit != "" {
		if err := r.checkout(ctx, c, target); err != nil {
			return err
		}
	}
	return r.sparse(ctx, c, target)
}

func (r Runner) checkout(ctx context.Context, c clone, target string) error {
	if _, err := r.git(ctx, c, target, "fetch", "origin", c.commit); err != nil {
		return err
	}
	_, err := r.git(ctx, c, target, "checkout", c.commit)
	return err
}

func (r Runner) sparse(ctx context.Context, c clone, target string) error {
	if len(c.directories) == 0 {
		return nil
	}
	_, err := r.git(ctx, c, target, append([]string{"sparse-checkout", "set", "--"}, c.directories...)...)
	return err
}

// git runs git. Credentials travel in the environment, where process lists don't show them.
func (r Runner) git(ctx context.Context, c clone, dir string, args ...string) (string, error) {
	env := maps.Clone(r.Env)
	if env == nil {
		env = map[string]string{}
	}
	env["GIT_TERMINAL_PROMPT"] = "0"
	if login := c.login(); login != "" {
		env["GIT_CONFIG_COUNT"], env["GIT_CONFIG_KEY_0"], env["GIT_CONFIG_VALUE_0"] = "1", "url."+login+".insteadOf", c.host()
	}
	var stdout, stderr bytes.Buffer
	code, err := command{append([]string{"git"}, args...), dir, env}.run(ctx, &stdout, &stderr, func(string) {})
	if err != nil {
		return "", err
	}
	if code != 0 {
		return "", api.Errorf(api.CodeInvalid, "git %s ended with code %d: %s", args[0], code, c.redact(lastLines(stderr.String())))
	}
	return stdout.String(), nil
}

// host is the part of the repository's URL that stands for the server.
func (c clone) host() string {
	u, err := url.Parse(withoutLogin(c.repository))
	if err != nil || u.Host == "" {
		return ""
	}
	return u.Scheme + "://" + u.Host + "/"
}

// login is host with the credentials in it; "" when there are none, or none may be sent.
func (c clone) login() string {
	u, err := url.Parse(c.repository)
	if err != nil || u.Scheme != "https" && u.User == nil {
		return ""
	}
	switch {
	case c.credentials != "":
		return u.Scheme + "://" + c.credentials + "@" + u.Host + "/"
	case u.User != nil && u.Scheme != "ssh":
		return u.Scheme + "://" + u.User.String() + "@" + u.Host + "/"
	}
	return ""
}

func withoutLogin(repository string) string {
	u, err := url.Parse(repository)
	if err != nil || u.User == nil || u.Scheme == "ssh" {
		return repository
	}
	u.User = nil
	return u.String()
}

func (c clone) redact(text string) string {
	u, err := url.Parse(c.repository)
	if err == nil && u.User != nil {
		if password, ok := u.User.Password(); ok && password != "" {
			text = strings.ReplaceAll(text, password, "********")
		}
	}
	for part := range strings.SplitSeq(c.credentials, ":") {
		if len(part) > 3 && part != "oauth2" && part != "x-token-auth" {
			text = strings.ReplaceAll(text, part, "********")
		}
	}
	return text
}

func lastLines(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-3):], " | ")
}
