package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/pattern"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// The names that Kubernetes lets ports have (k8s.io/apimachinery
// pkg/util/validation/validation.go, IsValidPortName).
const (
	PortNamePattern = `^([0-9]+-)*[0-9]*[a-z][a-z0-9]*(-[a-z0-9]+)*$`
	LongestPortName = 15
)

var portName = pattern.Of(PortNamePattern)

// isPortName reports whether an entry is a name and no number.
func isPortName(entry string) bool {
	return len(entry) <= LongestPortName && strings.ContainsFunc(entry, isLetter) && portName.Matches(entry)
}

func isLetter(r rune) bool { return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' }

// Why a list takes no names.
const (
	noPorts         = "this field is about IP ranges"
	namesOfOthers   = "this field is about ports of somebody else's pod: write the number"
	namesInDefaults = "the mesh's own configuration has numbers alone: write the number"
	namesInConfig   = "spec.meshConfig: Update writes this field for all pods, in each of which a name may mean another port: write the number, or move it to a rule of spec.namespaces"
	namesInLimits   = "a name may mean another port in each workload, while a limit forbids the same in all: write the number"
	namesAccepted   = "a name may mean another port tomorrow, of which nobody has accepted anything: write the number"
)

// unnamed says why a field of a scope takes no names, "" where it does.
func (c *compiler) unnamed(f list, scope string) string {
	switch {
	case !f.ports:
		return noPorts
	case !f.named:
		return namesOfOthers
	case scope == transform.DefaultsPath:
		return namesInDefaults
	case scope == transform.GlobalPath && c.updates:
		return namesInConfig
	}
	return ""
}

// entriesOf reads the entries of a list into a layer, and gives those that are names.
func (c *compiler) entriesOf(l *traffic.Layer, f list, entries []string, at, unnamed string) []transform.PortName {
	if unnamed != "" || !strings.ContainsFunc(strings.Join(entries, ""), isLetter) {
		c.entries(at, l.Set(f.field, entries), unnamed)
		return nil
	}
	var names []transform.PortName
	var numbers []string
	judged := slices.Clone(entries)
	for i, entry := range entries {
		path := fmt.Sprintf("%s[%d]", at, i)
		switch body, suffix, narrowed := strings.Cut(entry, "/"); {
		case !strings.ContainsFunc(body, isLetter):
			numbers = append(numbers, entry)
			continue
		case isPortName(entry):
			names = append(names, transform.PortName{Path: path, Field: f.field, Name: entry})
		case narrowed && isPortName(body):
			c.problem(path, entry, "%q is a name narrowed to %s, and a name means its number for TCP and UDP: write %q, or the number and the protocol", entry, suffix, body)
		default:
			c.problem(path, entry, `%q is no port, and no name that a container port can have: write a port from 1 to 65535, a range such as "8000-8010", or a name of up to %d lower-case letters, digits and single "-" in between`, entry, LongestPortName)
		}
		judged[i] = "1" // which is not to be judged as a number
	}
	var all traffic.Layer
	if err := all.Set(f.field, judged); err != nil {
		c.entries(at, err, unnamed)
	} else {
		_ = l.Set(f.field, numbers) // which were among these
	}
	return names
}
