package revise

// difference has entries in the place of those from one index up to another.
type difference struct {
	from, to int
	entries  []string
}

// mostCompared bounds the work for two lists that have little in common: beyond it all of
// the one are replaced.
const mostCompared = 1 << 22

// differences says how a list becomes another, with as many entries kept as can be.
func differences(was, is []string) []difference {
	start := 0
	for start < len(was) && start < len(is) && was[start] == is[start] {
		start++
	}
	end := 0
	for end < len(was)-start && end < len(is)-start && was[len(was)-1-end] == is[len(is)-1-end] {
		end++
	}
	a, b := was[start:len(was)-end], is[start:len(is)-end]
	if len(a)+len(b) == 0 {
		return nil
	}
	if len(a)*len(b) > mostCompared {
		return []difference{{start, start + len(a), b}}
	}
	// common[i][j] is how many entries a[i:] and b[j:] have in common.
	common := make([][]int32, len(a)+1)
	for i := range common {
		common[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if common[i][j] = max(common[i+1][j], common[i][j+1]); a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	var all []difference
	for i, j := 0, 0; i < len(a) || j < len(b); {
		d := difference{from: start + i}
		for i < len(a) || j < len(b) {
			if i < len(a) && j < len(b) && a[i] == b[j] {
				break
			}
			if j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1] {
				i++
			} else {
				d.entries = append(d.entries, b[j])
				j++
			}
		}
		if d.to = start + i; d.to > d.from || len(d.entries) > 0 {
			all = append(all, d)
		}
		for i < len(a) && j < len(b) && a[i] == b[j] {
			i, j = i+1, j+1
		}
	}
	return all
}
