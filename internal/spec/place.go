package spec

import (
	"fmt"
	"strings"
)

// places says where the values of a text stand, by their paths.
type places struct {
	// first is the line of the file in which the text begins, 0 if it is not known.
	first int
	found map[string]place
}

// place is where a value stands: its turn in the order of the text, and its line
// in the file, 0 if that is not known.
type place struct{ turn, line int32 }

// visit notes that the value at a path comes next in the text, on the given line
// of it.
func (p *places) visit(path string, line int) {
	if p.found == nil {
		p.found = map[string]place{}
	}
	if _, known := p.found[path]; !known {
		p.found[path] = place{int32(len(p.found)), int32(p.inFile(line))}
	}
}

// inFile gives the line of the file for a line of the text.
func (p *places) inFile(line int) int {
	if p.first == 0 || line == 0 {
		return 0
	}
	return p.first + line - 1
}

// of gives the place of the value at a path, or of the innermost one around it.
func (p *places) of(path string) place {
	for ; path != ""; path = outer(path) {
		if at, known := p.found[path]; known {
			return at
		}
	}
	return p.found[""]
}

// outer gives the path around a path.
func outer(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }

// within reports whether a path is an outer one or leads on from it.
func within(path, outer string) bool {
	rest, found := strings.CutPrefix(path, outer)
	return found && (rest == "" || outer == "" || rest[0] == '.' || rest[0] == '[')
}

// join gives the path of an entry of the mapping at a path.
func join(path, step string) string {
	switch {
	case step == "" || strings.ContainsAny(step, "./"):
		return fmt.Sprintf("%s[%q]", path, step)
	case path == "":
		return step
	}
	return path + "." + step
}
