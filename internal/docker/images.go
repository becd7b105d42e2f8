package docker

import (
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// Login lets one in at a registry.
type Login struct {
	Username string `json:"username"`
	Password string `json:"password"`
	Server   string `json:"serveraddress"`
}

// header is the login as the engine wants it.
func (l *Login) header() (http.Header, error) {
	if l == nil {
		return nil, nil
	}
	data, err := json.Marshal(l)
	if err != nil {
		return nil, err
	}
	return http.Header{"X-Registry-Auth": {base64.URLEncoding.EncodeToString(data)}}, nil
}

// HasImage says whether the engine has the image.
func (c *Client) HasImage(ctx context.Context, image string) (bool, error) {
	err := c.call(ctx, http.MethodGet, "/images/"+image+"/json", nil, nil, nil)
	if api.CodeOf(err) == api.CodeNotFound {
		return false, nil
	}
	return err == nil, err
}

// Pull has the engine pull an image; login may be nil. The error says what the registry said.
func (c *Client) Pull(ctx context.Context, image, platform string, login *Login) error {
	header, err := login.header()
	if err != nil {
		return err
	}
	query := url.Values{"fromImage": {Tagged(image)}}
	if platform != "" {
		query.Set("platform", platform)
	}
	response, err := c.request(ctx, http.MethodPost, "/images/create", query, header, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	return progress(response.Body, nil)
}

// progress reads a stream of progress to its end and answers its error.
func progress(body io.Reader, each func(line map[string]any)) error {
	decoder := jsontext.NewDecoder(body)
	var failed error
	for {
		var line map[string]any
		err := json.UnmarshalDecode(decoder, &line)
		switch {
		case errors.Is(err, io.EOF):
			return failed
		case err != nil:
			return errors.Join(failed, api.Errorf(api.CodeUnavailable, "the engine's answer broke off: %w", err))
		}
		if text, ok := line["error"].(string); ok && text != "" {
			failed = api.Errorf(api.CodeInvalid, "%s", text)
		}
		if each != nil {
			each(line)
		}
	}
}

// Tagged is the image with the tag that it has if none is written.
func Tagged(image string) string {
	if strings.Contains(image, "@") || Tag(image) != "" {
		return image
	}
	return image + ":latest"
}

// Tag is the tag that is written in an image's name.
func Tag(image string) string {
	name := image[strings.LastIndexByte(image, '/')+1:]
	_, tag, _ := strings.Cut(name, ":")
	return tag
}

// Registry is the host that an image comes from.
func Registry(image string) string {
	host, _, ok := strings.Cut(image, "/")
	if !ok || !strings.ContainsAny(host, ".:") && host != "localhost" {
		return "docker.io"
	}
	return host
}

// hubKey is how configurations name Docker Hub.
const hubKey = "https://index.docker.io/v1/"

// Configured is the login that the user's Docker configuration has for the registry of the
// image; nil if there is none. A helper program that fails counts as none.
func Configured(ctx context.Context, image string, lookup func(string) (string, bool)) *Login {
	dir, _ := lookup("DOCKER_CONFIG")
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil
		}
		dir = filepath.Join(home, ".docker")
	}
	data, err := os.ReadFile(filepath.Join(dir, "config.json")) //nolint:gosec // where the user has it
	if err != nil {
		return nil
	}
	var config struct {
		Auths map[string]struct {
			Auth string `json:"auth"`
		} `json:"auths"`
		Store   string            `json:"credsStore"`
		Helpers map[string]string `json:"credHelpers"`
	}
	if json.Unmarshal(data, &config) != nil {
		return nil
	}
	host := Registry(image)
	keys := []string{host, "https://" + host, "https://" + host + "/v1/"}
	if host == "docker.io" {
		keys = []string{hubKey, "docker.io", "index.docker.io"}
	}
	for _, key := range keys {
		helper := config.Helpers[key]
		if helper == "" {
			helper = config.Store
		}
		if helper != "" {
			if login := helped(ctx, helper, key); login != nil {
				return login
			}
		}
		plain, err := base64.StdEncoding.DecodeString(config.Auths[key].Auth)
		if user, password, ok := strings.Cut(string(plain), ":"); err == nil && ok {
			return &Login{Username: user, Password: password, Server: key}
		}
	}
	return nil
}

// helped asks a credential helper.
func helped(ctx context.Context, helper, key string) *Login {
	cmd := exec.CommandContext(ctx, "docker-credential-"+helper, "get") //nolint:gosec // the user's configuration names it
	cmd.Stdin = strings.NewReader(key)
	out, err := cmd.Output()
	if err != nil {
		return nil
	}
	var answer struct{ Username, Secret string }
	if json.Unmarshal(out, &answer, json.MatchCaseInsensitiveNames(true)) != nil || answer.Secret == "" {
		return nil
	}
	return &Login{Username: answer.Username, Password: answer.Secret, Server: key}
}

// Build builds an image of a tar archive and returns its id; say is told what the engine prints.
func (c *Client) Build(ctx context.Context, archive io.Reader, query url.Values, say func(string)) (id string, err error) {
	response, err := c.request(ctx, http.MethodPost, "/build", query, http.Header{"Content-Type": {"application/x-tar"}}, archive)
	if err != nil {
		return "", err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	err = progress(response.Body, func(line map[string]any) {
		if text, ok := line["stream"].(string); ok && strings.TrimSpace(text) != "" {
			say(strings.TrimRight(text, "\n"))
		}
		if aux, ok := line["aux"].(map[string]any); ok {
			id, _ = aux["ID"].(string)
		}
	})
	return id, err
}

// Tag gives an image another name.
func (c *Client) Tag(ctx context.Context, image, repository, tag string) error {
	return c.call(ctx, http.MethodPost, "/images/"+image+"/tag", url.Values{"repo": {repository}, "tag": {tag}}, nil, nil)
}

// Push has the engine push an image; login may be nil.
func (c *Client) Push(ctx context.Context, repository, tag string, login *Login, say func(string)) error {
	if login == nil {
		login = new(Login) // the header is not optional
	}
	header, err := login.header()
	if err != nil {
		return err
	}
	response, err := c.request(ctx, http.MethodPost, "/images/"+repository+"/push", url.Values{"tag": {tag}}, header, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	return progress(response.Body, func(line map[string]any) {
		if status, ok := line["status"].(string); ok && line["progressDetail"] == nil {
			say(status)
		}
	})
}
