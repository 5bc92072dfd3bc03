package controlplane

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Output is what a command left.
type Output struct {
	Stdout, Stderr string
	// Exit is its exit code.
	Exit int
}

// Environment is one in which kubectl is found, is the administrator here, and
// keeps what it remembers of the server here too. Other programs may be found in
// the folders.
func (s *Server) Environment(folders ...string) []string {
	path := append(folders, filepath.Dir(s.kubectl), os.Getenv("PATH"))
	return []string{"PATH=" + strings.Join(path, ":"), "HOME=" + s.Directory, "KUBECONFIG=" + s.kubeconfig()}
}

// Kubectl runs the real kubectl as the cluster's administrator. An error says
// that it could not be run; how it went is in the output.
func (s *Server) Kubectl(ctx context.Context, stdin string, args ...string) (Output, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, s.kubectl, args...)
	command.Dir = s.Directory
	command.Env = s.Environment()
	command.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || ctx.Err() != nil) {
		return Output{}, fmt.Errorf("executing kubectl %s: %w\n%s", strings.Join(args, " "), errors.Join(err, ctx.Err()), stderr.String())
	}
	return Output{stdout.String(), stderr.String(), command.ProcessState.ExitCode()}, nil
}

// Object is a Kubernetes object as encoding/json decodes it.
type Object map[string]any

// Field gives what stands below the keys, nil where nothing does.
func (o Object) Field(keys ...string) any {
	var value any = map[string]any(o)
	for _, key := range keys {
		fields, _ := value.(map[string]any)
		value = fields[key]
	}
	return value
}

// Text is Field for a string, "" where there is none.
func (o Object) Text(keys ...string) string {
	text, _ := o.Field(keys...).(string)
	return text
}

// Refusal is the server's own answer to a request that it refuses.
type Refusal struct {
	Code    int    // the HTTP status
	Reason  string // such as Invalid or NotFound
	Message string
}

func (r *Refusal) Error() string { return fmt.Sprintf("%s (%d): %s", r.Reason, r.Code, r.Message) }

// Answer is what the server made of an object, and what it warned of.
type Answer struct {
	Object   Object
	Warnings []string
}

// Request sends a request whose body, if there is one, is JSON. The error is a
// *Refusal where the server refuses it.
func (s *Server) Request(ctx context.Context, method, path string, body any) (Answer, error) {
	if method == http.MethodPatch {
		return s.Send(ctx, method, "application/merge-patch+json", path, body)
	}
	return s.Send(ctx, method, "application/json", path, body)
}

// Send is Request with a body of another type, such as another kind of patch.
func (s *Server) Send(ctx context.Context, method, contentType, path string, body any) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var sent bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&sent).Encode(body); err != nil {
			return Answer{}, fmt.Errorf("encoding the object for %s: %w", path, err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, &sent)
	if err != nil {
		return Answer{}, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("Content-Type", contentType)
	response, err := s.client.Do(request)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	received, err := io.ReadAll(response.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("reading the answer to %s %s: %w", method, path, err)
	}
	if response.StatusCode >= http.StatusBadRequest {
		refusal := &Refusal{Code: response.StatusCode, Message: string(received)}
		_ = json.Unmarshal(received, refusal) // else the text is all there is
		return Answer{}, refusal
	}
	answer := Answer{Warnings: response.Header.Values("Warning")}
	if err := json.Unmarshal(received, &answer.Object); err != nil {
		return Answer{}, fmt.Errorf("decoding the answer to %s %s: %w", method, path, err)
	}
	return answer, nil
}

// Resource is where the server keeps the objects of a kind.
type Resource struct {
	Name       string `json:"name"`
	Kind       string `json:"kind"`
	Namespaced bool   `json:"namespaced"`
}

// Resources lists what the server serves in the API version, by kind. It is
// empty where the server does not serve the version.
func (s *Server) Resources(ctx context.Context, apiVersion string) (map[string]Resource, error) {
	answer, err := s.Request(ctx, http.MethodGet, root(apiVersion), nil)
	var refusal *Refusal
	if errors.As(err, &refusal) && refusal.Code == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(answer.Object)
	if err != nil {
		return nil, err
	}
	var list struct {
		Resources []Resource `json:"resources"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("decoding what the server serves of %s: %w", apiVersion, err)
	}
	served := map[string]Resource{}
	for _, resource := range list.Resources {
		if !strings.Contains(resource.Name, "/") { // not a subresource
			served[resource.Kind] = resource
		}
	}
	return served, nil
}

// Path is where the server keeps the resource's objects in a namespace.
func (r Resource) Path(apiVersion, namespace string) string {
	path := root(apiVersion)
	if r.Namespaced {
		path += "/namespaces/" + url.PathEscape(namespace)
	}
	return path + "/" + r.Name
}

// root is where an API version is served.
func root(apiVersion string) string {
	if strings.Contains(apiVersion, "/") {
		return "/apis/" + apiVersion
	}
	return "/api/" + apiVersion
}
