package mesh

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Mesh describes one service mesh.
type Mesh struct {
	// Name is the spec's name for it.
	Name string
	// Keys are the pod annotations that carry traffic fields, in canonical
	// order. A field without a key is for the init container alone.
	Keys []Key
	// Domain is that of the mesh's annotations: their prefixes are the domain
	// itself or end in it.
	Domain string
	// Beyond are annotations by which traffic bypasses the sidecar too, and for
	// which there is no traffic field.
	Beyond []string
	// Others are annotations that the mesh reads beside these and that stand
	// under a prefix of theirs.
	Others []string
	// OwnPorts are the ports that the sidecar and the mesh's agents listen
	// on in every pod, which therefore are not the user's to bypass.
	OwnPorts []OwnPorts
	// Namespaces are globs for the namespaces of the mesh's own components.
	Namespaces []string
	// Levels says how a pod's annotation meets the mesh's own configuration.
	Levels Levels
	// Config is the object that holds that configuration; nil where there is
	// none that manifests could hold.
	Config *Config
	// NamespaceKeys says that the mesh also reads Keys on a Namespace, where
	// a pod has none of its own.
	NamespaceKeys bool
	// Defaults is what the mesh excludes as long as nobody configures it.
	Defaults traffic.Layer
	// Unmeshed says why the mesh gives a pod with these template labels and
	// annotations no sidecar, or one that is not an application's; "" where
	// nothing speaks against it.
	Unmeshed func(labels, annotations map[string]string) string
	// UnmeshedNamespace says why the mesh gives the pods of a namespace with
	// these labels and annotations no sidecar; "" where nothing speaks
	// against it.
	UnmeshedNamespace func(labels, annotations map[string]string) string
	// dns is the transport over which an excluded outbound port 53 in an
	// annotation does not keep DNS from the mesh, because its rules for DNS
	// come first.
	dns []traffic.Protocol
	// limits take out of the settings, one after the other, what the
	// annotations cannot say by the decision of traffic.Settings.
	limits []limit
	// mislead reports annotations that the mesh takes but that, together, do
	// not mean what they seem to say; nil if there are none.
	mislead func(traffic.Layer) []Misleading
}

// Levels is how a pod's annotation meets what the mesh's own configuration says
// for every pod.
type Levels uint8

const (
	// Replaces: what a pod says stands instead of the mesh's own, also when it
	// is empty.
	Replaces Levels = iota
	// Adds: the mesh's own and the pod's are united.
	Adds
	// FirstSaid: what a pod says stands instead of the mesh's own, but an
	// empty value says nothing.
	FirstSaid
	// PodAlone: the mesh's configuration has no such lists.
	PodAlone
)

// Key is one pod annotation.
type Key struct {
	Field traffic.Field
	// Annotation is the whole key.
	Annotation string
	// Write gives the value for entries in canonical form.
	Write func(entries []string) string
	// Read gives the entries of a value as the mesh itself reads it, nil
	// where it passes over the value as if it were not there.
	Read func(value string) ([]string, error)
	// Loses says what of a value the mesh drops without telling anybody, ""
	// if it drops nothing; nil if it never does.
	Loses func(value string) string
	// Nothing is a value that says nothing, for where an annotation stands
	// and must not have an effect. It matters only where an empty one does
	// not do that.
	Nothing string
}

// OwnPorts is a set of ports that belong to the mesh.
type OwnPorts struct {
	Ports traffic.PortRange
	// Purpose says what listens there.
	Purpose string
}

// Gap is a field, or a part of one, that no annotation of the mesh can say.
type Gap struct {
	Field traffic.Field
	// Reason completes "FIELD is left to the init container: ".
	Reason string
	// Fatal says that pods would not start with it in an annotation.
	Fatal bool
}

// Misleading is a setting which the mesh takes but reads in another way than
// one would think.
type Misleading struct {
	Field traffic.Field
	// Reason says what the mesh really does.
	Reason string
}

