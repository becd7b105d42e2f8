package ecs

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/aws"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
	"github.com/usherhq/usher/internal/worker"
)

// recording is what testdata/record.py wrote down.
type recording struct {
	Env        map[string]string `json:"env"`
	Labels     map[string]string `json:"labels"`
	Definition map[string]any    `json:"task_definition"`
	Cases      []struct {
		Name       string         `json:"name"`
		IsOwn      bool           `json:"own_task_definition"`
		Variables  map[string]any `json:"variables"`
		Definition map[string]any `json:"definition"`
		Request    map[string]any `json:"request"`
	} `json:"cases"`
}

// jobOf is a job of the default template, or of one with a task definition, with the variables.
func jobOf(t *testing.T, definition, variables map[string]any, env, labels map[string]string) *worker.Job {
	t.Helper()
	template, err := jobtemplate.ParseObject(defaultTemplate)
	if err != nil {
		t.Fatal(err)
	}
	if definition != nil {
		template["job_configuration"].(map[string]any)["task_definition"] = parsed(t, definition)
	}
	config, err := jobtemplate.Fill(template, parsed(t, variables), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	job := &worker.Job{Flow: api.Flow{ID: uuid.UUID{15: 3}}, Deployment: &api.DeploymentResponse{ID: uuid.UUID{15: 2}}, Pool: api.WorkPoolResponse{Name: "pool"}, Env: maps.Clone(env), Log: func(int, string) {}}
	if job.Config, err = jobtemplate.Settle(config); err != nil {
		t.Fatal(err)
	}
	for name, v := range job.Config.Env {
		if v != nil {
			job.Env[name] = *v
		}
	}
	all := maps.Clone(labels)
	maps.Copy(all, job.Config.Labels)
	job.Config.Labels = all
	return job
}

// parsed is an object with the numbers that job templates have.
func parsed(t *testing.T, object map[string]any) map[string]any {
	t.Helper()
	data, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jobtemplate.ParseObject(data)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// network answers as EC2 does with one VPC of two subnets.
func network(t *testing.T) *aws.Client {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := `<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></DescribeVpcsResponse>`
		if r.FormValue("Action") == "DescribeSubnets" {
			answer = `<DescribeSubnetsResponse><subnetSet><item><subnetId>subnet-1</subnetId></item><item><subnetId>subnet-2</subnetId></item></subnetSet></DescribeSubnetsResponse>`
		}
		w.Write([]byte(answer)) //nolint:errcheck // who asked notices
	}))
	t.Cleanup(server.Close)
	client, err := aws.New(aws.Config{AccessKey: "k", SecretKey: "s", Region: "us-east-1", Endpoint: server.URL}, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// TestDefinitionsAndRequestsAreTheReferences makes what the reference's worker makes of the same
// job variables. Where ours differ on purpose, unlike says how.
func TestDefinitionsAndRequestsAreTheReferences(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/recorded.json")
	if err != nil {
		t.Fatal(err)
	}
	var r recording
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	client := network(t)
	for _, c := range r.Cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			var own map[string]any
			if c.IsOwn {
				own = r.Definition
			}
			o, err := optionsOf(jobOf(t, own, c.Variables, r.Env, r.Labels))
			if err != nil {
				t.Fatal(err)
			}
			definition, err := o.define("us-east-1")
			if err != nil {
				t.Fatal(err)
			}
			unlike(c.Definition)
			if diff := cmp.Diff(parsed(t, c.Definition), parsed(t, definition)); diff != "" {
				t.Errorf("definition: %s", diff)
			}
			definition["taskDefinitionArn"] = "arn:aws:ecs:us-east-1:123456789012:task-definition/family:1"
			request, err := o.request(t.Context(), client, definition, true)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(sorted(parsed(t, ordered(c.Request))), sorted(parsed(t, request))); diff != "" {
				t.Errorf("request: %s", diff)
			}
		})
	}
}

// unlike changes a recorded definition where ours differs: AWS takes no families with other
// characters (the reference cleans the name and forgets the result), and the newest image is
// ours to choose.
func unlike(definition map[string]any) {
	definition["family"] = clean(textOf(definition, "family"), isFamilyRune, longFamily)
	for _, c := range objects(definition["containerDefinitions"]) {
		if strings.HasPrefix(textOf(c, "image"), "prefecthq/prefect:") {
			c["image"] = defaultImage
		}
	}
}

// ordered drops from a recorded request what says nothing, which ours leaves out.
func ordered(request map[string]any) map[string]any {
	overrides, _ := request["overrides"].(map[string]any)
	dropEmpty(overrides)
	if strategy, _ := request["capacityProviderStrategy"].([]any); len(strategy) == 0 {
		delete(request, "capacityProviderStrategy")
	}
	return request
}

// sorted orders what has no order: tags and environments.
func sorted(request map[string]any) map[string]any {
	byText := func(list any) {
		if l, ok := list.([]any); ok {
			slices.SortFunc(l, func(a, b any) int { return strings.Compare(jobtemplate.Text(a), jobtemplate.Text(b)) })
		}
	}
	byText(request["tags"])
	overrides, _ := request["overrides"].(map[string]any)
	for _, c := range objects(overrides["containerOverrides"]) {
		byText(c["environment"])
	}
	return request
}

