package transform

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
)

const (
	// InitName is the name of the init container, the first.
	InitName = "krm-bypass-init"
	// CloseName is that of the last one, which ends what is for init containers alone.
	CloseName = "krm-bypass-close"
	// PolicyAnnotation, on the template, holds a digest of the effective
	// traffic settings, so that a reader sees that they were enforced.
	PolicyAnnotation = "krm-bypass.dev/policy"
	// RecordAnnotation, on the workload, holds the record of what was
	// written and what stood there before. It is not on the template, where
	// each change of it would restart pods.
	RecordAnnotation = "krm-bypass.dev/last-applied"
)

// recordVersion is the form in which a record is written. Version 1 is read too:
// it names no spec, and calls the init container FormerInitEntry.
const recordVersion = 2

// recordStart is how a record of this version begins.
func recordStart() string { return fmt.Sprintf(`{"v":%d,`, recordVersion) }

// FormerInitEntry stands for the init container in a record of version 1.
const FormerInitEntry = "initContainer"

// RecordHead is a regular expression (RE2) for the beginning of a record, which
// names what was written, found written, or adopted: "KEY":"DIGEST" for each of them, and
// nothing else of that form. A reader that cannot parse JSON has it from there.
const RecordHead = `^\{"v":(1|2(,"spec":` + jsonString + `)?),("kept":` + jsonStrings + `,)?"wrote":` + jsonStrings + `(,"adopted":` + jsonStrings + `)?`

const (
	jsonString  = `"([^"\\]|\\.)*"`
	jsonStrings = `\{(` + jsonString + `:` + jsonString + `,?)*\}`
)

// record is what the function left behind on a workload, so that on the next
// run it knows its own values from the user's and can take them away again.
//
// Kept, Wrote and Replaced are by place and key (see placed).
type record struct {
	Version int `json:"v"`
	// Spec is the name of the ClusterBypass by which it was written.
	Spec string `json:"spec,omitempty"`
	// Kept holds a digest of each value that the user had written already
	// just as it was to be written, or that stands beside what was adopted. It stays the
	// user's; a reader of the record sees that it is as the policy wants it.
	Kept map[string]string `json:"kept,omitempty"`
	// Wrote holds a digest of each annotation and init container written. What
	// does not match its digest any more is the user's.
	Wrote map[string]string `json:"wrote"`
	// Adopted holds a digest of each annotation of the user's that the spec took over as
	// it stood: the rules speak in its place. It stands on the template as long as it
	// means what they say, and under what was written else.
	Adopted map[string]string `json:"adopted,omitempty"`
	// Replaced holds the source text of the user's values under those
	// written: one string each, or null.
	Replaced map[string]string `json:"replaced,omitempty"`
	// Added holds the entries added to lists of the user's, by the list's
	// path.
	Added map[string][]string `json:"added,omitempty"`
	// Created lists the parents that were not there before.
	Created []string `json:"created,omitempty"`
	// Nulls holds the source text of parents that stood there as a key
	// without a value: a spelling of null.
	Nulls map[string]string `json:"nulls,omitempty"`
	// Sum is over all of the above.
	Sum string `json:"sum"`
}

func newRecord(spec string) *record {
	return &record{
		Version: recordVersion, Spec: spec,
		Kept:  map[string]string{},
		Wrote: map[string]string{}, Adopted: map[string]string{}, Replaced: map[string]string{}, Added: map[string][]string{}, Nulls: map[string]string{},
	}
}

// placed takes an entry apart into the place of a template and the key of what
// was written there. The place is "" for an object's one template, so that the
// entry is the key alone. Else it is the path of the template and a blank follows
// it, which no key has; the steps of the path are keys, and in a list the item's
// name, groupName or component, such as spec.groups[blue].template.
func placed(entry string) (place, key string) {
	blank := strings.LastIndexByte(entry, ' ')
	return entry[:max(blank, 0)], entry[blank+1:]
}

