package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/terminal"
)

// terminalWidth is how many cells wide a page is at the most.
const terminalWidth = 120

// page is a report for a person at a terminal, no wider than that. Its places are in
// footnotes.
type page struct {
	bytes.Buffer
	notes counts[string, footnote]
	// elided says that something is left out, whole that nothing may be.
	elided, whole bool
}

// line writes a text, with what follows its first line indented.
func (p *page) line(indent int, format string, args ...any) {
	in := strings.Repeat(" ", indent)
	for i, part := range terminal.Wrap(terminal.Line(fmt.Sprintf(format, args...)), terminalWidth-indent-4) {
		if i > 0 {
			in = strings.Repeat(" ", indent+4)
		}
		p.WriteString(in + part + "\n")
	}
}

// columns writes rows of cells, indented by two. The widest columns are wrapped.
func (p *page) columns(rows [][]string) {
	const indent = 2
	if len(rows) == 0 {
		return
	}
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i := range row {
			row[i] = terminal.Line(row[i])
			widths[i] = max(widths[i], terminal.Width(row[i]))
		}
	}
	sum := func() int {
		n := indent - 2
		for _, w := range widths {
			n += w + 2
		}
		return n
	}
	for sum() > terminalWidth {
		widths[slices.Index(widths, slices.Max(widths))]--
	}
	for _, row := range rows {
		var cells [][]string
		height := 1
		for i, text := range row {
			cells = append(cells, terminal.Wrap(text, widths[i]))
			height = max(height, len(cells[i]))
		}
		for y := range height {
			line := strings.Repeat(" ", indent)
			for i := range row {
				text := ""
				if y < len(cells[i]) {
					text = cells[i][y]
				}
				line += text + strings.Repeat(" ", widths[i]-min(widths[i], terminal.Width(text))+2)
			}
			p.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
}

// footnote is a place that rows refer to.
type footnote struct{ place, because string }

// note gives the mark of a footnote. What is said of one place stands there once.
func (p *page) note(of, place, because string) string {
	note := p.notes.of(of, footnote{place: place})
	note.because = cmp.Or(note.because, because)
	return fmt.Sprintf("[%d]", p.notes.at[of]+1)
}

// room gives how many of some things are listed where that is most of them.
func (p *page) room(all, most int) int {
	if p.whole {
		return all
	}
	return min(all, most)
}

// few lists names as far as there is room for them.
func (p *page) few(names []string, most int) string {
	most = p.room(len(names), most)
	p.elided = p.elided || len(names) > most
	return few(names, most)
}

// passOver names files that hold nothing to speak of.
func (p *page) passOver(files []string) {
	if said := PassedOver(files); said != "" {
		p.line(0, "%s", strings.TrimSpace(said))
	}
}

// finish writes the footnotes, and the page.
func (p *page) finish(w io.Writer) error {
	if len(p.notes.all) > 0 {
		p.WriteString("\n")
	}
	for i, note := range p.notes.all {
		p.line(0, "[%d] %s", i+1, strings.Join(slices.DeleteFunc([]string{note.place, note.because}, func(s string) bool { return s == "" }), ": "))
	}
	if p.elided {
		p.line(0, "-o wide leaves nothing out: it names every workload and has a row for each entry, with its place")
	}
	_, err := w.Write(p.Bytes())
	return err
}
