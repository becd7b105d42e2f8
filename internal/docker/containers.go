package docker

import (
	"archive/tar"
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/usherhq/usher/internal/api"
)

// Spec is a container to be created, in the words of the Engine API.
type Spec struct {
	Name     string
	Platform string
	Config   map[string]any // the body of the request
}

// Created is a container that was created.
type Created struct {
	ID       string   `json:"Id"`
	Warnings []string `json:"Warnings"`
}

// Create creates a container without starting it. api.CodeConflict: the name is taken.
func (c *Client) Create(ctx context.Context, s Spec) (made Created, err error) {
	query := url.Values{"name": {s.Name}}
	if s.Platform != "" {
		query.Set("platform", s.Platform)
	}
	err = c.call(ctx, http.MethodPost, "/containers/create", query, s.Config, &made)
	if err != nil && strings.Contains(err.Error(), "already in use") { // Podman says 500
		err = api.Errorf(api.CodeConflict, "%w", err)
	}
	return made, err
}

// Start starts a container.
func (c *Client) Start(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodPost, "/containers/"+id+"/start", nil, nil, nil)
}

// Stop asks the container to end and kills it after the grace.
func (c *Client) Stop(ctx context.Context, id string, grace time.Duration) error {
	return c.call(ctx, http.MethodPost, "/containers/"+id+"/stop", url.Values{"t": {seconds(grace)}}, nil, nil)
}

// Kill ends the container at once.
func (c *Client) Kill(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodPost, "/containers/"+id+"/kill", nil, nil, nil)
}

// Remove removes the container, running or not, with its anonymous volumes.
func (c *Client) Remove(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "/containers/"+id, url.Values{"force": {"true"}, "v": {"true"}}, nil, nil)
}

// Wait waits until the container has ended.
func (c *Client) Wait(ctx context.Context, id string) error {
	var answer struct {
		StatusCode int `json:"StatusCode"`
	}
	return c.call(ctx, http.MethodPost, "/containers/"+id+"/wait", nil, nil, &answer)
}

// State is how a container is.
type State struct {
	Status    string `json:"Status"`
	ExitCode  *int   `json:"ExitCode"`
	OOMKilled bool   `json:"OOMKilled"`
	Error     string `json:"Error"`
}

// Container is one as the engine describes it.
type Container struct {
	ID     string `json:"Id"`
	Name   string `json:"Name"`
	State  State  `json:"State"`
	Config struct {
		Labels map[string]string `json:"Labels"`
		Image  string            `json:"Image"`
	} `json:"Config"`
	HostConfig struct {
		Memory int64 `json:"Memory"`
	} `json:"HostConfig"`
}

// Inspect reads a container.
func (c *Client) Inspect(ctx context.Context, id string) (found Container, err error) {
	err = c.call(ctx, http.MethodGet, "/containers/"+id+"/json", nil, nil, &found)
	return found, err
}

// Listed is a container in a list.
type Listed struct {
	ID     string            `json:"Id"`
	State  string            `json:"State"`
	Labels map[string]string `json:"Labels"`
}

// List lists the containers that have all the labels, written name=value.
func (c *Client) List(ctx context.Context, labels ...string) (found []Listed, err error) {
	filters, err := json.Marshal(map[string][]string{"label": labels})
	if err != nil {
		return nil, err
	}
	err = c.call(ctx, http.MethodGet, "/containers/json", url.Values{"all": {"true"}, "filters": {string(filters)}}, nil, &found)
	return found, err
}

// Connect connects a container to a network.
func (c *Client) Connect(ctx context.Context, network, id string) error {
	return c.call(ctx, http.MethodPost, "/networks/"+url.PathEscape(network)+"/connect", nil, map[string]string{"Container": id}, nil)
}

// CopyIn puts a program of this machine into the container, executable, below a folder of
// its own that everybody may write to.
func (c *Client) CopyIn(ctx context.Context, id, from, to string) error {
	file, err := os.Open(from) //nolint:gosec // our own program
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it is only read
	info, err := file.Stat()
	if err != nil {
		return err
	}
	read, write := io.Pipe()
	go func() {
		archive := tar.NewWriter(write)
		folder := strings.TrimPrefix(path.Dir(to), "/") + "/"
		err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: folder, Mode: 0o1777, ModTime: info.ModTime()})
		if err == nil {
			err = archive.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: strings.TrimPrefix(to, "/"), Mode: 0o755, Size: info.Size(), ModTime: info.ModTime()})
		}
		if err == nil {
			_, err = io.Copy(archive, file)
		}
		write.CloseWithError(errors.Join(err, archive.Close())) //nolint:errcheck // it never fails
	}()
	response, err := c.request(ctx, http.MethodPut, "/containers/"+id+"/archive", url.Values{"path": {"/"}}, http.Header{"Content-Type": {"application/x-tar"}}, read)
	read.Close() //nolint:errcheck // ends the writer, whatever was read
	if err != nil {
		return err
	}
	drop(response.Body)
	return nil
}

// Logs opens what the container prints, with times in front of lines, after the time since
// (zero: from the start), and follows it. The caller closes it.
func (c *Client) Logs(ctx context.Context, id string, since time.Time) (io.ReadCloser, error) {
	query := url.Values{"stdout": {"true"}, "stderr": {"true"}, "follow": {"true"}, "timestamps": {"true"}}
	if !since.IsZero() {
		query.Set("since", since.UTC().Format(time.RFC3339Nano))
	}
	response, err := c.request(ctx, http.MethodGet, "/containers/"+id+"/logs", query, nil, nil)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{plain(response.Body), response.Body}, nil
}

// plain takes the frames off a stream of standard output and error; a terminal's has none.
func plain(body io.Reader) io.Reader {
	buffered := bufio.NewReaderSize(body, 32<<10)
	return &frames{from: buffered}
}

type frames struct {
	from  *bufio.Reader
	left  int
	known bool
	raw   bool
}

const frameHeader = 8

func (f *frames) Read(p []byte) (int, error) {
	if !f.known {
		head, err := f.from.Peek(frameHeader)
		if err != nil && len(head) == 0 {
			return 0, err
		}
		f.known, f.raw = true, len(head) < frameHeader || head[0] > 2 || head[1]|head[2]|head[3] != 0
	}
	if f.raw {
		return f.from.Read(p)
	}
	for f.left == 0 {
		var head [frameHeader]byte
		if _, err := io.ReadFull(f.from, head[:]); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = io.EOF
			}
			return 0, err
		}
		f.left = int(binary.BigEndian.Uint32(head[4:]))
	}
	n, err := f.from.Read(p[:min(len(p), f.left)])
	f.left -= n
	return n, err
}
