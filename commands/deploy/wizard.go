package deploy

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/uuid"

	"github.com/usherhq/usher/commands/project"
	"github.com/usherhq/usher/internal/api"
	"github.com/usherhq/usher/internal/cli"
	"github.com/usherhq/usher/internal/client"
	"github.com/usherhq/usher/internal/deploy"
	"github.com/usherhq/usher/internal/rules/jobtemplate"
)

// wizard asks about a deployment that is being made: its image, where its code comes from, its
// schedules. What it is told becomes part of the deployment, as if the file said it.
type wizard struct {
	*deployOptions

	file    *deploy.File
	config  deploy.Config
	client  *client.Client
	secrets map[string]string // to be kept as blocks, by their names
}

const (
	buildStep = "prefect_docker.deployments.steps.build_docker_image"
	pushStep  = "prefect_docker.deployments.steps.push_docker_image"
	cloneStep = "prefect.deployments.steps.git_clone"
	// needsDocker is what the reference wants to be installed for them.
	needsDocker = "prefect-docker>=0.3.1"
)

// more asks for what a new deployment may have beyond its name, flow and work pool. Nothing is
// kept anywhere until all is answered.
func (o *deployOptions) more(ctx context.Context, file *deploy.File, c deploy.Config) (deploy.Config, error) {
	isKnown := slices.ContainsFunc(file.Deployments, func(d deploy.Config) bool { return d.Name() == c.Name() && c.Name() != "" })
	if c["usher"] != nil || isKnown && !o.asked || o.plan || o.check {
		return c, nil
	}
	o.asked = true
	w := &wizard{deployOptions: o, file: file, config: jobtemplate.CloneObject(c), secrets: map[string]string{}}
	var err error
	if w.client, err = o.env.Client(); err != nil {
		return nil, err
	}
	for _, ask := range []func(context.Context) error{w.askImage, w.askStorage, w.askSchedules} {
		if err := ask(ctx); err != nil {
			return nil, err
		}
	}
	for name, value := range w.secrets {
		if err := keepSecret(ctx, w.client, name, value); err != nil {
			return nil, err
		}
		o.env.Sayf("Kept in the block secret/%s.", name)
	}
	return w.config, nil
}

func (w *wizard) confirm(ctx context.Context, question string, def bool) (bool, error) {
	return w.env.Streams.Confirm(ctx, question, def)
}

// input asks until there is an answer.
func (w *wizard) input(ctx context.Context, question, def string) (string, error) {
	for {
		text, err := w.env.Streams.Input(ctx, question, def)
		if text = strings.TrimSpace(text); err != nil || text != "" {
			return text, err
		}
	}
}

// secret asks for something that is kept as a block, and answers the reference to it.
func (w *wizard) secret(ctx context.Context, question, name string) (string, error) {
	for {
		value, err := w.env.Streams.Secret(ctx, question)
		if err != nil {
			return "", err
		}
		if value = strings.TrimSpace(value); value != "" {
			w.secrets[name] = value
			return "{{ prefect.blocks.secret." + name + " }}", nil
		}
	}
}

func (w *wizard) name() string { return cmp.Or(w.flags.Name, w.config.Name()) }

// has says that the deployment, or the file for all of them, has such steps.
func (w *wizard) has(key string, ofFile []any) bool {
	if own, ok := w.config[key]; ok {
		list, _ := own.([]any)
		return len(list) > 0 || own != nil // build: [] says that there are none
	}
	return len(ofFile) > 0
}

func (w *wizard) addStep(key string, ofFile []any, name string, args map[string]any) {
	list, ok := w.config[key].([]any)
	if !ok {
		list = slices.Clone(ofFile)
	}
	w.config[key] = append(list, map[string]any{name: args})
}

// askImage asks whether to build an image, where the pool's jobs have one to choose.
func (w *wizard) askImage(ctx context.Context) error {
	if w.has("build", w.file.Build) || w.config["work_pool"] != nil {
		return nil
	}
	pool, err := w.client.ReadWorkPool(ctx, w.flags.WorkPool)
	if err != nil || !choosesImage(pool) {
		return err
	}
	yes, err := w.confirm(ctx, "Build a Docker image for this deployment?", false)
	if err != nil || !yes {
		return err
	}
	args := map[string]any{"id": "build-image", "requires": needsDocker, "dockerfile": "auto"}
	if _, err := os.Stat("Dockerfile"); err == nil {
		if args["dockerfile"], err = w.input(ctx, "Which Dockerfile?", "Dockerfile"); err != nil {
			return err
		}
	}
	repository, err := w.input(ctx, "Repository (such as your name at the registry)", "")
	if err != nil {
		return err
	}
	image, err := w.input(ctx, "Name of the image", w.name())
	if err != nil {
		return err
	}
	if args["tag"], err = w.input(ctx, "Tag of the image", "latest"); err != nil {
		return err
	}
	args["image_name"] = strings.TrimSuffix(repository, "/") + "/" + image
	if err := w.askPush(ctx, args); err != nil {
		return err
	}
	w.addStep("build", w.file.Build, buildStep, args)
	w.config["work_pool"] = map[string]any{"job_variables": map[string]any{"image": "{{ build-image.image }}"}}
	return nil
}

