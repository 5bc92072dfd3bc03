package cluster

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/admission"
	known "github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/transform"
	"github.com/krm-bypass/krm-bypass/test/cluster/controlplane"
)

const digest = "0123456789abcdef"

// asModelled compares what the server says of an object with the model.
func asModelled(t *testing.T, faults []fault, said, format string, about ...any) {
	t.Helper()
	what := fmt.Sprintf(format, about...)
	if !assert.Equal(t, len(faults) > 0, said != "", "%s: %v: %q", what, faults, said) {
		return
	}
	// The server gives the first of several reasons.
	order := []string{"carries", "with another value", "with other args or another command", "does not carry", "disagree", "lets its application bypass", "has the init container"}
	i := slices.IndexFunc(order, func(says string) bool {
		return slices.ContainsFunc(faults, func(f fault) bool { return f.says == says })
	})
	for _, f := range faults {
		if f.says == order[i] && len(said) < 3900 {
			assert.Contains(t, said, f.says, what)
			assert.Contains(t, said, f.key, what)
			assert.Contains(t, said, strings.TrimSuffix("the pod template "+f.place, " "), what)
		}
	}
}

// drawing draws objects that have pod templates wherever their kind may have them.
type drawing struct{ *rand.Rand }

func (d drawing) oneOf(of ...any) any { return of[d.IntN(len(of))] }

func (d drawing) object(kind known.Kind, name string) controlplane.Object {
	object := controlplane.Object{
		"apiVersion": kind.Group + "/v1", "kind": kind.Kind,
		"metadata": map[string]any{"name": name, "namespace": "drawn", "annotations": map[string]any{}},
	}
	for _, t := range kind.Templates {
		d.grow(map[string]any(object), t.Place())
	}
	for _, t := range kind.Templates {
		for _, steps := range reached(map[string]any(object), t.Place(), nil) {
			d.template(object, t, steps)
		}
	}
	d.record(kind, object)
	return object
}

