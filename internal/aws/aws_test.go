package aws

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/usherhq/usher/internal/api"
)

// TestSignaturesAreBotocores compares with what Amazon's own library signs.
func TestSignaturesAreBotocores(t *testing.T) {
	t.Parallel()
	for token, want := range map[string]string{
		"":          "SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=9b4bbc89033f288526156115538d0ce2299830e623fa26b20a76aba56502c2ac",
		"the-token": "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=6174076ad53227c2892201c3b47222078a5d403856d015a979085be53d90add5",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://ecs.eu-west-1.amazonaws.com/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		r.Header.Set("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.RunTask")
		sign(r, []byte(`{"a":1}`), credentials{key: "AKID", secret: "secret/key", token: token}, "ecs", "eu-west-1", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
		want = "AWS4-HMAC-SHA256 Credential=AKID/20260102/eu-west-1/ecs/aws4_request, " + want
		if got := r.Header.Get("Authorization"); got != want {
			t.Errorf("token %q: %s, want %s", token, got, want)
		}
	}
}

// service answers as Amazon's services do, and keeps who signed last.
type service struct {
	url    string
	signed string
}

func newService(t *testing.T, answers map[string]string) *service {
	t.Helper()
	s := &service{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.signed = r.Header.Get("Authorization")
		key := r.URL.Path
		if action := r.FormValue("Action"); action != "" {
			key = action
		}
		answer, ok := answers[key]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		if strings.Contains(answer, "__type") {
			w.WriteHeader(http.StatusBadRequest)
		}
		w.Write([]byte(answer)) //nolint:errcheck // who asked notices
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// TestCredentialsAreFoundWhereAmazonsToolsFindThem signs with what each place has.
func TestCredentialsAreFoundWhereAmazonsToolsFindThem(t *testing.T) {
	t.Parallel()
	s := newService(t, map[string]string{
		"/": `{"taskArns":[]}`,
		"AssumeRole": `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASSUMED</AccessKeyId><SecretAccessKey>s</SecretAccessKey>` +
			`<SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
		"AssumeRoleWithWebIdentity": `<R><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>WEB</AccessKeyId><SecretAccessKey>s</SecretAccessKey>` +
			`<SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleWithWebIdentityResult></R>`,
		"/container":        `{"AccessKeyId":"CONTAINER","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}`,
		"/latest/api/token": `token`, machineRoles: "role\n",
		machineRoles + "role": `{"AccessKeyId":"MACHINE","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z"}`,
	})
	dir := t.TempDir()
	files := map[string]string{
		"config":      "[default]\nregion = eu-west-1\n[profile work]\nregion=eu-central-1\naws_access_key_id = FROMCONFIG\naws_secret_access_key = s\n",
		"credentials": "# ours\n[default]\naws_access_key_id = FROMFILE\naws_secret_access_key = s\n", "token": "web\n", "empty": "",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	shared := map[string]string{"AWS_CONFIG_FILE": at("config"), "AWS_SHARED_CREDENTIALS_FILE": at("credentials")}
	none := map[string]string{"AWS_CONFIG_FILE": at("empty"), "AWS_SHARED_CREDENTIALS_FILE": at("empty"), "AWS_REGION": "us-east-1"}
	for _, c := range []struct {
		name   string
		config Config
		env    []map[string]string
		want   string // begins the credential
		region string
	}{
		{"the block", Config{AccessKey: "BLOCK", SecretKey: "s", Region: "ap-south-1"}, []map[string]string{shared, {"AWS_ACCESS_KEY_ID": "ENV"}}, "BLOCK", "ap-south-1"},
		{"the environment", Config{}, []map[string]string{shared, {"AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "s"}}, "ENV", "eu-west-1"},
		{"the shared file", Config{}, []map[string]string{shared}, "FROMFILE", "eu-west-1"},
		{"a profile", Config{Profile: "work"}, []map[string]string{shared, {"AWS_ACCESS_KEY_ID": "ENV"}}, "FROMCONFIG", "eu-central-1"},
		{"a web identity", Config{}, []map[string]string{none, {"AWS_WEB_IDENTITY_TOKEN_FILE": at("token"), "AWS_ROLE_ARN": "arn:r"}}, "WEB", "us-east-1"},
		{"a container", Config{}, []map[string]string{none, {"AWS_CONTAINER_CREDENTIALS_FULL_URI": s.url + "/container"}}, "CONTAINER", "us-east-1"},
		{"the machine", Config{}, []map[string]string{none, {"AWS_EC2_METADATA_SERVICE_ENDPOINT": s.url}}, "MACHINE", "us-east-1"},
		{"a role", Config{AccessKey: "BLOCK", SecretKey: "s", AssumeRole: "arn:x"}, []map[string]string{none}, "ASSUMED", "us-east-1"},
	} {
		env := map[string]string{"AWS_ENDPOINT_URL": s.url}
		for _, more := range c.env {
			for name, v := range more {
				env[name] = v
			}
		}
		client, err := New(c.config, func(name string) (string, bool) { v, ok := env[name]; return v, ok })
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if _, err := client.ListTasks(t.Context(), "", "", "RUNNING"); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if !strings.Contains(s.signed, "Credential="+c.want+"/") || client.Region != c.region {
			t.Errorf("%s: signed with %s in %s", c.name, s.signed, client.Region)
		}
	}
}

func TestErrorsAreNamed(t *testing.T) {
	t.Parallel()
	none := func(values map[string]string) func(string) (string, bool) {
		return func(name string) (string, bool) {
			if v, ok := values[name]; ok {
				return v, true
			}
			return map[string]string{"AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere", "AWS_EC2_METADATA_DISABLED": "true"}[name], true
		}
	}
	if _, err := New(Config{}, none(nil)); err == nil || !strings.Contains(err.Error(), "AWS_DEFAULT_REGION") {
		t.Errorf("no region: %v", err)
	}
	if _, err := New(Config{Region: "r", Profile: "mine"}, none(nil)); err == nil || !strings.Contains(err.Error(), `profile "mine"`) {
		t.Errorf("no profile: %v", err)
	}
	client, err := New(Config{Region: "r"}, none(nil))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.ListTasks(t.Context(), "", "", "RUNNING"); api.CodeOf(err) != api.CodeUnauthenticated {
		t.Errorf("no credentials: %v", err)
	}
	s := newService(t, map[string]string{"/": `{"__type":"com.amazonaws.ecs#ClusterNotFoundException","message":"Cluster not found.","Message":"Cluster not found."}`})
	client, err = New(Config{Region: "r", AccessKey: "k", SecretKey: "the-secret", Endpoint: s.url}, none(nil))
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.ListTasks(t.Context(), "", "", "RUNNING")
	if !Is(err, "ClusterNotFoundException") || api.CodeOf(err) != api.CodeNotFound || strings.Contains(err.Error(), "the-secret") {
		t.Errorf("error %v", err)
	}
}
