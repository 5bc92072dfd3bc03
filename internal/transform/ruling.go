package transform

import (
	"encoding/binary"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// ruling is what the scopes that speak of a workload and its own annotations come to, and
// what is written for it. Nothing else of the workload decides it.
type ruling struct {
	fold     Fold
	settings traffic.Settings
	// initial is what there is beside the fold while init containers run, and initially
	// the settings then.
	initial   Fold
	initially traffic.Settings
	sayable   traffic.Layer
	gaps      []mesh.Gap
	// more are the fields in which the mesh's own configuration bypasses more.
	more []mesh.Gap
	// policy is the value of the policy annotation.
	policy string
	// says are the mesh's annotations for a template that has none of them, and all
	// what is written there with them.
	says, all desired
	// container gives the init container, and closes the last one; ends gives one that
	// ends connections, too.
	container, closes, ends func() made
	// drafts are edits for objects that get nothing else.
	drafts kept[situation, []edit.Edit]
}

// made is a value to be written, and its digest.
type made struct {
	node   *yaml.Node
	digest string
}

// rule decides what is written by the scopes that speak of a workload, and what it says
// itself. Most workloads say nothing themselves, and the same scopes speak of many.
func (p *Policy) rule(s said, user traffic.Layer, on *mesh.Mesh) *ruling {
	if p.rulings == nil || !user.IsZero() || p.Mesh.On(on.Plane()) != on {
		return p.ruling(s, user, on)
	}
	var room [64]byte
	key := room[:0]
	for _, scope := range s.scopes {
		key = append(binary.AppendUvarint(key, uint64(scope.place)), scope.numbers...)
	}
	return p.rulings.of(ruled{on, string(key)}, func() *ruling { return p.ruling(s, user, on) })
}

func (p *Policy) ruling(s said, user traffic.Layer, on *mesh.Mesh) *ruling {
	fold := append(make(Fold, 0, len(s.scopes)+2), p.itself(on))
	for _, scope := range s.scopes {
		fold = fold.narrowed(scope.Path, scope.Layer, scope.Merge)
		fold[len(fold)-1].names = scope.Names
	}
	r := &ruling{fold: fold.narrowed("", user, p.Merge)}
	p.restate(r.fold)
	r.settings = r.fold.Layer().Settings()
	r.sayable, r.gaps = on.Express(r.settings, p.wide())
	r.more = on.Irrevocable(r.settings, r.sayable, p.MeshDefaults)
	r.start(s.scopes)
	r.policy = policyVersion + node.Digest(r.effective())
	r.says, r.all = p.annotated(r, on, nil), p.annotated(r, on, nil)
	r.all.annotate(PolicyAnnotation, r.policy)
	r.says.of = r
	r.container = p.Enforcement.making(InitName, r.initially)
	r.closes, r.ends = p.Enforcement.making(CloseName, r.settings), p.Enforcement.making(CloseName, r.settings, endConnections)
	return r
}

// making gives an init container as soon as somebody asks for it.
func (e Enforcement) making(name string, s traffic.Settings, flags ...string) func() made {
	return sync.OnceValue(func() made {
		container := e.container(name, append(flags, s.Arguments()...))
		return made{container, node.Of(container).Digest()}
	})
}

// kept are values that many workloads have in common, each made once.
type kept[K comparable, V any] struct {
	lock sync.RWMutex
	all  map[K]V
}

// mostKept is how many are kept. Those beyond are made each time.
const mostKept = 1 << 10

func (k *kept[K, V]) of(key K, of func() V) V {
	k.lock.RLock()
	value, known := k.all[key]
	k.lock.RUnlock()
	if known {
		return value
	}
	value = of()
	k.lock.Lock()
	defer k.lock.Unlock()
	if k.all == nil {
		k.all = map[K]V{}
	}
	if len(k.all) < mostKept {
		k.all[key] = value
	}
	return value
}

// ruled is what decides a ruling for workloads that say nothing themselves: the mesh as the
// pods have it, and the places of the scopes.
type ruled struct {
	on     *mesh.Mesh
	scopes string
}
