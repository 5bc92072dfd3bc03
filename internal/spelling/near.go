package spelling

import "strings"

// Near reports whether a name is likely another one misspelt: one slip of the fingers
// apart (a letter more, less, another one, or two swapped), and long enough that few
// names are by chance. Numbers tell names apart on purpose, and so do parts of one
// or two letters (worker-a and worker-b, db-ro and db-rw).
func Near(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	same := 0
	for same < len(a) && a[same] == b[same] {
		same++
	}
	restA, restB := a[same:], b[same:]
	long, doubled := len(a) >= 5, false
	switch {
	case len(b)-len(a) == 1 && restA == restB[1:]:
		if isDigit(restB[0]) {
			return false
		}
		doubled = same > 0 && b[same-1] == b[same]
	case len(b) != len(a) || len(restA) == 0:
		return false
	case restA[1:] == restB[1:]:
		if isDigit(restA[0]) && isDigit(restB[0]) {
			return false
		}
	case len(restA) > 1 && restA[0] == restB[1] && restA[1] == restB[0] && restA[2:] == restB[2:]:
		if isDigit(restA[0]) && isDigit(restA[1]) {
			return false
		}
	default:
		return false
	}
	// A letter that is there twice makes hardly ever another name.
	return (long || doubled && len(a) >= 3) && max(segment(a, same), segment(b, same)) > 2
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// segment gives how many letters the part of a name at a place has.
func segment(name string, at int) int {
	const ends = "-./_"
	at = min(at, len(name))
	from := strings.LastIndexAny(name[:at], ends) + 1
	to := strings.IndexAny(name[at:], ends)
	if to < 0 {
		to = len(name) - at
	}
	return at + to - from
}