// text gives the record as it is written.
func (r *record) text() string {
	slices.Sort(r.Created)
	members := r.members()
	r.Sum = node.Digest(RecordAnnotation, members+`,"sum":""}`)
	return members + `,"sum":` + jsonText(r.Sum) + "}"
}

// members gives the beginning of the record in JSON, up to its sum, as encoding/json
// writes it. That finds out by reflection what a record is, which takes a fiftieth of the
// time in which one Deployment is rendered.
func (r *record) members() string {
	text := fmt.Sprintf(`{"v":%d`, r.Version)
	for _, member := range []struct{ name, value string }{
		{"spec", jsonText(r.Spec)},
		{"kept", jsonObject(r.Kept, jsonText)},
		{"wrote", jsonObject(r.Wrote, jsonText)},
		{"adopted", jsonObject(r.Adopted, jsonText)},
		{"replaced", jsonObject(r.Replaced, jsonText)},
		{"added", jsonObject(r.Added, jsonArray)},
		{"created", jsonArray(r.Created)},
		{"nulls", jsonObject(r.Nulls, jsonText)},
	} {
		if len(member.value) > len(`""`) || member.name == "wrote" {
			text += `,"` + member.name + `":` + member.value
		}
	}
	return text
}

func jsonObject[V any](members map[string]V, written func(V) string) string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(members)) {
		all = append(all, jsonText(name)+":"+written(members[name]))
	}
	return "{" + strings.Join(all, ",") + "}"
}

func jsonArray(entries []string) string {
	return "[" + strings.Join(each.As(entries, jsonText), ",") + "]"
}

// jsonText gives a text as a string in JSON, in which people read < and > as they are.
func jsonText(text string) string {
	if !strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c > '~' || c == '"' || c == '\\' }) {
		return `"` + text + `"`
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(text) // strings always encode
	return strings.TrimSuffix(b.String(), "\n")
}

// errUnnamedPlace is of a record that names a template which the policy knows none of.
var errUnnamedPlace = errors.New("nothing names a pod template there")

var errUnknownRecord = errors.New("the record cannot be read")

