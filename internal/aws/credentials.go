package aws

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
)

// credentials are what requests are signed with.
type credentials struct {
	key, secret, token string
	expires            time.Time // zero: never
}

// source finds credentials; one that has none answers the zero value.
type source func(ctx context.Context) (credentials, error)

// login keeps credentials until they expire.
type login struct {
	sources []source

	mu   sync.Mutex
	kept credentials
}

// renewBefore is how long before their end credentials are renewed.
const renewBefore = 5 * time.Minute

func (l *login) get(ctx context.Context) (credentials, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.kept.key != "" && (l.kept.expires.IsZero() || time.Until(l.kept.expires) > renewBefore) {
		return l.kept, nil
	}
	for _, find := range l.sources {
		found, err := find(ctx)
		if err != nil {
			return credentials{}, err
		}
		if found.key != "" {
			l.kept = found
			return found, nil
		}
	}
	return credentials{}, api.Errorf(api.CodeUnauthenticated,
		"there are no AWS credentials; give the work pool an aws-credentials block, or the worker AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role")
}

// sources are the places to look at, in order.
func (c *Client) sources(profile map[string]string) []source {
	given := func(key, secret, token string) source {
		return func(context.Context) (credentials, error) {
			return credentials{key: key, secret: secret, token: token}, nil
		}
	}
	list := []source{given(c.config.AccessKey, c.config.SecretKey, c.config.SessionToken)}
	if c.config.Profile == "" {
		list = append(list, given(c.env("AWS_ACCESS_KEY_ID"), c.env("AWS_SECRET_ACCESS_KEY"), c.env("AWS_SESSION_TOKEN")))
	}
	list = append(list, c.webIdentity,
		given(profile["aws_access_key_id"], profile["aws_secret_access_key"], profile["aws_session_token"]), c.container, c.machine)
	if c.config.AssumeRole == "" {
		return list
	}
	own := &login{sources: list}
	return []source{func(ctx context.Context) (credentials, error) { return c.assume(ctx, own) }}
}

// profile reads the profile of the shared files.
func (c *Client) profile() (map[string]string, error) {
	name := first(c.config.Profile, c.env("AWS_PROFILE"), "default")
	home, err := os.UserHomeDir()
	if err != nil {
		home = "" // there is nowhere to look
	}
	found := map[string]string{}
	for _, file := range []struct{ path, section string }{
		{first(c.env("AWS_CONFIG_FILE"), filepath.Join(home, ".aws", "config")), "profile " + name},
		{first(c.env("AWS_SHARED_CREDENTIALS_FILE"), filepath.Join(home, ".aws", "credentials")), name},
	} {
		section := file.section
		if name == "default" {
			section = name
		}
		if err := readSection(file.path, section, found); err != nil {
			return nil, err
		}
	}
	if c.config.Profile != "" && len(found) == 0 {
		return nil, api.Errorf(api.CodeInvalid, "the AWS profile %q is in none of the shared files of the worker's machine", c.config.Profile)
	}
	return found, nil
}

// readSection reads what a section of an ini file says.
func readSection(path, section string, into map[string]string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return api.Errorf(api.CodeInvalid, "the AWS configuration can't be read: %w", err)
	}
	defer file.Close() //nolint:errcheck // it was only read
	inside := false
	for lines := bufio.NewScanner(file); lines.Scan(); {
		line := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(line, "[") {
			inside = strings.TrimSpace(strings.Trim(line, "[]")) == section
			continue
		}
		if key, value, ok := strings.Cut(line, "="); ok && inside && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, ";") {
			into[strings.TrimSpace(key)] = strings.TrimSpace(value)
		}
	}
	return nil
}

// granted is how the security token service hands credentials out.
type granted struct {
	Key     string    `xml:"AccessKeyId"`
	Secret  string    `xml:"SecretAccessKey"`
	Token   string    `xml:"SessionToken"`
	Expires time.Time `xml:"Expiration"`
}

func (g granted) credentials() credentials {
	return credentials{key: g.Key, secret: g.Secret, token: g.Token, expires: g.Expires}
}

const (
	tokenVersion = "2011-06-15" // of the security token service
	sessionName  = "usher-worker"
)

// assume takes the role with credentials of one's own.
func (c *Client) assume(ctx context.Context, own *login) (credentials, error) {
	form := url.Values{"Action": {"AssumeRole"}, "Version": {tokenVersion}, "RoleArn": {c.config.AssumeRole}, "RoleSessionName": {first(c.config.RoleSession, sessionName)}}
	if c.config.ExternalID != "" {
		form.Set("ExternalId", c.config.ExternalID)
	}
	bare := &Client{Region: c.Region, config: c.config, lookup: c.lookup, http: c.http}
	bare.login.sources = own.sources
	var answer struct {
		Granted granted `xml:"AssumeRoleResult>Credentials"`
	}
	if err := bare.query(ctx, "sts", form, true, &answer); err != nil {
		return credentials{}, api.Errorf(api.CodeOf(err), "the role %s can't be assumed: %w", c.config.AssumeRole, err)
	}
	return answer.Granted.credentials(), nil
}

