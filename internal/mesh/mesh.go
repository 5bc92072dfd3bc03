package mesh

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Mesh describes one service mesh.
type Mesh struct {
	// Name is the spec's name for it, and Aka are the names of products whose
	// sidecars read the same annotations, and of its own past.
	Name string
	Aka  []string
	// Keys are the pod annotations that carry traffic fields, in canonical
	// order. A field without a key is for the init container alone.
	Keys []Key
	// Domain is that of the mesh's annotations: their prefixes are the domain
	// itself or end in it.
	Domain string
	// Others are annotations that the mesh reads beside these: those by which
	// traffic bypasses the sidecar too, and those that stand under a prefix of
	// theirs.
	Others []Other
	// plane and proxy are the data plane of the row and what takes the traffic there, ""
	// for a sidecar. ambient is the row of what is another in Ambient, nil where there is
	// no such data plane, and certain says for Certain where a template is.
	plane      DataPlane
	planeLabel PlaneLabel
	// Unreached says which callers no inbound setting reaches there, "" for none, and
	// BypassInbound is an annotation that lets all others bypass, with "true".
	Unreached, BypassInbound string
	proxy                    string
	ambient                  *Mesh
	certain                  func(labels, annotations map[string]string) (plane DataPlane, by string)
	// known is every key that the mesh knows, whatever it is about.
	known *vocabulary
	// Prefixes are those under which every annotation is about what bypasses,
	// so that one of tomorrow is too.
	Prefixes []string
	// UIDs and GIDs are the users and groups whose traffic the mesh takes for
	// its sidecar's, so that it leaves without being intercepted.
	UIDs, GIDs []string
	// Containers are names of the mesh's own containers: one that a template
	// brings along stands for the one that the mesh would add, and what that
	// one intercepts is not known. Sidecar is the name of one by which a
	// template only adjusts the mesh's own, whose image OwnImage stands for.
	Containers []string
	// Images are how the images of such containers begin, whatever their names.
	Images            []string
	Sidecar, OwnImage string
	// OwnPorts are the ports that the sidecar and the mesh's agents listen
	// on in every pod, which therefore are not the user's to bypass.
	OwnPorts []OwnPorts
	// Namespaces are globs for the namespaces of the mesh's own components.
	Namespaces []string
	// Levels says how a pod's annotation meets the mesh's own configuration.
	Levels Levels
	// Config is the object that holds that configuration in lists of its own;
	// nil where there is none.
	Config *Config
	// Commons are objects that say for many pods what an annotation of Others says for
	// one, the broader first.
	Commons []Common
	// sources are the other places where that configuration stands.
	sources []Source
	// Always are inbound ports that the mesh excludes in every pod, whatever its
	// configuration says.
	Always traffic.Ports
	// NamespaceKeys is where the mesh's source says that it also reads Keys and
	// Others on a Namespace, each for the pods that have none of their own; "" where
	// it does not. No mesh reads them on any other object.
	NamespaceKeys string
	// OnlyIPv4 is where the mesh's source says that its own rules are for IPv4 alone, so
	// that it intercepts no connection to an IPv6 address; "" where they are for both.
	OnlyIPv4 string
	// IPv6If is a clause, under which the mesh intercepts IPv6; "" where that does not
	// hang on its configuration.
	IPv6If string
	// Defaults is what the mesh excludes as long as nobody configures it.
	Defaults traffic.Layer
	// Unmeshed says why the mesh gives a pod with these template labels and
	// annotations no sidecar, or one that is not an application's; "" where
	// nothing speaks against it.
	Unmeshed func(labels, annotations map[string]string) string
	// intercepts gives the directions in which the mesh intercepts a pod all the
	// same; nil for none.
	intercepts func(labels, annotations map[string]string) Opening
	// OptOuts are the ways in which Unmeshed has a reason and the mesh intercepts
	// nothing, or an annotation spares the pods in a direction.
	OptOuts []OptOut
	// choices are keys that take few values.
	choices []Choice
	// injects are keys of a Namespace by which its pods get a sidecar or none, each of
	// its own kind; those of choices that are not among them are read on pods alone.
	injects []Choice
	// Mark is an annotation that injection leaves on a pod. With it the containers
	// that it lists are the mesh's.
	Mark string
	// UnmeshedNamespace says why the mesh gives the pods of a namespace with
	// these labels and annotations no sidecar; "" where nothing speaks
	// against it.
	UnmeshedNamespace func(labels, annotations map[string]string) string
	// joins are the keys by which pods get a sidecar; what is certain of none is in no
	// row.
	joins []join
	// Merged is how sidecars serve the metrics of applications too, nil where they do
	// not. Opaque is what there is to say of connections in which the server speaks
	// first, nil where the mesh takes every connection as it comes.
	Merged *MergedMetrics
	Opaque *Opaque
	// dns is the transport over which an excluded outbound port 53 in an
	// annotation does not keep DNS from the mesh, because its rules for DNS
	// come first.
	dns []traffic.Protocol
	// dnsInSome is the same where it is so in some ways to run the mesh: nothing is
	// written for it, but what somebody wrote counts.
	dnsInSome []traffic.Protocol
	// limits take out of the settings, one after the other, what the
	// annotations cannot say by the decision of traffic.Settings.
	limits []limit
	// unsayable gives a field of which annotations say that, in their pod, no value of
	// its own would let the pod start, and why; nil for none.
	unsayable func(annotations map[string]string) (traffic.Field, string)
	// wins are fields whose ports the mesh's own rules take from the opposite
	// field, whichever level says it.
	wins []traffic.Field
	// rangesFirst says that in them excluded ranges come before included ports,
	// so that these ports bypass the sidecar at those addresses.
	rangesFirst bool
	// Order is that of the init containers, and Early what is there before them.
	Order Order
	Early Early
	// Init are the mesh's own init containers.
	Init InitContainers
	// Facts are those of what stands here that hold for some versions alone.
	Facts []Fact
	// Signs are what its sidecars leave in an answer.
	Signs Signs
	// mislead reports annotations that the mesh takes but that, together, do
	// not mean what they seem to say; nil if there are none.
	mislead func(traffic.Layer) []Misleading
}