func TestADefinitionThatAWSKeepsIsKnownAgain(t *testing.T) {
	t.Parallel()
	wanted := map[string]any{"family": "f", "containerDefinitions": []any{map[string]any{
		"name": "prefect", "image": "i", "environment": []any{map[string]any{"name": "B", "value": "2"}, map[string]any{"name": "A", "value": "1"}},
	}}}
	kept := parsed(t, wanted)
	kept["taskDefinitionArn"], kept["revision"], kept["status"], kept["networkMode"], kept["volumes"] = "arn:x", int64(3), "ACTIVE", "bridge", []any{}
	container := objects(kept["containerDefinitions"])[0]
	container["essential"], container["mountPoints"] = true, []any{}
	slices.Reverse(container["environment"].([]any))
	if !alike(wanted, kept) {
		t.Error("the same definition was not known again")
	}
	container["image"] = "other"
	if alike(wanted, kept) {
		t.Error("another image was taken for the same")
	}
}

func TestWhatCannotWorkIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		definition, variables map[string]any
		want                  string
	}{
		"logs without a role":           {nil, map[string]any{"configure_cloudwatch_logs": true}, "execution_role_arn"},
		"options without logs":          {nil, map[string]any{"cloudwatch_logs_options": map[string]any{"a": "b"}}, "configure_cloudwatch_logs"},
		"a network without a VPC":       {nil, map[string]any{"network_configuration": map[string]any{"subnets": []any{"s"}}}, "vpc_id"},
		"a container that is not there": {nil, map[string]any{"container_name": "other"}, ""},
		"no essential container":        {map[string]any{"containerDefinitions": []any{map[string]any{"name": "a", "essential": false}}}, nil, "essential"},
		"cpu that is no number":         {map[string]any{"cpu": "much", "containerDefinitions": []any{map[string]any{}}}, nil, "cpu"},
		"another network on Fargate":    {map[string]any{"networkMode": "bridge", "containerDefinitions": []any{map[string]any{}}}, nil, "network mode bridge"},
		"a subnet of another VPC":       {nil, map[string]any{"vpc_id": "vpc-1", "network_configuration": map[string]any{"subnets": []any{"subnet-9"}}}, "subnet-9"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o, err := optionsOf(jobOf(t, c.definition, c.variables, map[string]string{}, map[string]string{}))
			var definition map[string]any
			if err == nil {
				definition, err = o.define("us-east-1")
			}
			if err == nil {
				err = o.fits(definition)
			}
			if err == nil {
				_, err = o.request(t.Context(), network(t), definition, false)
			}
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}

// TestCausesSayWhatToDo has what AWS says when it starts no task, or a task stops by itself.
func TestCausesSayWhatToDo(t *testing.T) {
	t.Parallel()
	o := options{cluster: "flows"}
	for said, want := range map[error]string{
		&aws.Error{Kind: "ClusterNotFoundException", Message: "Cluster not found."}:                                                       `no cluster "flows"`,
		&aws.Error{Kind: "InvalidParameterException", Message: "No Container Instances were found in your cluster."}:                      "has no EC2 instances",
		&aws.Error{Kind: "ClientException", Message: "TaskDefinition is inactive"}:                                                        "Register the task definition anew",
		api.Errorf(api.CodeInvalid, "RESOURCE:MEMORY"):                                                                                    "ask for less",
		api.Errorf(api.CodeInvalid, "Capacity is unavailable at this time."):                                                              "capacity providers",
		api.Errorf(api.CodeInvalid, "You've reached the limit on the number of tasks you can run concurrently"):                           "Raise the account's quota",
		&aws.Error{Kind: "InvalidParameterException", Message: "The subnet ID 'subnet-1' does not exist"}:                                 "vpc_id and network_configuration",
		api.Errorf(api.CodeForbidden, "%w", &aws.Error{Kind: "AccessDeniedException", Message: "not authorized to perform: ecs:RunTask"}): "the rights ecs:RunTask",
		api.Errorf(api.CodeUnauthenticated, "%w", &aws.Error{Kind: "ExpiredTokenException", Message: "expired"}):                          "renew them",
	} {
		if got := o.unstarted(said).Error(); !strings.Contains(got, want) || !strings.Contains(got, said.Error()) {
			t.Errorf("%v: %q, want %q", said, got, want)
		}
	}
	for _, c := range []struct{ cause, code, want string }{
		{"CannotPullContainerError: ... not found", "TaskFailedToStart", "no such image or tag"},
		{"CannotPullContainerError: ... i/o timeout", "TaskFailedToStart", "subnets reach the registry"},
		{"ResourceInitializationError: unable to pull secrets", "TaskFailedToStart", "execution role"},
		{"CannotStartContainerError: ... no such file or directory", "TaskFailedToStart", "command was not found"},
		{"Your Spot Task was interrupted.", "SpotInterruption", "spot capacity"},
		{"Task stopped by user", "UserInitiated", "Somebody stopped it"},
	} {
		if got := hint(c.cause, c.code); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.cause, got, c.want)
		}
	}
}