// webIdentity trades the token of a file, as pods of Kubernetes have it, for a role.
func (c *Client) webIdentity(ctx context.Context) (credentials, error) {
	path, role := c.env("AWS_WEB_IDENTITY_TOKEN_FILE"), c.env("AWS_ROLE_ARN")
	if path == "" || role == "" {
		return credentials{}, nil
	}
	token, err := os.ReadFile(path)
	if err != nil {
		return credentials{}, api.Errorf(api.CodeUnauthenticated, "the token for the role %s can't be read: %w", role, err)
	}
	form := url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {tokenVersion}, "RoleArn": {role},
		"RoleSessionName": {first(c.env("AWS_ROLE_SESSION_NAME"), sessionName)}, "WebIdentityToken": {strings.TrimSpace(string(token))},
	}
	var answer struct {
		Granted granted `xml:"AssumeRoleWithWebIdentityResult>Credentials"`
	}
	if err := c.query(ctx, "sts", form, false, &answer); err != nil {
		return credentials{}, api.Errorf(api.CodeOf(err), "the role %s can't be assumed: %w", role, err)
	}
	return answer.Granted.credentials(), nil
}

// container asks the agent of the container that the worker runs in.
func (c *Client) container(ctx context.Context) (credentials, error) {
	target := c.env("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if path := c.env("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); path != "" {
		target = "http://169.254.170.2" + path
	}
	if target == "" {
		return credentials{}, nil
	}
	header := c.env("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	if path := c.env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); path != "" {
		data, err := os.ReadFile(path)
		if err != nil {
			return credentials{}, api.Errorf(api.CodeUnauthenticated, "the token for the container's credentials can't be read: %w", err)
		}
		header = strings.TrimSpace(string(data))
	}
	return c.handed(ctx, target, map[string]string{"Authorization": header})
}

const (
	machineAddress = "http://169.254.169.254"
	machineRoles   = "/latest/meta-data/iam/security-credentials/"
	// machineWait is how long a machine that is none of Amazon's may take to say nothing.
	machineWait = 2 * time.Second
)

// machine asks the machine's own service for the role of the instance.
func (c *Client) machine(ctx context.Context) (credentials, error) {
	if strings.EqualFold(c.env("AWS_EC2_METADATA_DISABLED"), "true") {
		return credentials{}, nil
	}
	base := first(c.env("AWS_EC2_METADATA_SERVICE_ENDPOINT"), machineAddress)
	wait, cancel := context.WithTimeout(ctx, machineWait)
	defer cancel()
	token, err := c.fetch(wait, http.MethodPut, base+"/latest/api/token", map[string]string{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": "21600"})
	if err != nil {
		return credentials{}, nil //nolint:nilerr // it is no instance, so there is no role
	}
	header := map[string]string{"X-Aws-Ec2-Metadata-Token": string(token)}
	role, err := c.fetch(ctx, http.MethodGet, base+machineRoles, header)
	if err != nil {
		return credentials{}, nil //nolint:nilerr // the instance has no role
	}
	name, _, _ := strings.Cut(strings.TrimSpace(string(role)), "\n")
	return c.handed(ctx, base+machineRoles+name, header)
}

// handed reads credentials of an agent's answer.
func (c *Client) handed(ctx context.Context, target string, headers map[string]string) (credentials, error) {
	data, err := c.fetch(ctx, http.MethodGet, target, headers)
	if err != nil {
		return credentials{}, err
	}
	var answer struct {
		AccessKeyID     string    `json:"AccessKeyId"`
		SecretAccessKey string    `json:"SecretAccessKey"`
		Token           string    `json:"Token"`
		Expiration      time.Time `json:"Expiration"`
	}
	if err := json.Unmarshal(data, &answer); err != nil {
		return credentials{}, api.Errorf(api.CodeUnauthenticated, "the credentials of the machine's role can't be read: %w", err)
	}
	return credentials{key: answer.AccessKeyID, secret: answer.SecretAccessKey, token: answer.Token, expires: answer.Expiration}, nil
}

func (c *Client) fetch(ctx context.Context, method, target string, headers map[string]string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, target, nil)
	if err != nil {
		return nil, err
	}
	for name, value := range headers {
		if value != "" {
			request.Header.Set(name, value)
		}
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, unreached(ctx, request.URL.Host, err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err == nil && response.StatusCode >= http.StatusBadRequest {
		err = api.Errorf(api.CodeUnauthenticated, "the AWS credentials of the machine's role were refused: %s", response.Status)
	}
	return data, err
}
