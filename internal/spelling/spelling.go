package spelling

// Nearest gives the place of the candidate that takes the fewest single-letter
// changes to get to from the word, the first of several; -1 if none takes as
// few as most.
func Nearest(word string, candidates []string, most int) int {
	best, least := -1, most+1
	for i, c := range candidates {
		if max(len(word)-len(c), len(c)-len(word)) >= least {
			continue // it takes at least that many to be as long
		}
		if d := Distance(word, c); d < least {
			best, least = i, d
		}
	}
	return best
}

// Distance counts the single-letter changes from a to b (Levenshtein). Letters
// are bytes.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
