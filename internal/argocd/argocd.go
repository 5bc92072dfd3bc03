package argocd

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/spelling"
)

// Variables of the environment.
const (
	nameVariable       = "ARGOCD_APP_NAME"
	parametersVariable = "ARGOCD_APP_PARAMETERS"
	// NamespaceVariable is the application's destination namespace.
	NamespaceVariable = "ARGOCD_APP_NAMESPACE"
)

// Parameters that an Application may give (spec.source.plugin.parameters).
const (
	Spec  = "spec"
	Mesh  = "mesh"
	Image = "image"
)

var known = []string{Spec, Mesh, Image}

// Application is the application that Argo CD renders.
type Application struct {
	// Name is "" if it is not Argo CD that runs the program.
	Name string
	// Parameters are those that the Application sets, by name. Argo CD does not
	// send the defaults that a plugin announces.
	Parameters map[string]string
}

// parameter is an entry of ARGOCD_APP_PARAMETERS, a list in JSON.
type parameter struct {
	Name   string            `json:"name"`
	String *string           `json:"string"`
	Array  []string          `json:"array"`
	Map    map[string]string `json:"map"`
}

// Read reads the environment through get. A parameter that is not ours is an error.
// If shared says that another program has parameters too, only one that is almost
// ours is an error.
func Read(get func(variable string) string, shared bool) (Application, error) {
	app := Application{Name: get(nameVariable), Parameters: map[string]string{}}
	text := get(parametersVariable)
	if app.Name == "" || text == "" {
		return app, nil
	}
	var given []parameter
	if err := json.Unmarshal([]byte(text), &given); err != nil {
		return app, fmt.Errorf("reading %s: %w", parametersVariable, err)
	}
	for _, p := range given {
		switch near := spelling.Nearest(p.Name, known, 2); {
		case near >= 0 && known[near] == p.Name:
		case near >= 0:
			return app, fmt.Errorf("unknown parameter %q of application %s: did you mean %s?", p.Name, app.Name, known[near])
		case shared:
			continue
		default:
			return app, fmt.Errorf("unknown parameter %q of application %s: the parameters are %s", p.Name, app.Name, strings.Join(known, ", "))
		}
		if p.Array != nil || p.Map != nil {
			return app, fmt.Errorf("parameter %s of application %s is a list or a map: give it as a string", p.Name, app.Name)
		}
		// The user interface leaves "" after somebody has removed a value.
		if p.String != nil && *p.String != "" {
			app.Parameters[p.Name] = *p.String
		}
	}
	return app, nil
}

// workFolder is where argocd-cmp-server unpacks the repository of each request, in a
// folder of its own (argoproj/argo-cd : common/common.go,
// cmpserver/plugin/plugin.go).
const workFolder = "_cmp_server"

// Repository gives the folder of the application's repository, for the application's
// folder, which is absolute and without links. Outside of any request's folder that
// is the application's folder itself.
func Repository(folder string) string {
	above, below, found := strings.Cut(filepath.ToSlash(folder), "/"+workFolder+"/")
	if !found || below == "" {
		return folder
	}
	request, _, _ := strings.Cut(below, "/")
	return filepath.FromSlash(above + "/" + workFolder + "/" + request)
}
