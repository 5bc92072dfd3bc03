package mesh

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

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
	// Others are annotations that the mesh reads beside Keys and that stand
	// under a prefix of theirs.
	Others []string
	// OwnPorts are the ports that the sidecar and the mesh's agents listen
	// on in every pod, which therefore are not the user's to bypass.
	OwnPorts []OwnPorts
	// Namespaces are globs for the namespaces of the mesh's own components.
	Namespaces []string
	// EmptyClears says that an annotation with an empty value takes away
	// what the mesh's own configuration says.
	EmptyClears bool
	// Unmeshed says why the mesh gives a pod with these template labels and
	// annotations no sidecar, or one that is not an application's; "" where
	// nothing speaks against it.
	Unmeshed func(labels, annotations map[string]string) string
	// UnmeshedNamespace says why the mesh gives the pods of a namespace with
	// these labels no sidecar; "" where nothing speaks against it.
	UnmeshedNamespace func(labels map[string]string) string
	// limit takes out of the settings what the annotations cannot say by
	// the decision of traffic.Settings, and says why.
	limit func(traffic.Settings) (traffic.Layer, []Gap)
	// mislead reports annotations that the mesh takes but that do not mean
	// what they seem to say.
	mislead func(traffic.Layer) []Misleading
}

// Key is one pod annotation.
type Key struct {
	Field traffic.Field
	// Annotation is the whole key.
	Annotation string
	// Write gives the value for entries in canonical form.
	Write func(entries []string) string
	// Read gives the entries of a value as the mesh itself reads it.
	Read func(value string) ([]string, error)
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
var meshes = []*Mesh{&istio}

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

// Express gives what the mesh's annotations can say of the settings, exactly by
// the decision of traffic.Settings, and every field of which they cannot say
// everything.
func (m *Mesh) Express(s traffic.Settings) (traffic.Layer, []Gap) { return m.limit(s) }

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
		if err == nil {
			err = layer.Set(k.Field, entries)
		}
		if err != nil {
			problems = append(problems, &AnnotationError{k.Annotation, value, err})
		}
	}
	return layer, problems
}

// Misleads reports what in a layer, as the user wrote it in annotations, the
// mesh reads in another way than one would think.
func (m *Mesh) Misleads(l traffic.Layer) []Misleading { return m.mislead(l) }

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

// list is a value of comma separated entries without blanks, which every mesh
// reads.
func list(entries []string) string { return strings.Join(entries, ",") }