// choosesImage says that jobs of the pool have an image which deployments may name freely.
func choosesImage(pool api.WorkPoolResponse) bool {
	template, err := jobtemplate.ParseObject(pool.BaseJobTemplate)
	if err != nil {
		return false
	}
	found, _ := jobtemplate.Lookup(template, "variables.properties.image")
	image, _ := found.(map[string]any)
	isText := image["type"] == "string"
	options, _ := image["anyOf"].([]any)
	for _, option := range options {
		object, _ := option.(map[string]any)
		isText = isText || object["type"] == "string"
	}
	return isText && image["enum"] == nil
}

func (w *wizard) askPush(ctx context.Context, build map[string]any) error {
	yes, err := w.confirm(ctx, "Push the image to a registry?", true)
	if err != nil || !yes {
		return err
	}
	registry, err := w.input(ctx, "Registry", "docker.io")
	if err != nil {
		return err
	}
	registry = strings.TrimSuffix(registry, "/")
	build["image_name"] = registry + "/" + build["image_name"].(string) //nolint:forcetypeassert // askImage has made it
	args := map[string]any{"requires": needsDocker, "image_name": "{{ build-image.image_name }}", "tag": "{{ build-image.tag }}"}
	if yes, err = w.confirm(ctx, "Does the registry want a user and a password?", true); err != nil {
		return err
	}
	if yes {
		user, err := w.input(ctx, "User at the registry", "")
		if err != nil {
			return err
		}
		password, err := w.secret(ctx, "Password (kept as a secret block)", "deployment-"+slug(w.name())+"-registry-password")
		if err != nil {
			return err
		}
		args["credentials"] = map[string]any{"username": user, "password": password, "registry_url": registry}
	}
	w.addStep("push", w.file.Push, pushStep, args)
	return nil
}

// askStorage asks where workers get the code, unless it is in an image that was pushed or steps
// say it.
func (w *wizard) askStorage(ctx context.Context) error {
	pushes := slices.ContainsFunc(append(slices.Clone(w.file.Push), listOf(w.config["push"])...), func(step any) bool {
		object, _ := step.(map[string]any)
		return object[pushStep] != nil
	})
	ofFile, _ := w.file.Pull.([]any)
	if pushes || w.has("pull", ofFile) {
		return nil
	}
	yes, err := w.confirm(ctx, "Workers need the code of the flow. Pull it from a remote storage when it runs?", true)
	if err != nil || !yes {
		return err
	}
	i, err := w.env.Streams.Select(ctx, "From where?", []string{"Git repository", "S3 bucket", "GCS bucket", "Azure blob storage"})
	if err != nil {
		return err
	}
	if i == 0 {
		return w.askGit(ctx)
	}
	return w.askBucket(ctx, buckets[i-1])
}

func listOf(v any) []any {
	list, _ := v.([]any)
	return list
}

func (w *wizard) askGit(ctx context.Context) error {
	dir := filepath.Dir(w.file.Path)
	remote, branch := project.Git(ctx, dir)
	repository, err := w.input(ctx, "URL of the repository", remote)
	if err != nil {
		return err
	}
	if branch, err = w.input(ctx, "Branch", branch); err != nil {
		return err
	}
	args := map[string]any{"repository": repository, "branch": branch}
	private, err := w.confirm(ctx, "Is the repository private?", false)
	if err != nil {
		return err
	}
	if private {
		entrypoint := cmp.Or(w.flags.Entrypoint, w.config.Entrypoint())
		flow := entrypoint[strings.LastIndexByte(entrypoint, ':')+1:]
		args["access_token"], err = w.secret(ctx, "Token that may read it (kept as a secret block)", "deployment-"+slug(w.name())+"-"+slug(flow)+"-repo-token")
		if err != nil {
			return err
		}
	}
	w.addStep("pull", listOf(w.file.Pull), cloneStep, args)
	return nil
}

// bucket is a storage that code is pushed to when it is deployed and pulled from when it runs.
type bucket struct {
	push, pull, container, needs, block string
}

var buckets = []bucket{
	{"prefect_aws.deployments.steps.push_to_s3", "prefect_aws.deployments.steps.pull_from_s3", "bucket", "prefect-aws>=0.3.4", "aws-credentials"},
	{"prefect_gcp.deployments.steps.push_to_gcs", "prefect_gcp.deployments.steps.pull_from_gcs", "bucket", "prefect-gcp>=0.4.3", "gcp-credentials"},
	{"prefect_azure.deployments.steps.push_to_azure_blob_storage", "prefect_azure.deployments.steps.pull_from_azure_blob_storage", "container", "prefect-azure>=0.2.8", "azure-blob-storage-credentials"},
}