// Key is one pod annotation.
type Key struct {
	Field traffic.Field
	// Annotation is the whole key.
	Annotation string
	// Values is the grammar of its values.
	Values grammar
	// Loses says what of a value the mesh drops without telling anybody, ""
	// if it drops nothing; nil if it never does.
	Loses func(value string) string
	// Nothing is a value without effect, for an annotation that is there
	// and must do nothing. It matters only where an empty value is not such
	// a value.
	Nothing string
}

// Entries writes what the settings say of the key's field, each entry as the mesh
// reads it.
func (k Key) Entries(s traffic.Settings) []string { return k.Values.entries(s, k.Field) }

// Write gives the value by which the annotation says what the settings say of its
// field.
func (k Key) Write(s traffic.Settings) string { return strings.Join(k.Entries(s), ",") }

// Read gives what a value says of the key's field as the mesh itself reads it. It
// is nothing where the mesh ignores the value.
func (k Key) Read(value string) (traffic.Layer, error) {
	var layer traffic.Layer
	entries, err := k.Values.read(value)
	if err == nil && entries != nil {
		err = layer.Set(k.Field, entries)
	}
	return layer, err
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

// row is a mesh in the list of all. The rest of it is made when it is first wanted: most
// runs are about one mesh, and what a program writes into the variables of its packages
// when it starts takes longer than anything else there.
type row struct {
	name, domain string
	rest         func() *Mesh
	once         sync.Once
	made         *Mesh
}

var rows = []*row{&istio, &fsm, &osm, &linkerd, &consul, &kuma}

func (r *row) mesh() *Mesh {
	r.once.Do(func() {
		r.made = r.rest()
		r.made.Name, r.made.Domain = r.name, r.domain
	})
	return r.made
}

// All lists the meshes that the spec can name, in the order of its documentation. The
// caller must not change the slice.
var All = sync.OnceValue(func() []*Mesh {
	all := make([]*Mesh, len(rows))
	for i, r := range rows {
		all[i] = r.mesh()
	}
	return all
})

// Names lists the meshes that the spec can name.
func Names() []string {
	return each.As(rows, func(r *row) string { return r.name })
}

// NamesOf lists those of which something is true.
func NamesOf(is func(*Mesh) bool) []string {
	var names []string
	for _, m := range All() {
		if is(m) {
			names = append(names, m.Name)
		}
	}
	return slices.Clip(names)
}

// ByName finds a mesh.
func ByName(name string) (*Mesh, bool) {
	i := slices.IndexFunc(rows, func(r *row) bool { return r.name == name })
	if i < 0 {
		return nil, false
	}
	return rows[i].mesh(), true
}

// Refusal says what is wrong with a name that no mesh has here, and what to write.
func Refusal(name string) string {
	for _, m := range All() {
		for _, known := range append(slices.Clone(m.Aka), m.Name) {
			if plainName(known) == plainName(name) {
				return fmt.Sprintf("%q is %s here: write %s", name, m.Name, m.Name)
			}
		}
	}
	return spelling.Refusal(name, Names())
}

// plainName leaves of a mesh's name what tells it from others: neither a version nor
// that it is a mesh.
func plainName(name string) string {
	plain := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
	return cmp.Or(strings.TrimSuffix(strings.TrimSuffix(plain, "mesh"), "service"), plain)
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
		said, err := k.Read(value)
		if err != nil {
			problems = append(problems, &AnnotationError{k.Annotation, value, err})
			continue
		}
		layer = layer.With(k.Field, said)
	}
	if ports := layer.ExcludeOutboundPorts; ports != nil {
		released := ports.Without(onDNS(m.dns))
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
		if !present {
			continue
		}
		if doubt := k.Values.doubts(value); doubt != "" {
			found = append(found, Misleading{k.Field, doubt})
		}
		if k.Loses == nil {
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
	return each.First(m.Keys, func(k Key) bool { return k.Field == f })
}

// Behind gives the annotation by which a field of Parts is said: a pair is one of
// ranges there.
func (m *Mesh) Behind(f traffic.Field) string {
	if f == traffic.ExcludeOutbound {
		f = traffic.ExcludeOutboundIPRanges
	}
	key, _ := m.Key(f)
	return key.Annotation
}

// Loopback reports whether a range lies within loopback, which no mesh's sidecar
// is passed on.
func Loopback(p netip.Prefix) bool { return p.Addr().IsLoopback() }