// parseRecord reads a record. A record that is not exactly as it was written is
// an error: following one that somebody edited could take the user's own values
// away.
func parseRecord(text string) (*record, error) {
	// The version comes first: another one may have other fields.
	var form struct {
		Version int `json:"v"`
	}
	r := newRecord("")
	if err := json.Unmarshal([]byte(text), &form); err != nil {
		return nil, fmt.Errorf("this is not a record as krm-bypass writes it (%w)", err)
	}
	if form.Version < 1 || form.Version > recordVersion {
		return nil, fmt.Errorf("%w: it has version %d, and this krm-bypass knows none after %d", errUnknownRecord, form.Version, recordVersion)
	}
	if err := json.Unmarshal([]byte(text), r); err != nil {
		return nil, fmt.Errorf("this is not a record as krm-bypass writes it (%w)", err)
	}
	// What was written reads back as the same text; with an unknown field, or
	// with a key that appears twice, it does not.
	if r.text() != text || r.Wrote == nil {
		return nil, errors.New("the record was changed after it was written")
	}
	if r.Version == 1 {
		if err := r.upgrade(); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// upgrade gives a record of version 1 the form of this one.
func (r *record) upgrade() error {
	if _, later := r.Wrote[InitName]; later || r.Spec != "" {
		return errors.New("this is not a record as krm-bypass writes it (version 1 with what version 2 brought)")
	}
	r.Version = recordVersion
	if digest, wrote := r.Wrote[FormerInitEntry]; wrote {
		delete(r.Wrote, FormerInitEntry)
		r.Wrote[InitName] = digest
	}
	return nil
}

// at gives what of a record is about one template, with keys alone. An object of which
// the kind had one template when it was written may have several now: the one that it
// fits takes what has no place. With one template again, it takes what has its place.
func (r *record) at(w *Workload) *record {
	alone := w.stand.place == ""
	if alone && !r.placed() {
		return r
	}
	home := r.home(w.family)
	mine := func(place string) bool {
		return place == w.stand.place || place == "" && w == home || alone && place == w.rooted()
	}
	of := func(all map[string]string) map[string]string {
		some := map[string]string{}
		for entry, value := range all {
			if place, key := placed(entry); mine(place) {
				some[key] = value
			}
		}
		return some
	}
	one := *r
	one.Kept, one.Wrote, one.Adopted, one.Replaced, one.Added = of(r.Kept), of(r.Wrote), of(r.Adopted), of(r.Replaced), map[string][]string{}
	if added, to := r.Added[w.pullSecrets.name]; to {
		one.Added[w.pullSecrets.name] = added
	}
	return &one
}

// home gives the template in which stands what the record says without a place; the first
// where that is in none.
func (r *record) home(family []*Workload) *Workload {
	for _, w := range family {
		for entry, digest := range r.Wrote {
			place, key := placed(entry)
			value, stands := w.TemplateAnnotations[key]
			if place == "" && (stands && node.Digest(key, value) == digest || isContainer(key) && r.wroteContainer(w, key) >= 0) {
				return w
			}
		}
	}
	return family[0]
}

// placed reports whether something in the record has a place.
func (r *record) placed() bool {
	for _, entries := range []map[string]string{r.Wrote, r.Kept, r.Adopted} {
		for entry := range entries {
			if strings.Contains(entry, " ") {
				return true
			}
		}
	}
	return false
}

// record reads what an earlier run left on the object about this template.
func (w *Workload) record() (*record, error) {
	r, err := w.recordOfAll()
	if err != nil {
		return nil, err
	}
	return r.at(w), nil
}

func (w *Workload) recordOfAll() (*record, error) {
	lists := each.As(w.family, func(one *Workload) sharedList { return one.pullSecrets })
	r, err := w.Object.record(func(place string) bool {
		return place == "" || !w.kind.IsKubernetes() && (couldStand(w.kind, place) || slices.ContainsFunc(w.family, func(one *Workload) bool { return one.rooted() == place }))
	}, lists...)
	if err != nil {
		return nil, err
	}
	return r.adopted(w.family), nil
}

// record reads the record that an earlier run left on the object, an empty one
// where there is none. stands says where templates may stand, and lists are those to
// which krm-bypass may have added.
func (o *Object) record(stands func(place string) bool, lists ...sharedList) (*record, error) {
	text, recorded := o.Annotations[RecordAnnotation]
	if !recorded {
		return newRecord(""), nil
	}
	r, err := parseRecord(text)
	if err != nil {
		return nil, err
	}
	if err := r.forged(o, stands, lists); err != nil {
		return nil, err
	}
	return r, nil
}

// forged gives an error for a record that says what none of its object can say.
// Its sum proves nothing, since whoever writes the record can compute it: what is
// put back from it has to be as small as what krm-bypass ever takes away.
func (r *record) forged(o *Object, stands func(place string) bool, lists []sharedList) error {
	// gone is what was written into an item that is not there any more.
	gone := func(name string) bool { return name != "" && stands(name) }
	for _, entry := range slices.Sorted(maps.Keys(r.Wrote)) {
		if place, key := placed(entry); !stands(place) || !isContainer(key) && !writesAnywhere(key) {
			if place != "" && o.custom() {
				return fmt.Errorf("the record says that krm-bypass wrote %q, and %w for %s", entry, errUnnamedPlace, A(o.Kind))
			}
			return fmt.Errorf("the record says that krm-bypass wrote %q, which it writes nowhere here", entry)
		}
	}
	for _, entry := range slices.Sorted(maps.Keys(r.Adopted)) {
		if place, key := placed(entry); !stands(place) || key == PolicyAnnotation || !writesAnywhere(key) {
			return fmt.Errorf("the record says that krm-bypass adopted %q, which it never does here", entry)
		}
	}
	for _, entry := range slices.Sorted(maps.Keys(r.Kept)) {
		_, key := placed(entry)
		if _, wrote := r.Wrote[entry]; wrote || !writesAnywhere(key) {
			return fmt.Errorf("the record says that krm-bypass found %q as it would have written it, which it never does here", entry)
		}
	}
	for _, entry := range slices.Sorted(maps.Keys(r.Replaced)) {
		_, key := placed(entry)
		if _, wrote := r.Wrote[entry]; !wrote || isContainer(key) {
			return fmt.Errorf("the record says what was under %q, where krm-bypass wrote nothing", entry)
		}
		if source := r.Replaced[entry]; !saysString(source) && !saysNull(source) {
			return fmt.Errorf("the record says that %.40q was under %q: it can only be one string", r.Replaced[entry], entry)
		}
	}
	for _, list := range slices.Sorted(maps.Keys(r.Added)) {
		known := slices.ContainsFunc(lists, func(l sharedList) bool { return l.name == list })
		if !known && !gone(list) || len(r.Added[list]) == 0 || slices.Contains(r.Added[list], "") {
			return fmt.Errorf("the record says that krm-bypass added %q to %s, which it never does here", r.Added[list], list)
		}
	}
	for _, name := range slices.Concat(r.Created, slices.Sorted(maps.Keys(r.Nulls))) {
		if known := slices.ContainsFunc(o.parents, func(p parent) bool { return p.name == name }); !known && !gone(name) {
			return fmt.Errorf("the record says that krm-bypass created %s, which it never does here", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Nulls)) {
		if !saysNull(r.Nulls[name]) {
			return fmt.Errorf("the record says that %.40q was at %s: it can only be null", r.Nulls[name], name)
		}
	}
	return nil
}

// custom reports whether it is of a kind whose templates a specification may name.
func (o *Object) custom() bool { return !kinds.Kind{Group: object.Group(o.APIVersion)}.IsKubernetes() }

// decoded reads a text as it is put back from a record; nothing is there where
// it is not one value.
func decoded(source string) node.Value {
	value, err := edit.ReadSource(source)
	if err != nil {
		return node.Value{}
	}
	return node.Of(value)
}

func saysString(source string) bool { return decoded(source).IsString() }

// saysNull reports whether a text spells null. With the tag !!null another text
// could pass for it, which not every reader takes.
func saysNull(source string) bool {
	value := decoded(source)
	return value.IsNull() && slices.Contains([]string{"", "~", "null", "Null", "NULL"}, value.Node().Value)
}

// writesAnywhere reports whether krm-bypass writes an annotation for any mesh: the
// mesh of a record may have been another one.
func writesAnywhere(annotation string) bool {
	return annotation == PolicyAnnotation || slices.ContainsFunc(mesh.All(), func(m *mesh.Mesh) bool {
		return slices.ContainsFunc(m.Keys, func(k mesh.Key) bool { return k.Annotation == annotation })
	})
}

// isEmpty reports whether nothing was written.
func (r *record) isEmpty() bool {
	return len(r.Wrote) == 0 && len(r.Added) == 0 && len(r.Adopted) == 0
}

// annotations are the keys of those that were written, in their order.
func (r *record) annotations() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(r.Wrote)), isContainer)
}

// wroteAnnotation reports whether the template's annotation is still as it was
// written.
func (r *record) wroteAnnotation(w *Workload, key string) bool {
	value, stands := w.TemplateAnnotations[key]
	return stands && r.Wrote[key] == node.Digest(key, value)
}

// wroteContainer gives the place of the init container of that name that is still as it
// was written, -1 where there is none.
func (r *record) wroteContainer(w *Workload, name string) int {
	return slices.IndexFunc(w.initContainers, func(c container) bool {
		return slices.Contains(c.digests, r.Wrote[name])
	})
}

// recordRemedy says what to do about a record that cannot be followed.
func recordRemedy(err error) string {
	if errors.Is(err, errUnknownRecord) {
		return "use the version of krm-bypass that wrote it, or a later one"
	}
	if errors.Is(err, errUnnamedPlace) {
		return "put the entry for it into spec.podTemplates again; to take the entry away, run krm-bypass render --remove with it first. If there never was one, remove this annotation, and what krm-bypass wrote, then run again"
	}
	return "remove this annotation, and what krm-bypass wrote if it is still there, then run again"
}
