package pass

import (
	"errors"
	"fmt"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/transform"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Finding is something to tell the user.
type Finding struct {
	Severity transform.Severity
	Message  string
	// Kind is nil for what is refused in any case, and for a mere note.
	Kind *finding.Kind
	// Accepted is what accepts it, nil for nothing.
	Accepted *transform.Acceptance
	// About is the object that it is about; zero if that has no name.
	About Ref
	// Field is the path of the field that it is about, Value the value there, and
	// Proposed YAML that fixes it. Each may be "".
	Field, Value, Proposed string
	// Workloads and Ports are those of a lint.Finding.
	Workloads, Ports []string
	Place
}

// Ref names an object.
type Ref struct{ APIVersion, Kind, Namespace, Name string }

// RefOf names an object in a document.
func RefOf(o *transform.Object) Ref { return Ref{o.APIVersion, o.Kind, o.Namespace, o.Name} }

// finding locates what a plan or a check says about an object in the document.
func (d *Document) finding(of *transform.Object, f transform.Finding) Finding {
	told := Finding{Kind: f.Kind, Severity: f.Severity, Message: f.Message, Accepted: f.Accepted, About: RefOf(of)}
	path := f.Path
	if path != nil {
		told.Field, told.Value = path.String(), f.Value
	} else {
		path = of.Path()
	}
	if f.Severity == transform.Error && strings.Contains(f.Value, object.Templated) {
		told.Message += "; " + object.ErrTemplate.Error()
	}
	told.Place = d.Locate(of, path)
	return told
}

// problem locates what keeps an object of the document from being planned or
// written.
func (d *Document) problem(err error) Finding {
	head := d.list
	if head == nil {
		own := object.HeadOf(d.Nodes)
		head = &own
	}
	of := &transform.Object{File: head.Origin().File, Index: head.Origin().Index}
	told := Finding{Severity: transform.Error, Message: err.Error()}
	if head.APIVersion != "" && head.Kind != "" {
		told.About = Ref{head.APIVersion, head.Kind, head.Namespace, head.Name}
	}
	var path edit.Path
	if field := (*transform.FieldError)(nil); errors.As(err, &field) {
		path = field.Path
		told.Message, told.Field, told.Value = field.Err.Error(), path.String(), field.Value
		if len(field.Of) > 0 { // in a list it is one of many
			of = &field.Of[0].Object
			told.About = RefOf(of)
		}
	}
	told.Place = d.Locate(of, path)
	return told
}

// Locate says where the value at a path of an object is: in the item's file, or
// else in the one that an orchestrator noted. If the value is not there, the line
// is that of the innermost value around it.
func (d *Document) Locate(of *transform.Object, path edit.Path) Place {
	if at, _ := d.sourced(of, path); at.File != "" {
		return at
	}
	if d.File == "" {
		return Place{File: of.File, Index: of.Index}
	}
	at := Place{File: d.File, Index: d.Index}
	if d.Line > 0 {
		at.Line = d.Line + node.LineAt(d.Nodes, path[min(len(d.Part.Path), len(path)):]) - 1
	}
	return at
}

// sourced says where the value at a path is in the source of the item, zero if that
// has none. exact says that the same value stands there.
func (d *Document) sourced(of *transform.Object, path edit.Path) (at Place, exact bool) {
	if d.Source == nil {
		return Place{}, false
	}
	source := d.Source()
	if source == nil {
		return Place{}, false
	}
	return source.locate(d, of, path)
}

// Stands says where the value at a path of an object is, and where the item was made
// from another file, only if it stands there too.
func (d *Document) Stands(of *transform.Object, path edit.Path) Place {
	if at, exact := d.sourced(of, path); at.File != "" && !exact {
		return Place{}
	}
	return d.Locate(of, path)
}

// Broken says why an item cannot be read.
func (i *Item) Broken(err error) Finding {
	name := i.Name()
	told := Finding{Severity: transform.Error, Message: fmt.Sprintf("reading %s: %v", name, err), Place: i.Place}
	if i.Line == 0 {
		return told
	}
	// Name the line once, as that of the file.
	line, problem := yamltext.Located(err)
	if doubt := (*object.Doubt)(nil); errors.As(err, &doubt) {
		line, problem = doubt.First, doubt.In(i.Line)
	}
	told.Line = i.Line + max(line, 1) - 1
	told.Message = fmt.Sprintf("reading %s: %s", name, problem)
	return told
}

// Name names the item in messages.
func (i *Item) Name() string {
	if i.File == "" {
		return fmt.Sprintf("items[%d]", i.Index)
	}
	return "the document"
}
