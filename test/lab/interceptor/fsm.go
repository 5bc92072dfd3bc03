package interceptor

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// OSMProgram prints what OSM's injector has its init container execute, to be built by
// lab.Main.
var OSMProgram = lab.Program{Name: "osm-injector", Directory: "test/interceptors/osm", Borrows: &lab.Borrowed{
	Module:  "github.com/openservicemesh/osm",
	Version: "v1.2.4",
	Sum:     "h1:WBSoLWehnxedIxXHysKOR49DQVbGLW5qBdh6UD8NAUA=",
	Package: "pkg/injector",
	Files:   []string{"exclusions.go", "iptables.go"},
}}

// MeshConfig is a specification of OSM's or FSM's MeshConfig, in JSON.
type MeshConfig string

// PodIP has the sidecar call its application at the pod's address.
const PodIP MeshConfig = `{"sidecar": {"localProxyMode": "PodIP"}}`

// FSM's and OSM's rules go through the IPv4 iptables-restore alone.
func fsmVariants() []Variant {
	variant := func(mesh, rules string, of Injector, backend Backend, config MeshConfig) Variant {
		return Variant{Interceptor: of.Interceptor(backend, config, nil), Mesh: mesh, Rules: rules, Backend: backend, Families: []lab.Family{lab.IPv4}}
	}
	const fsm, osm = "flomesh-io/fsm pkg/injector f1b55bd", "openservicemesh/osm pkg/injector v1.2.4"
	return []Variant{
		variant("FSM", fsm, FSM, IptablesNFT, ""),
		variant("FSM", fsm, FSM, IptablesLegacy, ""),
		variant("FSM", fsm, FSM, IptablesNFT, PodIP),
		variant("OSM", osm, OSM, IptablesNFT, ""),
		variant("OSM", osm, OSM, IptablesLegacy, ""),
	}
}

// Injector is OSM, or FSM, whose pkg/injector/iptables.go and exclusions.go are OSM's
// with other names of chains, annotations and constants (compared at flomesh-io/fsm
// f1b55bd; the module is not to be had from the Go module proxy). FSM with
// interceptionMode NodeLevel is not here: it reads no annotations and has no init
// container (patch.go, createPodPatch).
type Injector struct {
	name, chains, domain string
}

// The two of them.
var (
	FSM = Injector{name: "fsm", chains: "FSM_PROXY_", domain: "flomesh.io/"}
	OSM = Injector{name: "osm", chains: "OSM_PROXY_", domain: "openservicemesh.io/"}
)

// Command is what the init container executes by /bin/sh -c.
func (i Injector) Command(annotations map[string]string, config MeshConfig) (string, error) {
	itself := map[string]string{}
	for key, value := range annotations {
		itself[strings.Replace(key, i.domain, OSM.domain, 1)] = value
	}
	text, err := json.Marshal(itself)
	if err != nil {
		return "", err
	}
	if config == "" {
		config = "{}"
	}
	command, err := exec.Command(lab.Binary(OSMProgram.Name), string(text), string(config)).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("asking the injector: %w: %s", err, command)
	}
	return strings.ReplaceAll(string(command), OSM.chains, i.chains), nil
}

// Interceptor is what the init container does in a pod with annotations. Like it, this
// does not look whether the kernel will take what they say.
func (i Injector) Interceptor(backend Backend, config MeshConfig, annotations map[string]string) Interceptor {
	name := i.name + "-" + string(backend)
	if config == PodIP {
		name += "-pod-ip"
	}
	return Interceptor{
		Name:  name,
		Proxy: Proxy{UID: lab.FSMProxy, Outbound: 15001, Inbound: 15003, CallsLoopback: true},
		Annotated: func(annotations map[string]string) Interceptor {
			return i.Interceptor(backend, config, annotations)
		},
		Install: func(t lab.TB, pod *lab.Host) {
			t.Helper()
			require.NoError(t, i.Try(pod, backend, config, annotations))
		},
	}
}

// Try does what the init container does.
func (i Injector) Try(pod *lab.Host, backend Backend, config MeshConfig, annotations map[string]string) error {
	command, err := i.Command(annotations, config)
	if err != nil {
		return err
	}
	return inImage(pod, backend, []string{"POD_IP=" + lab.PodAddress.IPv4.String()}, "/bin/sh", "-c", command)
}

// inImage runs a command where iptables is that of the backend, as in the image of an
// init container.
func inImage(pod *lab.Host, backend Backend, environment []string, words ...string) error {
	command := exec.Command(words[0], words[1:]...)
	command.Env = append(os.Environ(), environment...)
	if backend == IptablesLegacy {
		tools, err := legacyTools()
		if err != nil {
			return err
		}
		command.Env = append(command.Env, "PATH="+tools+":"+os.Getenv("PATH"))
	}
	_, err := pod.Try(command)
	return err
}

// legacyTools is a folder in which the names of iptables' programs are those of
// iptables-legacy.
var legacyTools = sync.OnceValues(func() (string, error) {
	folder := lab.Binary("iptables-legacy")
	if err := os.Mkdir(folder, 0o755); err != nil {
		return "", err
	}
	for _, tool := range []string{"iptables", "ip6tables"} {
		for _, suffix := range []string{"", "-restore", "-save"} {
			program, err := exec.LookPath(tool + "-legacy" + suffix)
			if err != nil {
				return "", err
			}
			if err := os.Symlink(program, filepath.Join(folder, tool+suffix)); err != nil {
				return "", err
			}
		}
	}
	return folder, nil
})