// Istio's name also stands for Alibaba Cloud Service Mesh and DaoCloud DCE 5.0,
// whose sidecars read the same annotations.
var meshes = []*Mesh{&istio, &fsm, &osm, &linkerd, &consul, &kuma}

// All lists the meshes that the spec can name, in the order of its
// documentation. The caller must not change the slice.
func All() []*Mesh { return meshes }

// Names lists the meshes that the spec can name.
func Names() []string {
	names := make([]string, len(meshes))
	for i, m := range meshes {
		names[i] = m.Name
	}
	return names
}

// ByName finds a mesh.
func ByName(name string) (*Mesh, bool) {
	i := slices.IndexFunc(meshes, func(m *Mesh) bool { return m.Name == name })
	if i < 0 {
		return nil, false
	}
	return meshes[i], true
}

// Annotations gives the annotations for a layer that Express gave.
func (m *Mesh) Annotations(l traffic.Layer) map[string]string {
	values := map[string]string{}
	for _, k := range m.Keys {
		if entries, said := l.Entries(k.Field); said {
			values[k.Annotation] = k.Write(entries)
		}
	}
	return values
}

// AnnotationError says what is wrong with the value of one annotation.
type AnnotationError struct {
	Annotation string
	Value      string
	Err        error
}

func (e *AnnotationError) Error() string {
	return fmt.Sprintf("reading annotation %s with value %q: %v", e.Annotation, e.Value, e.Err)
}

// Unwrap gives the error itself.
func (e *AnnotationError) Unwrap() error { return e.Err }

// Read gives what annotations say, as the mesh reads them. Every value that the
// mesh would refuse is an *AnnotationError.
func (m *Mesh) Read(annotations map[string]string) (traffic.Layer, []error) {
	var layer traffic.Layer
	var problems []error
	for _, k := range m.Keys {
		value, present := annotations[k.Annotation]
		if !present {
			continue
		}
		entries, err := k.Read(value)
		if err == nil && entries != nil {
			err = layer.Set(k.Field, entries)
		}
		if err != nil {
			problems = append(problems, &AnnotationError{k.Annotation, value, err})
		}
	}
	if ports := layer.ExcludeOutboundPorts; ports != nil {
		released := ports.Without(m.capturedDNS())
		layer.ExcludeOutboundPorts = &released
	}
	return layer, problems
}

// Misleads reports what in annotations, as the user wrote them, the mesh reads
// in another way than one would think.
func (m *Mesh) Misleads(annotations map[string]string) []Misleading {
	var found []Misleading
	for _, k := range m.Keys {
		value, present := annotations[k.Annotation]
		if !present || k.Loses == nil {
			continue
		}
		if reason := k.Loses(value); reason != "" {
			found = append(found, Misleading{k.Field, reason})
		}
	}
	if m.mislead != nil {
		layer, _ := m.Read(annotations)
		found = append(found, m.mislead(layer)...)
	}
	return found
}

// Key finds the annotation of a field.
func (m *Mesh) Key(f traffic.Field) (Key, bool) {
	i := slices.IndexFunc(m.Keys, func(k Key) bool { return k.Field == f })
	if i < 0 {
		return Key{}, false
	}
	return m.Keys[i], true
}

// Owned gives the mesh's own ports among the given ones.
func (m *Mesh) Owned(ports traffic.Ports) []OwnPorts {
	var owned []OwnPorts
	for _, own := range m.OwnPorts {
		for _, protocol := range traffic.Protocols {
			if !ports.Intersect(traffic.NewPorts(protocol, own.Ports)).IsEmpty() {
				owned = append(owned, own)
				break
			}
		}
	}
	return owned
}

// Loopback says whether a range lies within loopback, which no mesh's sidecar
// is passed on.
func Loopback(p netip.Prefix) bool { return p.Addr().IsLoopback() }
