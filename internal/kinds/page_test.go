package kinds_test

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/test/page"
)

var update = flag.Bool("update", false, "rewrite the tables of docs/kinds.md, and fail")

const pagePath = "../../docs/kinds.md"

// TestPage keeps the tables of docs/kinds.md what the table of known kinds says.
func TestPage(t *testing.T) {
	tables := map[string]string{"known": knownTable(), "left": leftTable(), "sources": sourceList()}
	page.Holds(t, pagePath, tables, *update, "go test ./internal/kinds -run TestPage -update")
}

// knownTable lists the kinds with templates, a line for each place.
func knownTable() string {
	var b strings.Builder
	b.WriteString("| kind | group | where | init containers | made, if absent | change |\n|---|---|---|---|---|---|\n")
	for _, k := range kinds.Known() {
		name, group := linked(k), "`"+k.Group+"`"
		if k.Group == "" {
			group = "core"
		}
		for _, t := range k.Templates {
			where, inits, made, change := "the object itself", "yes", "no", "in place"
			if t.Annotations != nil {
				where = "`" + t.Annotations.String() + "`"
			} else if len(t.Path) > 0 {
				where = "`" + t.Path.String() + "`"
			}
			switch {
			case k.AnnotationsOnly:
				inits = "refused by default"
			case t.Create && t.Path != nil && !t.Merged:
				inits = "*with* `containers`"
			case t.Annotations != nil && t.InitContainers == nil:
				inits = "no"
			case t.Annotations != nil:
				inits = "`" + t.InitContainers.String() + "`"
			}
			if t.Create {
				made = "yes"
				if len(t.Needs) > 0 {
					made = "below `" + t.Needs.String() + "`"
				}
			}
			switch {
			case k.Fixed:
				change = "anew alone"
			case k.NextStart:
				change = "next start"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", name, group, where, inits, made, change)
			name, group = "", ""
		}
	}
	return b.String()
}

func leftTable() string {
	var b strings.Builder
	b.WriteString("| kind | group | why |\n|---|---|---|\n")
	for _, k := range kinds.Known() {
		if k.Left != "" {
			fmt.Fprintf(&b, "| %s | `%s` | %s |\n", linked(k), k.Group, k.Left)
		}
	}
	return b.String()
}

// sourceList gives what was read in each repository, and of which kinds it speaks.
func sourceList() string {
	var checkouts []string
	said := map[string][]kinds.Source{}
	of := map[kinds.Source][]string{}
	for _, k := range kinds.Known() {
		for _, s := range k.Sources {
			where := s.Repository() + " " + s.Commit()
			if !slices.Contains(checkouts, where) {
				checkouts = append(checkouts, where)
			}
			if of[s] == nil {
				said[where] = append(said[where], s)
			}
			of[s] = append(of[s], k.Kind)
		}
	}
	var b strings.Builder
	for _, where := range checkouts {
		first := said[where][0]
		at := "https://github.com/" + first.Repository() + "/blob/" + first.Commit() + "/"
		fmt.Fprintf(&b, "<a id=%q></a>[%s at %s](https://github.com/%[2]s/tree/%[4]s)\n\n", anchor(first), first.Repository(), first.Commit()[:7], first.Commit())
		for _, s := range said[where] {
			fmt.Fprintf(&b, "- %s: %s ([%s, %s](%s%[3]s#L%[6]s))\n", strings.Join(of[s], ", "), s.Says, s.Path, s.Lines, at, strings.ReplaceAll(s.Lines, "-", "-L"))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// linked is a kind's name, with a link to the last checkout that speaks of it.
func linked(k kinds.Kind) string {
	if len(k.Sources) == 0 {
		return k.Kind
	}
	return fmt.Sprintf("[%s](#%s)", k.Kind, anchor(k.Sources[len(k.Sources)-1]))
}

func anchor(s kinds.Source) string {
	return strings.ToLower(strings.ReplaceAll(s.Repository(), "/", "-")) + "-" + s.Commit()[:7]
}
