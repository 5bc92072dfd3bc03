package transform

import (
	"errors"
	"fmt"
	"maps"

	"github.com/krm-bypass/krm-bypass/internal/node"
)

// recordRemedy says what to do about a record that cannot be followed.
func recordRemedy(err error) string {
	if errors.Is(err, errUnknownRecord) {
		return "use the version of krm-bypass that wrote it, or a later one"
	}
	return "remove this annotation, and what krm-bypass wrote if it is still there, then run again"
}

// prior is the workload as it was before the function last wrote to it.
type prior struct {
	record *record
	// annotations are those of the template that are the user's, by decoded
	// value.
	annotations map[string]string
	// sources holds the text of those of them that are overwritten.
	sources map[string]string
	// container is the place of our init container, -1 if there is none.
	container int
}

func priorOf(w *Workload) (*prior, error) {
	p := &prior{record: newRecord(), annotations: maps.Clone(w.TemplateAnnotations), sources: map[string]string{}, container: -1}
	text, recorded := w.Annotations[RecordAnnotation]
	if !recorded {
		return p, nil
	}
	r, err := parseRecord(text)
	if err != nil {
		return nil, err
	}
	if err := r.fits(w); err != nil {
		return nil, err
	}
	p.record = r
	p.container = r.wroteContainer(w)
	for key := range r.Wrote {
		if !r.wroteAnnotation(w, key) {
			continue
		}
		delete(p.annotations, key)
		if hidden, merged := w.mergedAnnotations[key]; merged {
			p.annotations[key] = hidden
		}
		source, replaced := r.Replaced[key]
		if !replaced {
			continue
		}
		value, err := decodeScalar(source)
		if err != nil {
			return nil, fmt.Errorf("reading what the record says was under %s: %w", key, err)
		}
		p.annotations[key], p.sources[key] = value, source
	}
	return p, nil
}

func decodeScalar(source string) (string, error) {
	// Behind a key, so that a block scalar's indentation is understood.
	document, err := node.Parse([]byte("value: " + source + "\n"))
	if err != nil {
		return "", err
	}
	value := node.Of(document).Entry("value")
	if !value.IsScalar() {
		return "", errors.New("not a string")
	}
	return value.Text(), nil
}
