// Package kubernetes speaks the few parts of the Kubernetes API that a worker needs: jobs,
// their pods, logs, events and secrets. See docs/adr/0014-own-clients.md.
package kubernetes

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/usherhq/usher/internal/api"
)

// Client talks to one cluster.
type Client struct {
	// Namespace is the one that the configuration prefers; "" if it names none.
	Namespace string

	http *http.Client
	base string
	auth func(ctx context.Context, fresh bool) (string, error) // nil: by certificate
}

// Host is the address of the cluster's API.
func (c *Client) Host() string { return c.base }

// Meta is what every object has.
type Meta struct {
	Name       string            `json:"name"`
	Namespace  string            `json:"namespace"`
	UID        string            `json:"uid"`
	Version    string            `json:"resourceVersion"`
	Labels     map[string]string `json:"labels"`
	Created    time.Time         `json:"creationTimestamp"`
	DeletionAt *time.Time        `json:"deletionTimestamp"`
}

// Condition is one of a job or a pod.
type Condition struct {
	Type    string `json:"type"`
	Status  string `json:"status"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// Job is a job, as much of it as matters here.
type Job struct {
	Meta Meta `json:"metadata"`
	Spec struct {
		BackoffLimit *int `json:"backoffLimit"`
	} `json:"spec"`
	Status struct {
		Active     int         `json:"active"`
		Succeeded  int         `json:"succeeded"`
		Failed     int         `json:"failed"`
		Conditions []Condition `json:"conditions"`
	} `json:"status"`
}

// Waiting says why a container has not started.
type Waiting struct {
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// Terminated says how a container ended.
type Terminated struct {
	ExitCode int    `json:"exitCode"`
	Reason   string `json:"reason"`
	Message  string `json:"message"`
}

// ContainerStatus is how a container of a pod is.
type ContainerStatus struct {
	Name         string `json:"name"`
	Image        string `json:"image"`
	RestartCount int    `json:"restartCount"`
	State        struct {
		Waiting    *Waiting    `json:"waiting"`
		Running    *struct{}   `json:"running"`
		Terminated *Terminated `json:"terminated"`
	} `json:"state"`
	LastState struct {
		Terminated *Terminated `json:"terminated"`
	} `json:"lastState"`
}

// Pod is a pod, as much of it as matters here.
type Pod struct {
	Meta Meta `json:"metadata"`
	Spec struct {
		Node       string `json:"nodeName"`
		Containers []struct {
			Name string `json:"name"`
		} `json:"containers"`
	} `json:"spec"`
	Status struct {
		Phase          string            `json:"phase"`
		Reason         string            `json:"reason"`
		Message        string            `json:"message"`
		Conditions     []Condition       `json:"conditions"`
		InitContainers []ContainerStatus `json:"initContainerStatuses"`
		Containers     []ContainerStatus `json:"containerStatuses"`
	} `json:"status"`
}

// Event is something that the cluster noted about an object.
type Event struct {
	Type     string    `json:"type"`
	Reason   string    `json:"reason"`
	Message  string    `json:"message"`
	LastTime time.Time `json:"lastTimestamp"`
}

// List is a list of objects.
type List[T any] struct {
	Meta struct {
		Version string `json:"resourceVersion"`
	} `json:"metadata"`
	Items []T `json:"items"`
}

func jobs(namespace string) string { return "/apis/batch/v1/namespaces/" + namespace + "/jobs" }

func core(namespace, kind string) string { return "/api/v1/namespaces/" + namespace + "/" + kind }

// CreateJob creates a job of a manifest.
func (c *Client) CreateJob(ctx context.Context, namespace string, manifest map[string]any) (made Job, err error) {
	err = c.call(ctx, http.MethodPost, jobs(namespace), nil, manifest, &made)
	return made, err
}

// Job reads a job.
func (c *Client) Job(ctx context.Context, namespace, name string) (found Job, err error) {
	err = c.call(ctx, http.MethodGet, jobs(namespace)+"/"+name, nil, nil, &found)
	return found, err
}

// DeleteJob deletes a job with its pods, which have the grace to end.
func (c *Client) DeleteJob(ctx context.Context, namespace, name string, grace time.Duration) error {
	body := map[string]any{"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": int(grace.Seconds()), "propagationPolicy": "Foreground"}
	return c.call(ctx, http.MethodDelete, jobs(namespace)+"/"+name, nil, body, nil)
}

// DeletePod deletes a pod, at once if there is no grace.
func (c *Client) DeletePod(ctx context.Context, namespace, name string, grace time.Duration) error {
	body := map[string]any{"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": int(grace.Seconds())}
	return c.call(ctx, http.MethodDelete, core(namespace, "pods")+"/"+name, nil, body, nil)
}

// Jobs lists the jobs that the label selector chooses.
func (c *Client) Jobs(ctx context.Context, namespace, selector string) (found List[Job], err error) {
	err = c.call(ctx, http.MethodGet, jobs(namespace), url.Values{"labelSelector": {selector}}, nil, &found)
	return found, err
}

// Pods lists the pods that the label selector chooses.
func (c *Client) Pods(ctx context.Context, namespace, selector string) (found List[Pod], err error) {
	err = c.call(ctx, http.MethodGet, core(namespace, "pods"), url.Values{"labelSelector": {selector}}, nil, &found)
	return found, err
}

// Events lists what was noted about the object.
func (c *Client) Events(ctx context.Context, namespace, uid string) (found List[Event], err error) {
	err = c.call(ctx, http.MethodGet, core(namespace, "events"), url.Values{"fieldSelector": {"involvedObject.uid=" + uid}}, nil, &found)
	return found, err
}

// CreateSecret creates a secret of a manifest.
func (c *Client) CreateSecret(ctx context.Context, namespace string, manifest map[string]any) error {
	return c.call(ctx, http.MethodPost, core(namespace, "secrets"), nil, manifest, nil)
}

// OwnSecret makes the secret go when the job goes.
func (c *Client) OwnSecret(ctx context.Context, namespace, name string, owner Job) error {
	body := map[string]any{"metadata": map[string]any{"ownerReferences": []any{map[string]any{
		"apiVersion": "batch/v1", "kind": "Job", "name": owner.Meta.Name, "uid": owner.Meta.UID,
	}}}}
	return c.call(ctx, http.MethodPatch, core(namespace, "secrets")+"/"+name, nil, body, nil)
}

// DeleteSecret deletes a secret.
func (c *Client) DeleteSecret(ctx context.Context, namespace, name string) error {
	return c.call(ctx, http.MethodDelete, core(namespace, "secrets")+"/"+name, nil, nil, nil)
}

// Logs opens what a container prints, with times in front of lines, after the time since
// (zero: from the start), and follows it. The caller closes it.
func (c *Client) Logs(ctx context.Context, namespace, pod, container string, since time.Time) (io.ReadCloser, error) {
	query := url.Values{"container": {container}, "follow": {"true"}, "timestamps": {"true"}}
	if !since.IsZero() {
		query.Set("sinceTime", since.UTC().Format(time.RFC3339))
	}
	response, err := c.request(ctx, http.MethodGet, core(namespace, "pods")+"/"+pod+"/log", query, nil)
	if err != nil {
		return nil, err
	}
	return response.Body, nil
}

// Change is a change of an object.
type Change[T any] struct {
	Type   string `json:"type"` // ADDED, MODIFIED, DELETED
	Object T      `json:"object"`
}

// watchTime ends each watch, so that a connection that is gone without a word is noticed.
const watchTime = "290"

// WatchJobs reports changes after the version, until the watch ends.
func (c *Client) WatchJobs(ctx context.Context, namespace, selector, version string, each func(Change[Job])) error {
	return watch(ctx, c, jobs(namespace), selector, version, each)
}

// WatchPods reports changes after the version, until the watch ends.
func (c *Client) WatchPods(ctx context.Context, namespace, selector, version string, each func(Change[Pod])) error {
	return watch(ctx, c, core(namespace, "pods"), selector, version, each)
}

func watch[T any](ctx context.Context, c *Client, path, selector, version string, each func(Change[T])) error {
	query := url.Values{"watch": {"true"}, "labelSelector": {selector}, "resourceVersion": {version}, "timeoutSeconds": {watchTime}}
	response, err := c.request(ctx, http.MethodGet, path, query, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	decoder := jsontext.NewDecoder(response.Body)
	for {
		var line struct {
			Type   string         `json:"type"`
			Object jsontext.Value `json:"object"`
		}
		if err := json.UnmarshalDecode(decoder, &line); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return api.Errorf(api.CodeUnavailable, "the watch broke off: %w", err)
		}
		if line.Type == "ERROR" {
			return refusal(http.StatusGone, line.Object)
		}
		change := Change[T]{Type: line.Type}
		if err := json.Unmarshal(line.Object, &change.Object); err != nil {
			return err
		}
		each(change)
	}
}

// call sends a JSON body and reads a JSON answer; both may be nil.
func (c *Client) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var data []byte
	if body != nil {
		var err error
		if data, err = json.Marshal(body); err != nil {
			return err
		}
	}
	response, err := c.request(ctx, method, path, query, data)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	if into == nil {
		_, err = io.Copy(io.Discard, response.Body)
		return err
	}
	if err := json.UnmarshalRead(response.Body, into); err != nil {
		return api.Errorf(api.CodeUnavailable, "the answer of the cluster at %s broke off: %w", c.base, err)
	}
	return nil
}

func (c *Client) request(ctx context.Context, method, path string, query url.Values, body []byte) (*http.Response, error) {
	response, err := c.send(ctx, method, path, query, body, false)
	if err == nil && response.StatusCode == http.StatusUnauthorized && c.auth != nil {
		response.Body.Close() //nolint:errcheck // a token that was renewed meanwhile may do
		response, err = c.send(ctx, method, path, query, body, true)
	}
	if err != nil {
		return nil, err
	}
	if response.StatusCode >= http.StatusBadRequest {
		defer response.Body.Close()                                   //nolint:errcheck // the answer is an error
		data, _ := io.ReadAll(io.LimitReader(response.Body, 256<<10)) //nolint:errcheck // what there is of it
		return nil, refusal(response.StatusCode, data)
	}
	return response, nil
}

func (c *Client) send(ctx context.Context, method, path string, query url.Values, body []byte, fresh bool) (*http.Response, error) {
	target := c.base + path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if c.auth != nil {
		header, err := c.auth(ctx, fresh)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Authorization", header)
	}
	request.Header.Set("Accept", "application/json")
	switch {
	case method == http.MethodPatch:
		request.Header.Set("Content-Type", "application/merge-patch+json")
	case len(body) > 0:
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := c.http.Do(request)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return nil, api.Errorf(api.CodeUnavailable, "the Kubernetes cluster at %s can't be reached: %w", c.base, err)
	}
	return response, nil
}

// refusal is what the cluster says against a request.
func refusal(status int, data []byte) error {
	var told struct {
		Reason  string `json:"reason"`
		Message string `json:"message"`
		Code    int    `json:"code"`
	}
	if json.Unmarshal(data, &told) != nil || told.Message == "" {
		told.Message = http.StatusText(status)
	}
	if told.Code != 0 {
		status = told.Code
	}
	code := api.CodeInvalid
	switch {
	case status == http.StatusNotFound:
		code = api.CodeNotFound
	case status == http.StatusConflict:
		code = api.CodeConflict
	case status == http.StatusUnauthorized:
		code = api.CodeUnauthenticated
	case status == http.StatusForbidden:
		code = api.CodeForbidden
	case status == http.StatusTooManyRequests:
		code = api.CodeRateLimited
	case status == http.StatusGone:
		code = api.CodeLocked
	case status >= http.StatusInternalServerError:
		code = api.CodeUnavailable
	}
	if told.Reason != "" {
		return api.Errorf(code, "%s: %s", told.Reason, told.Message)
	}
	return api.Errorf(code, "%s", told.Message)
}
