package readers

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/test/seen"
)

// krmBypass is krm-bypass's own reader.
type krmBypass struct{}

func (krmBypass) Name() string { return "krm-bypass" }

func (krmBypass) Read(text []byte) (reading Reading) {
	defer func() {
		if cause := recover(); cause != nil {
			panicked(text, cause)
		}
	}()
	templates, err := seen.Templates(text)
	if err != nil {
		return Reading{Err: err}
	}
	for _, t := range templates {
		reading.Templates = append(reading.Templates, Template{APIVersion: t.APIVersion, Kind: t.Kind, Namespace: t.Namespace, Name: t.Name, Annotations: t.Annotations})
	}
	return reading
}

func panicked(text []byte, cause any) { panic(fmt.Sprintf("%v, on %q", cause, text)) }

func specOf(fields string) *fn.Spec {
	return fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  enforcement: {mode: AnnotationsOnly}\n" + fields)})
}

var (
	// forbidding is a spec under which nobody may set a port by hand.
	forbidding = specOf("  limits: {podAnnotations: {namespaces: []}}\n")
	// silent is a spec that says nothing.
	silent = specOf("")
	// writing is a spec that has every template say one port more.
	writing = specOf("  merge: Union\n  global: {excludeOutboundPorts: [3306]}\n")
)

// run gives the text as krm-bypass makes it by a spec, and what it has against it.
func run(spec *fn.Spec, text []byte) ([]byte, error) {
	defer func() {
		if cause := recover(); cause != nil {
			panicked(text, cause)
		}
	}()
	files, results, err := fn.Manifests(spec, []fn.Manifest{{Path: "x.yaml", Text: slices.Clone(text)}}, fn.Options{})
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, results.Report())
	}
	return files[0].Text, nil
}

// productFault says where the product acts otherwise than its reader reads: where
// a judge sees an annotation that passes the limits, or where kubectl finds in
// what we write a template that has lost something or that we passed over.
func (o outcome) productFault() string {
	if who, t := o.whoSeesPorts(); who != "" {
		if _, err := run(forbidding, o.text); err == nil {
			return fmt.Sprintf("what %s sees passes the limits: %s", who, t)
		}
	}
	written, err := run(writing, o.text)
	if err != nil {
		return ""
	}
	if again, err := run(writing, written); err != nil {
		return "we refuse what we wrote"
	} else if !bytes.Equal(again, written) {
		return "a second run changes what we wrote"
	}
	if back, err := run(silent, written); err != nil {
		return "we refuse to take back what we wrote"
	} else if !bytes.Equal(back, o.text) {
		return "taking back what we wrote leaves something"
	}
	if control.Match(o.text) {
		return "" // which ends a reading wherever a buffer ends
	}
	after := kubectl{}.Read(written).Templates
	for _, before := range o.judges[0].Templates {
		if before.refused {
			continue
		}
		at := slices.IndexFunc(after, func(t Template) bool { return !t.refused && t.holds(before) })
		if at < 0 {
			return fmt.Sprintf("is not in what we write: %s", before)
		}
		if before.changeable && !before.optedOut && !strings.Contains(after[at].Annotations[outbound], "3306") {
			return fmt.Sprintf("is passed over: %s", before)
		}
		after = slices.Delete(after, at, at+1)
	}
	return ""
}

// whoSeesPorts names a judge that sees a template in the mesh with ports of its own.
func (o outcome) whoSeesPorts() (string, Template) {
	for i, reading := range o.judges {
		for _, t := range reading.Templates {
			if !t.refused && !t.optedOut && t.pod && t.sets() {
				return judges[i].Name(), t
			}
		}
	}
	return "", Template{}
}

const (
	inbound  = "traffic.sidecar.istio.io/excludeInboundPorts"
	outbound = "traffic.sidecar.istio.io/excludeOutboundPorts"
	inject   = "sidecar.istio.io/inject"
)

// control is what no YAML parser takes.
var control = regexp.MustCompile(`[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x{80}-\x{9f}\x{fffd}-\x{ffff}]`)

// sets says that the template itself has a port bypass the sidecar. Values that
// are no ports are for the tests of the limits.
func (t Template) sets() bool {
	return port.MatchString(t.Annotations[inbound]) || port.MatchString(t.Annotations[outbound])
}

var port = regexp.MustCompile(`^[1-9][0-9]{0,3}$`)

// holds says that the template is what another one was, with more in it. The ports
// are written anew.
func (t Template) holds(before Template) bool {
	for key, value := range before.Annotations {
		if has, there := t.Annotations[key]; !there || has != value && key != inbound && key != outbound {
			return false
		}
	}
	return t.APIVersion == before.APIVersion && t.Kind == before.Kind && t.Namespace == before.Namespace && t.Name == before.Name
}