// grow makes lists and maps on the way to a template, in which there are none yet.
func (d drawing) grow(fields map[string]any, path known.Path) {
	for i, step := range path[:max(len(path)-1, 0)] {
		next := path[i+1]
		switch {
		case next.Items:
			if fields[step.Key] == nil {
				items := make([]any, d.IntN(4))
				for i := range items {
					items[i] = map[string]any{}
					if key := d.oneOf("name", "groupName", "component", ""); key != "" {
						items[i].(map[string]any)[key.(string)] = d.oneOf("blue", "green", "red", "a.b", "7", `x"] \`, "a=b&c+%", "", 3)
					}
				}
				fields[step.Key] = items
			}
			for _, item := range fields[step.Key].([]any) {
				d.grow(item.(map[string]any), path[i+2:])
			}
			return
		case next.Many():
			for range d.IntN(3) {
				below(fields, step.Key, d.oneOf("Master", "Worker", "a.b", `x"] \`).(string))
			}
			for _, key := range slices.Sorted(maps.Keys(below(fields, step.Key))) {
				d.grow(below(fields, step.Key, key), path[i+2:])
			}
			return
		}
		fields = below(fields, step.Key)
	}
}

// template writes one, or parts of one, to a place.
func (d drawing) template(object controlplane.Object, t known.Template, steps []any) {
	annotations, containers := append(slices.Clone(steps), "metadata", "annotations"), append(slices.Clone(steps), "spec", "initContainers")
	if t.Annotations != nil {
		annotations, containers = instead(t.Annotations, steps), instead(t.InitContainers, steps)
	}
	switch d.IntN(6) {
	case 0: // absent
	case 1:
		put(object, annotations, d.oneOf(nil, map[string]any{}, map[string]any{"prometheus.io/scrape": "true"}, map[string]any{markerAnnotation: "v1:1"}))
	case 2:
		put(object, annotations, d.oneOf(map[string]any{inboundPorts: "443"}, map[string]any{"config.linkerd.io/skip-inbound-ports": "443", "a": "b"}, map[string]any{markerAnnotation: "v1:1", outboundPorts: "443"}))
	default:
		put(object, annotations, map[string]any{inboundPorts: "7001", markerAnnotation: "v1:1"})
		if len(containers) > 0 && d.IntN(2) == 0 {
			first, last, other := map[string]any{"name": transform.InitName}, map[string]any{"name": transform.CloseName}, map[string]any{"name": "migrate"}
			toGoOn := map[string]any{"name": transform.CloseName, "args": []any{"apply", "--on-failure=continue"}}
			another := map[string]any{"name": transform.CloseName, "command": []any{"/bin/true"}, "args": []any{"apply"}}
			put(object, containers, d.oneOf([]any{first}, []any{first, other}, []any{first, other, last}, []any{first, last, other}, []any{first, toGoOn}, []any{first, another}))
		}
	}
}

// put writes a value where the steps lead.
func put(object controlplane.Object, steps []any, value any) {
	var parent any = map[string]any(object)
	for _, step := range steps[:len(steps)-1] {
		if key, isKey := step.(string); isKey && at(parent, step) == nil {
			parent.(map[string]any)[key] = map[string]any{}
		}
		parent = at(parent, step)
	}
	parent.(map[string]any)[steps[len(steps)-1].(string)] = value
}

// record writes one of the templates that have a marker, now and then with a mistake.
func (d drawing) record(kind known.Kind, object controlplane.Object) {
	wrote, adopted := map[string]string{}, map[string]string{}
	bare := d.IntN(8) == 0 // as from when the kind had one template
	for i, s := range standings(kind, object) {
		if s.annotations[markerAnnotation] == nil || d.IntN(12) == 0 {
			for key := range s.annotations {
				if d.IntN(3) == 0 {
					adopted[strings.TrimPrefix(s.place+" ", " ")+key] = digest
				}
			}
			continue
		}
		prefix := s.place + " "
		if s.place == "" || bare && i == 0 {
			prefix = ""
		}
		for key := range s.annotations {
			if d.IntN(16) > 0 {
				wrote[prefix+key] = digest
			}
		}
		if len(s.containers) > 0 != (d.IntN(16) == 0) {
			wrote[prefix+transform.InitName] = digest
		}
		if d.IntN(12) == 0 || slices.ContainsFunc(s.containers, func(c any) bool { return at(c, "name") == transform.CloseName }) {
			wrote[prefix+transform.CloseName] = digest
		}
		if d.IntN(16) == 0 {
			wrote[prefix+outboundPorts] = digest
		}
	}
	if d.IntN(12) == 0 {
		return
	}
	var kept map[string]string
	if d.IntN(4) == 0 && len(wrote) > 0 {
		key := slices.Sorted(maps.Keys(wrote))[0]
		kept = map[string]string{key: wrote[key]}
		delete(wrote, key)
	}
	for key := range wrote {
		if d.IntN(24) == 0 {
			adopted[key] = "fedcba9876543210"
		}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(struct {
		Version int               `json:"v"`
		Spec    string            `json:"spec,omitempty"`
		Kept    map[string]string `json:"kept,omitempty"`
		Wrote   map[string]string `json:"wrote"`
		Adopted map[string]string `json:"adopted,omitempty"`
		Sum     string            `json:"sum"`
	}{2, "cluster", kept, wrote, adopted, "0"})
	recordOf(object)[recordAnnotation] = strings.TrimSpace(b.String())
}

// change makes of an object what somebody might make of it.
func (d drawing) change(kind known.Kind, object controlplane.Object) controlplane.Object {
	text, _ := json.Marshal(object)
	var changed controlplane.Object
	_ = json.Unmarshal(text, &changed)
	for range 1 + d.IntN(2) {
		all := standings(kind, changed)
		if len(all) == 0 {
			break
		}
		one := all[d.IntN(len(all))]
		switch d.IntN(10) {
		case 7, 8:
			if len(one.containers) > 0 {
				maps.Copy(d.oneOf(one.containers...).(map[string]any), d.oneOf(
					map[string]any{"args": []any{"apply", "--exclude-outbound-ports=443"}}, map[string]any{"args": []any{"show"}}, map[string]any{"command": []any{"/bin/true"}},
					map[string]any{"image": "another"}, map[string]any{"name": transform.InitName}, map[string]any{"name": transform.CloseName}).(map[string]any))
			}
		case 9:
			if len(one.toContainers) > 0 {
				put(changed, one.toContainers, append(slices.Clone(one.containers), map[string]any{"name": d.oneOf(transform.InitName, transform.CloseName, "migrate")}))
			}
		case 0:
			maps.Copy(one.annotations, map[string]any{}) // nothing
		case 1, 2:
			if one.annotations != nil {
				one.annotations[d.oneOf(inboundPorts, outboundPorts).(string)] = "443"
			}
		case 3:
			delete(one.annotations, d.oneOf(inboundPorts, markerAnnotation).(string))
		case 4:
			recordOf(changed)[recordAnnotation] = strings.ReplaceAll(changed.Text("metadata", "annotations", recordAnnotation), digest, "fedcba9876543210")
		default:
			for i, step := range one.steps {
				if _, isItem := step.(int); isItem {
					items := at(map[string]any(changed), one.steps[:i]...).([]any)
					d.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
					if d.IntN(3) == 0 {
						put(changed, one.steps[:i], append([]any{map[string]any{"name": "front"}}, items...))
					}
					break
				}
			}
		}
	}
	return changed
}

// drawnObjects compares the policy with its model on objects of the kinds whose templates
// stand in several places, in lists and maps, or in parts.
func drawnObjects(t *testing.T) {
	agreeDrawn(t, slices.DeleteFunc(slices.Clone(known.Known()), func(k known.Kind) bool { return ofKubernetes(k.Group) || len(k.Templates) == 0 }), 2)
}

func agreeDrawn(t *testing.T, all []known.Kind, each int) {
	const seed = 16
	d := drawing{rand.New(rand.NewPCG(seed, seed))}
	var objects []controlplane.Object
	var of []known.Kind
	for _, kind := range all {
		for i := range each {
			object := d.object(kind, fmt.Sprintf("drawn-%d-%d", each, i))
			if len(standings(kind, object)) == 0 {
				continue
			}
			objects, of = append(objects, object), append(of, kind)
		}
	}
	prepare(t, objects)
	var passed, refused int
	count := func(said string) {
		if said == "" {
			passed++
		} else {
			refused++
		}
	}
	for _, object := range objects {
		said := refusal(t, object)
		asModelled(t, modelled(object, nil), said, "new: %s", text(object))
		count(said)
	}
	kubectl(t, "", "label", "namespace/drawn", admission.Exemption+"=ignore")
	byHand := annotated("Deployment")
	below(byHand, "metadata")["namespace"] = "drawn"
	await(t, "the namespace is exempt", func() bool { return refusal(t, byHand) == "" })
	var made []controlplane.Object
	for _, object := range objects {
		made = append(made, create(t, object))
	}
	kubectl(t, "", "label", "namespace/drawn", admission.Exemption+"-")
	await(t, "the namespace is not exempt any more", func() bool { return refusal(t, byHand) != "" })
	for i, object := range made {
		for range each {
			changed := d.change(of[i], object)
			_, err := server.Request(t.Context(), http.MethodPut, pathOf(t, object)+"/"+object.Text("metadata", "name")+"?dryRun=All", changed)
			said := ofPolicy(t, err)
			asModelled(t, modelled(changed, object), said, "%s\nwas %s", text(changed), text(object))
			count(said)
		}
	}
	t.Logf("the server takes %d drawn objects of %d kinds as the model of the policy does, and refuses %d (seed %d)", passed, len(all), refused, seed)
	assert.Greater(t, passed, refused/4)
	assert.Greater(t, refused, passed/4)
}

func text(object controlplane.Object) string {
	text, _ := json.Marshal(object)
	return string(text)
}

// rayCluster has a template of its head and one of each group, with these annotations,
// and a record of all that has a marker.
func rayCluster(head map[string]any, groups map[string]map[string]any) controlplane.Object {
	object := controlplane.Object{"apiVersion": "ray.io/v1", "kind": "RayCluster", "metadata": map[string]any{"name": "web", "namespace": "default"}}
	maps.Copy(below(object, "spec", "headGroupSpec", "template", "metadata", "annotations"), head)
	var items []any
	for _, name := range slices.Sorted(maps.Keys(groups)) {
		items = append(items, map[string]any{"groupName": name, "template": map[string]any{"metadata": map[string]any{"annotations": groups[name]}}})
	}
	below(object, "spec")["workerGroupSpecs"] = items
	wrote := map[string]string{}
	kind, _ := kindOf(object)
	for _, s := range standings(kind, object) {
		for key := range s.annotations {
			if s.annotations[markerAnnotation] != nil {
				wrote[s.place+" "+key] = digest
			}
		}
	}
	text, _ := json.Marshal(wrote)
	recordOf(object)[recordAnnotation] = `{"v":2,"spec":"cluster","wrote":` + string(text) + `,"sum":"0"}`
	return object
}

// severalTemplates are judged each by itself, however many there are.
func severalTemplates(t *testing.T) {
	ours := map[string]any{inboundPorts: "7001", markerAnnotation: "v1:1"}
	byHand := map[string]any{inboundPorts: "443"}
	prepare(t, []controlplane.Object{rayCluster(nil, nil)})
	assert.Empty(t, refusal(t, rayCluster(ours, map[string]map[string]any{"small": ours, "big": nil})))
	assert.Equal(t, "the pod template spec.workerGroupSpecs[small].template carries "+inboundPorts+", which krm-bypass did not write: say it in the ClusterBypass and run krm-bypass on the manifest, or remove it",
		refusal(t, rayCluster(ours, map[string]map[string]any{"small": byHand, "big": ours})))
	assert.Contains(t, refusal(t, rayCluster(byHand, map[string]map[string]any{"small": byHand, "big": ours})),
		"the pod template spec.headGroupSpec.template carries "+inboundPorts+"; the pod template spec.workerGroupSpecs[small].template carries "+inboundPorts+", which")

	// As from when the kind had one template, by a specification.
	first := rayCluster(maps.Clone(ours), map[string]map[string]any{"small": nil})
	recordOf(first)[recordAnnotation] = strings.ReplaceAll(first.Text("metadata", "annotations", recordAnnotation), "spec.headGroupSpec.template ", "")
	assert.Empty(t, refusal(t, first))
	maps.Copy(below(first, "spec", "headGroupSpec", "template", "metadata", "annotations"), map[string]any{outboundPorts: "443"})
	assert.Contains(t, refusal(t, first), "the pod template spec.headGroupSpec.template carries "+outboundPorts)

	many := map[string]map[string]any{}
	for i := range 400 {
		many[fmt.Sprintf("group-%d", i)] = ours
	}
	assert.Empty(t, refusal(t, rayCluster(ours, many)))
	many["group-7"] = byHand
	assert.Contains(t, refusal(t, rayCluster(ours, many)), "spec.workerGroupSpecs[group-7].template carries "+inboundPorts+", which")
	for name := range many {
		many[name] = byHand
	}
	assert.Contains(t, refusal(t, rayCluster(nil, many)), "which krm-bypass did not write", "the server takes no long message")
	for i := range 1025 {
		many[fmt.Sprintf("group-%d", i)] = nil
	}
	assert.Contains(t, refusal(t, rayCluster(nil, many)), "index out of bounds")
}

// renderedPlaces pass as krm-bypass writes them, whatever the items are called, and only
// with their record.
func renderedPlaces(t *testing.T) {
	const templated = `template: {metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: app}]}}`
	manifests := map[string]string{
		"ray.io/v1 RayCluster": `{headGroupSpec: {` + templated + `}, workerGroupSpecs: [{groupName: blue, ` + templated + `}, {groupName: a.b, ` + templated + `}, {groupName: "7", ` + templated + `},
  {groupName: twice, ` + templated + `}, {groupName: twice, ` + templated + `}, {` + templated + `}, {groupName: "a=b&c+%;#", ` + templated + `}, {groupName: 'x"] \', ` + templated + `}]}`,
		"kubeflow.org/v1 PyTorchJob":                        `{pytorchReplicaSpecs: {Master: {` + templated + `}, a.b: {` + templated + `}, 'x"] \': {` + templated + `}}}`,
		"batch.volcano.sh/v1alpha1 CronJob":                 `{jobTemplate: {spec: {tasks: [{name: a, ` + templated + `}, {name: b, ` + templated + `}]}}}`,
		"acid.zalan.do/v1 postgresql":                       `{teamId: a}`,
		"opensearch.opster.io/v1 OpenSearchCluster":         `{general: {serviceName: web}, nodePools: [{component: masters, replicas: 3}, {component: data, replicas: 2}]}`,
		"postgresql.cnpg.io/v1 Cluster":                     `{instances: 3}`,
		"kafka.strimzi.io/v1beta2 Kafka":                    `{kafka: {replicas: 3}, entityOperator: {}}`,
		"example.com/v1 NotKnown":                           `{` + templated + `}`,
		"clickhouse.altinity.com/v1 ClickHouseInstallation": `{templates: {podTemplates: [{name: a, spec: {containers: [{name: app, image: app}]}}, {name: b, spec: {containers: [{name: app, image: app}]}}]}}`,
	}
	var objects []controlplane.Object
	for name, spec := range manifests {
		apiVersion, kind, _ := strings.Cut(name, " ")
		manifest := "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata: {name: web, namespace: default, generateName: web-}\nspec: " + spec + "\n"
		all := "{global: {excludeInboundPorts: [7001]}, workloads: [{match: {kinds: [" + kind + "]}, excludeOutboundPorts: [3306]}], enforcement: {mode: AnnotationsOnly}}"
		if kind == "NotKnown" {
			all = "{global: {excludeInboundPorts: [7001]}, podTemplates: [{apiVersion: example.com/v1, kind: NotKnown, path: spec.template}], enforcement: {mode: AnnotationsOnly}}"
		}
		for _, mode := range []string{"AnnotationsOnly", "InitContainer"} {
			objects = append(objects, manifestsOf(t, rendered(t, strings.ReplaceAll(all, "AnnotationsOnly", mode), manifest))...)
		}
	}
	prepare(t, objects)
	for _, object := range objects {
		kind, judged := kindOf(object)
		record := entries(object)
		require.NotEmpty(t, record, "%s: %s", object.Text("kind"), text(object))
		assert.Empty(t, refusal(t, object), "%s: %s", object.Text("kind"), text(object))
		for _, s := range standings(kind, object) {
			if s.annotations[inboundPorts] != nil && s.place != "" {
				assert.Contains(t, record, s.place+" "+inboundPorts)
			}
		}
		delete(recordOf(object), recordAnnotation)
		assert.Equal(t, judged, refusal(t, object) != "", "%s without its record", object.Text("kind"))
	}
}

// laidOver are annotations of an object, over which the operator lays those of its
// templates. They count in the templates that do not say them.
func laidOver(t *testing.T) {
	const by = ", which krm-bypass did not write: say it in the ClusterBypass and run krm-bypass on the manifest, or remove it"
	for _, test := range []struct{ kind, over, own, spec, metadata, said string }{
		{"serving.kserve.io/v1beta1 InferenceService", "metadata.annotations", "7001", "{predictor: {minReplicas: 1}, transformer: {minReplicas: 1}}", "annotations: {%s}", ""},
		{"serving.kserve.io/v1beta1 InferenceService", "metadata.annotations", "7001", "{predictor: {minReplicas: 1}}", "annotations: {%s}", ""},
		{"pgv2.percona.com/v2 PerconaPGCluster", "spec.metadata.annotations", "7001", "{metadata: {annotations: {%s}}, instances: [{name: one, replicas: 2}, {name: two}], proxy: {pgBouncer: {replicas: 2}}}", "", ""},
		{"pgv2.percona.com/v2 PerconaPGCluster", "spec.metadata.annotations", "7001", "{metadata: {annotations: {%s}}, instances: []}", "", "nothing has it"},
	} {
		apiVersion, kind, _ := strings.Cut(test.kind, " ")
		of := func(annotations string) string {
			manifest := "apiVersion: " + apiVersion + "\nkind: " + kind + "\nmetadata: {name: web, namespace: default, " + test.metadata + "}\nspec: " + test.spec + "\n"
			return strings.ReplaceAll(strings.ReplaceAll(manifest, ", }", "}"), "%s", annotations)
		}
		byHand := manifestsOf(t, of(inboundPorts+`: "443"`))
		prepare(t, byHand)
		assert.Empty(t, refusal(t, manifestsOf(t, of("a: b"))[0]), test.kind)
		if test.said != "" {
			assert.Empty(t, refusal(t, byHand[0]), test.kind)
			continue
		}
		assert.Equal(t, "the pod template with "+test.over+" carries "+inboundPorts+by, refusal(t, byHand[0]), test.kind)
		// What every template says for itself does not count from there.
		for _, beneath := range []string{inboundPorts + `: "443"`, "a: b"} {
			written := manifestsOf(t, rendered(t, "{global: {excludeInboundPorts: [7001]}, merge: Union, enforcement: {mode: AnnotationsOnly}}", of(beneath)))[0]
			assert.Empty(t, refusal(t, written), "%s: %s", test.kind, text(written))
		}
	}
}

// operators keep what they make as their custom resource says. A hand on it is judged, and
// so is what a service account does to anything else.
func operators(t *testing.T) {
	object := workload("apps/v1", kinds["apps/v1 StatefulSet"], nil)
	update := func(owner, user string) string {
		below(object, "metadata")["name"] = owner
		patch := text(patched(template, map[string]any{inboundPorts: "443"}))
		output, err := server.Kubectl(t.Context(), "", "patch", "statefulset/"+owner, "--as="+user, "--as-group=system:masters", "--dry-run=server", "--type=merge", "--patch="+patch)
		require.NoError(t, err)
		return output.Stderr
	}
	defer kubectl(t, "", "delete", "statefulset", "search", "set", "free", "--ignore-not-found", "--cascade=foreground", "--timeout=60s")
	for _, name := range []string{"search", "set", "free"} {
		below(object, "metadata")["name"] = name
		delete(below(object, "metadata"), "ownerReferences")
		owner := map[string]string{"search": "elasticsearch.k8s.elastic.co/v1", "set": "apps/v1"}[name]
		if owner != "" {
			below(object, "metadata")["ownerReferences"] = ownedBy(controlplane.Object{"apiVersion": owner, "kind": "Owner", "metadata": map[string]any{"name": "owner", "uid": "0c5c3f4e-0000-4000-8000-000000000000"}})
		}
		create(t, object)
	}
	const operator = "system:serviceaccount:elastic-system:operator"
	assert.Empty(t, update("search", operator))
	for _, other := range [][2]string{{"search", "jane"}, {"set", operator}, {"free", operator}} {
		assert.Contains(t, update(other[0], other[1]), "carries "+inboundPorts+", which krm-bypass did not write", "%v", other)
	}
}

// placesOfSpec puts the policy in with places that a specification names: several of a
// kind, lists in lists, maps in maps, parts, and one more of a kind that is known.
func placesOfSpec(t *testing.T) {
	spec := filepath.Join(t.TempDir(), "bypass.yaml")
	require.NoError(t, os.WriteFile(spec, []byte(`apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  podTemplates:
  - {apiVersion: drawn.example/v1, kind: Grid, path: "spec.rows[*].cells[*].template"}
  - {apiVersion: drawn.example/v1, kind: Grid, path: spec.head.template}
  - {apiVersion: drawn.example/v1, kind: Tree, path: "spec.branches.*.leaves.*.template"}
  - {apiVersion: drawn.example/v1, kind: Tree, annotations: "spec.roots[*].metadata.annotations", initContainers: "spec.roots[*].before"}
  - {apiVersion: ray.io/v1, kind: RayCluster, path: spec.more.template}
`), 0o600))
	policyKinds = slices.Concat(slices.DeleteFunc(slices.Clone(known.Known()), func(k known.Kind) bool { return k.Kind == "RayCluster" }), []known.Kind{
		{Group: "drawn.example", Kind: "Grid", Templates: []known.Template{{Path: path(t, "spec.rows[*].cells[*].template")}, {Path: path(t, "spec.head.template")}}},
		{Group: "drawn.example", Kind: "Tree", Templates: []known.Template{{Path: path(t, "spec.branches.*.leaves.*.template")}, {Annotations: path(t, "spec.roots[*].metadata.annotations"), InitContainers: path(t, "spec.roots[*].before")}}},
		{Group: "ray.io", Kind: "RayCluster", Templates: []known.Template{{Path: path(t, "spec.headGroupSpec.template")}, {Path: path(t, "spec.workerGroupSpecs[*].template")}, {Path: path(t, "spec.more.template")}}},
	})
	defer func() { policyKinds = known.Known() }()
	kubectl(t, krmBypass(t, "schema", "--admission-policy", "--spec", spec), "apply", "--server-side", "-f", "-")
	tree := controlplane.Object{"apiVersion": "drawn.example/v1", "kind": "Tree", "metadata": map[string]any{"name": "web", "namespace": "default"}}
	put(tree, []any{"spec", "branches", "a", "leaves", "b", "template", "metadata", "annotations", inboundPorts}, "443")
	prepare(t, []controlplane.Object{tree})
	await(t, "the places are known", func() bool { return refusal(t, tree) != "" })
	assert.Contains(t, refusal(t, tree), "the pod template spec.branches.a.leaves.b.template carries "+inboundPorts+", which krm-bypass did not write")
	agreeDrawn(t, policyKinds[len(policyKinds)-3:], 10)
	typesFit(t)
}

func path(t *testing.T, text string) known.Path {
	t.Helper()
	path, err := known.ParsePath(text)
	require.NoError(t, err)
	return path
}
