package pass

import (
	"maps"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/krm-bypass/krm-bypass/internal/lint"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Pass is one application of a policy to items.
type Pass struct {
	Policy *transform.Policy
	Items  []Item
	Heads  []object.Type
	// Uses are what kustomizations make of the files that the items are from.
	Uses Uses
	// Plan takes the place of the policy's, unless nil, and then nothing else is
	// looked at and nothing written.
	Plan func(*transform.Policy, *transform.Workload) *transform.Plan
	// Planned is called for each document that may hold something to plan, as it
	// came, and Written once it is written. Both may be nil. Several goroutines
	// call them, but one for each document. They must not keep the document,
	// because there may be many.
	Planned, Written func(*Document)
	// Forgets says that Planned and Written keep nothing of a document but its Changes, and
	// none of its plans.
	Forgets bool
	// Asked says that the user asks for all there is to say, beyond what is
	// surprising.
	Asked bool
	// Progress, unless nil, is told how many items of how many are done. Its calls
	// never overlap.
	Progress func(done, total int)
	// Broken says, after a run, that an item could not be read, and Malformed that
	// an object in one could not.
	Broken, Malformed bool
	// Changes says, after a run, that it changes something.
	Changes bool
	// patched says that some of the files are patches.
	patched bool
	// namespaces are those whose annotations the mesh reads, by name.
	namespaces map[string]*Namespace
	// commons are objects that say something for many pods, and commonsIn their
	// documents by their places.
	commons   []*transform.Common
	commonsIn map[int]*Document
	// named are the objects that annotations may name.
	named named
	// Imageless are, after a run, the workloads whose init container has no image.
	// Unsayable says that no annotation can say what one of them needs.
	Imageless []Ref
	Unsayable bool
	// Reach says, after a run, whom the parts of the policy reach.
	Reach []transform.Reach
	// Includes are, after a run, the scopes that take outbound ports from what would
	// bypass.
	Includes []string
}

// outcome is what a pass keeps of a document.
type outcome struct {
	findings []Finding
	// broken says that it could not be read, malformed that an object in it could
	// not.
	broken, malformed bool
	changes           bool
	// workloads are for the checks that judge all of them together; linted is what
	// the checks of single workloads found.
	workloads []*lint.Workload
	linted    []lint.Finding
	// plans and configs are kept if the mesh has a configuration of its own, to
	// compare them.
	plans   []*transform.Plan
	configs []config
	// imageless are the workloads whose init container has no image.
	imageless []Ref
	unsayable bool
	// sightings are what is kept of the workloads.
	sightings []transform.Sighting
	includes  []string
	bystanding
}

// config is the plan for a mesh's configuration, and its document.
type config struct {
	*transform.ConfigPlan
	in *Document
}

// Run plans and writes every document, and says what there is to tell. Items do not
// depend on one another, so all processors share them.
func (p *Pass) Run() []Finding {
	findings := p.run()
	for i, f := range findings {
		if f.Kind == nil || f.Accepted != nil {
			continue
		}
		if by := p.Policy.AcceptsObject(f.Kind, f.About.APIVersion, f.About.Kind, f.About.Namespace, f.About.Name); by != nil {
			findings[i].Severity, findings[i].Accepted = transform.Info, by
		}
	}
	return findings
}

func (p *Pass) run() []Finding {
	outcomes := make([]*outcome, len(p.Items)) // nil for nothing to keep
	tick := p.counter()
	p.readNamespaces()
	p.readNamed()
	p.readCommons()
	types := p.types()
	linter := lint.New(p.Policy, p.commons, func(is func(object.Type) bool) bool { return slices.ContainsFunc(types, is) })
	p.patched = !p.blind() && p.Uses.patch()
	inParallel(len(p.Items), func(i int) {
		if p.Policy.IsCandidate(p.Heads[i]) {
			o := p.one(i, linter)
			outcomes[i] = &o
		} else if b := p.bystanders(i); b != nil {
			outcomes[i] = &outcome{bystanding: bystanding{bystanders: b}}
		}
		tick()
	})
	all := outcome{workloads: make([]*lint.Workload, 0, len(outcomes)), sightings: make([]transform.Sighting, 0, len(outcomes))}
	for _, o := range outcomes {
		if o != nil {
			all.add(o)
		}
	}
	p.Broken, p.Malformed, p.Changes, p.Includes = all.broken, all.malformed, all.changes, all.includes
	p.Imageless, p.Unsayable = all.imageless, all.unsayable
	for _, c := range all.configs {
		for _, f := range p.Policy.JudgeConfig(c.ConfigPlan, all.plans) {
			all.findings = append(all.findings, c.in.finding(&c.Config.Object, f))
		}
	}
	if p.Plan != nil {
		return append(all.findings, p.located(all.linted)...)
	}
	p.Reach = p.Policy.Reach(append(all.sightings, p.accepted()...), p.types())
	all.linted = append(p.judge(linter, &all), p.tell(&all.bystanding)...)
	return slices.Concat(p.incomplete(), all.findings, p.located(all.linted))
}

// one plans and writes one item.
func (p *Pass) one(i int, linter *lint.Linter) outcome {
	d, err := p.Items[i].read(i)
	if err != nil {
		return outcome{broken: true, findings: []Finding{p.Items[i].Broken(err)}}
	}
	if p.Plan == nil {
		d.planConfigs(p.Policy)
		d.planWorkloads(p.Policy, p.Uses, (*transform.Policy).PlanAll)
	} else {
		d.planWorkloads(p.Policy, p.Uses, func(policy *transform.Policy, workloads []*transform.Workload) []*transform.Plan {
			plans := make([]*transform.Plan, len(workloads))
			for i, w := range workloads {
				plans[i] = p.Plan(policy, w)
			}
			return plans
		})
	}
	d.lookBeside(p)
	if p.Planned != nil {
		p.Planned(d)
	}
	d.write()
	if p.Written != nil {
		p.Written(d)
	}
	var o outcome
	if !d.failed {
		o.workloads, o.linted = linter.Look(d.Workloads, node.Of(d.Nodes), i)
	}
	if p.Policy.Mesh.Config != nil {
		o.plans = d.Workloads
	}
	for _, plan := range d.Configs {
		o.configs = append(o.configs, config{plan, d})
	}
	for _, plan := range slices.Concat(d.Workloads, d.Refused) {
		sighting := p.Policy.Sight(plan)
		sighting.Original = d.originalName(plan)
		o.sightings = append(o.sightings, sighting)
	}
	for _, plan := range d.Workloads {
		o.includes = append(o.includes, plan.Includes()...)
		if plan.Imageless {
			o.imageless = append(o.imageless, RefOf(&plan.Workload.Object))
			o.unsayable = o.unsayable || len(plan.Gaps) > 0
		}
	}
	o.findings, o.malformed, o.changes = d.findings, d.misread, len(d.Edits) > 0
	o.bystanding = p.bystandingOf(d)
	if p.Forgets && len(o.plans)+len(o.configs)+len(d.Bystanders)+len(o.overlays) == 0 {
		d.release() // nothing that is kept of it holds a node
	}
	return o
}

func (o *outcome) add(other *outcome) {
	o.findings = append(o.findings, other.findings...)
	o.broken, o.malformed = o.broken || other.broken, o.malformed || other.malformed
	o.changes = o.changes || other.changes
	o.workloads = append(o.workloads, other.workloads...)
	o.linted = append(o.linted, other.linted...)
	o.plans = append(o.plans, other.plans...)
	o.configs = append(o.configs, other.configs...)
	o.imageless = append(o.imageless, other.imageless...)
	o.unsayable = o.unsayable || other.unsayable
	o.sightings = append(o.sightings, other.sightings...)
	for _, scope := range other.includes {
		if !slices.Contains(o.includes, scope) {
			o.includes = append(o.includes, scope)
		}
	}
	o.bystanding.add(other.bystanding)
}

// types gives the types of the items, each once.
func (p *Pass) types() []object.Type {
	known := map[object.Type]bool{}
	for _, h := range p.Heads {
		known[h] = true
	}
	return slices.Collect(maps.Keys(known))
}

// counter gives a function that counts the items that are done.
func (p *Pass) counter() (tick func()) {
	if p.Progress == nil {
		return func() {}
	}
	var mu sync.Mutex
	done := 0
	return func() {
		mu.Lock()
		defer mu.Unlock()
		done++
		p.Progress(done, len(p.Items))
	}
}

// inParallel calls a function for each of n places. All processors share them if
// there are many; a short list is not worth a thread.
func inParallel(n int, each func(int)) {
	var next atomic.Int64
	work := func() {
		for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
			each(i)
		}
	}
	var others sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n/64) - 1 {
		others.Go(work)
	}
	work()
	others.Wait()
}