func (w *wizard) askBucket(ctx context.Context, b bucket) error {
	name, err := w.input(ctx, "Name of the "+b.container, "")
	if err != nil {
		return err
	}
	folder, err := w.input(ctx, "Folder in it", slug(w.name()))
	if err != nil {
		return err
	}
	block, err := w.env.Streams.Input(ctx, "Block with the credentials, of type "+b.block+" (empty: those of the machine)", "")
	if err != nil {
		return err
	}
	push := map[string]any{"id": "push_code", "requires": b.needs, b.container: name, "folder": folder}
	pull := map[string]any{"id": "pull_code", "requires": b.needs, b.container: "{{ push_code." + b.container + " }}", "folder": "{{ push_code.folder }}"}
	if block = strings.TrimSpace(block); block != "" {
		credentials := "{{ prefect.blocks." + b.block + "." + strings.TrimPrefix(block, b.block+"/") + " }}"
		push["credentials"], pull["credentials"] = credentials, credentials
	}
	w.addStep("push", w.file.Push, b.push, push)
	w.addStep("pull", listOf(w.file.Pull), b.pull, pull)
	return nil
}

// askSchedules asks when it runs, unless the deployment or flags say it. A deployment that shall
// have no schedule says so from then on.
func (w *wizard) askSchedules(ctx context.Context) error {
	_, some := w.config["schedules"]
	_, one := w.config["schedule"]
	if some || one || len(w.flags.Cron)+len(w.flags.Interval)+len(w.flags.RRule) > 0 {
		return nil
	}
	list := []any{}
	yes, err := w.confirm(ctx, "Run it by a schedule?", true)
	for ; err == nil && yes; yes, err = w.confirm(ctx, "Another schedule?", false) {
		schedule, err := w.askSchedule(ctx)
		if err != nil {
			return err
		}
		list = append(list, schedule)
	}
	w.config["schedules"] = list
	return err
}

// askSchedule asks until the answers make a schedule.
func (w *wizard) askSchedule(ctx context.Context) (map[string]any, error) {
	kinds := []struct{ key, question, def string }{
		{"interval", "Seconds between runs", "3600"}, {"cron", "Cron expression", "0 0 * * *"}, {"rrule", "RRule", "RRULE:FREQ=DAILY"},
	}
	i, err := w.env.Streams.Select(ctx, "What kind of schedule?", []string{"Interval", "Cron", "RRule"})
	if err != nil {
		return nil, err
	}
	for {
		text, err := w.input(ctx, kinds[i].question, kinds[i].def)
		if err != nil {
			return nil, err
		}
		schedule := map[string]any{kinds[i].key: text}
		if number, err := jobtemplate.Parse([]byte(text)); err == nil && kinds[i].key == "interval" {
			schedule["interval"] = number
		}
		if kinds[i].key != "interval" {
			if schedule["timezone"], err = w.input(ctx, "Time zone", cmp.Or(w.flags.Timezone, "UTC")); err != nil {
				return nil, err
			}
		}
		if err := deploy.CheckSchedule(schedule, w.env.Now()); err != nil {
			message, _ := cli.Report(err)
			w.env.Warn(strings.TrimSpace(message))
			continue
		}
		active, err := w.confirm(ctx, "Is the schedule active?", true)
		if err != nil {
			return nil, err
		}
		if !active {
			schedule["active"] = false
		}
		return schedule, nil
	}
}

// slug makes a part of the name of a block.
func slug(text string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}

// keepSecret writes a secret block, over one of the name.
func keepSecret(ctx context.Context, c *client.Client, name, value string) error {
	data, err := json.Marshal(map[string]string{"value": value})
	if err != nil {
		return err
	}
	found, err := c.ReadBlockDocumentByNameForBlockType(ctx, "secret", name, nil)
	if err == nil {
		return c.UpdateBlockDocumentData(ctx, found.ID, &api.BlockDocumentUpdate{Data: api.Some(jsontext.Value(data))})
	}
	if api.CodeOf(err) != api.CodeNotFound {
		return err
	}
	kind, err := c.ReadBlockTypeBySlug(ctx, "secret")
	if err != nil {
		return err
	}
	schemas, err := c.ReadBlockSchemas(ctx, &api.ReadBlockSchemasRequest{
		BlockSchemas: &api.BlockSchemaFilter{BlockTypeID: &api.Match[uuid.UUID]{Any: []uuid.UUID{kind.ID}}}, Limit: api.Some(1),
	})
	if err != nil {
		return err
	}
	if len(schemas) == 0 {
		return api.NotFound("schema of the block type secret")
	}
	_, err = c.CreateBlockDocument(ctx, &api.BlockDocumentCreate{Name: api.Some(name), Data: api.Some(jsontext.Value(data)), BlockTypeID: kind.ID, BlockSchemaID: schemas[0].ID})
	return err
}
