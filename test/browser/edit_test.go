package browser

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// withAndWithout runs a test with the page's script and without.
func withAndWithout(t *testing.T, test func(t *testing.T, tab func(*site) *tab)) {
	t.Run("script", func(t *testing.T) {
		test(t, func(s *site) *tab { return newTab(t, s.base) })
	})
	t.Run("no script", func(t *testing.T) {
		test(t, func(s *site) *tab { return newTab(t, s.base).withoutScript() })
	})
}

// inbound is the field of a rule's form in which the tests type.
const inbound = "#f-excludeInboundPorts"

// editNamespace opens the form of the rule for a namespace.
func (tb *tab) editNamespace() {
	tb.t.Helper()
	tb.open("/rules")
	tb.click("a.button", "Edit Namespace default")
	tb.until(`document.querySelector("` + inbound + `")`)
}

// consequences waits for what a change does to show a text, on a page of its own where a
// link leads there.
func (tb *tab) consequences(text string) {
	tb.t.Helper()
	const link = "Show which workloads change"
	away := !tb.script && get[bool](tb, "!!"+find("a", link))
	if away {
		tb.click("a", link)
	}
	tb.untilText(text)
	if away {
		tb.back()
	}
}

// TestEdit changes an entry, sees what that does, saves it and takes it back: in the
// file no byte changes but those of the entry.
func TestEdit(t *testing.T) {
	withAndWithout(t, func(t *testing.T, tab func(*site) *tab) {
		site := asm(t)
		was := site.specText(t)
		is := strings.Replace(was, "excludeInboundPorts: [7001, 7002, 7005]", "excludeInboundPorts: [7001, 7002, 7005, 7009]", 1)
		require.NotEqual(t, was, is)

		tb := tab(site)
		tb.editNamespace()
		tb.sound("form")
		assert.Empty(t, tb.reach())
		tb.fill(inbound, "7001\n7002\n7005\n7009")
		if !tb.script {
			tb.click("button", "Preview")
		}
		// With script it follows while something is typed.
		tb.untilText("7005, 7009]")
		tb.sound("preview")
		tb.consequences("orders")
		assert.Equal(t, was, site.specText(t), "before it is saved")
		tb.click("button", "Review and save")
		tb.untilURL(`u.pathname == "/save"`)
		tb.untilText("7005, 7009]")
		tb.sound("save")
		assert.Equal(t, was, site.specText(t), "before it is saved")
		tb.click("button", "Save into bypass.yaml")
		tb.untilText("Saved")
		assert.Equal(t, is, site.specText(t))
		tb.sound("saved")

		tb.click("button", "Take it back…")
		tb.click("button", "Take it back in bypass.yaml")
		tb.untilText("Taken back")
		assert.Equal(t, was, site.specText(t), "after undo")
		assert.Empty(t, tb.noted())
	})
}

// off is an expression for whether a rule is switched off.
const off = `[...document.querySelectorAll(".rule .tag")].some(e => e.innerText == "switched off")`

// TestBackAndForward walks through the drafts of an edit.
func TestBackAndForward(t *testing.T) {
	withAndWithout(t, func(t *testing.T, tab func(*site) *tab) {
		tb := tab(asm(t))
		tb.open("/rules")
		tb.click("button", "Switch off")
		tb.until(off)
		tb.click("nav a", "Workloads")
		tb.untilURL(`u.pathname == "/"`)
		tb.untilText("orders")
		tb.back()
		tb.until(off)
		tb.back()
		tb.until(`!(` + off + `) && location.pathname == "/rules"`)
		tb.forward()
		tb.until(off)
		assert.Empty(t, tb.noted())
	})
}

// TestSwitches presses every button beside a rule, and holds what is saved.
func TestSwitches(t *testing.T) {
	withAndWithout(t, func(t *testing.T, tab func(*site) *tab) {
		site := reviewing(t)
		was := site.specText(t)
		for _, step := range []struct {
			button string
			is     func(text string) string
		}{
			{"Switch off Deployment checkout", func(text string) string {
				return strings.Replace(text, "    reason: the card", "    suspend: true\n    reason: the card", 1)
			}},
			{"Remove nightly", func(text string) string {
				before, _, _ := strings.Cut(text, "  - match: {names: [nightly]")
				_, behind, _ := strings.Cut(text, "  enforcement:")
				return before + "  enforcement:" + behind
			}},
		} {
			tb := tab(site)
			tb.open("/rules")
			tb.click("button", step.button)
			tb.untilURL(`u.searchParams.has("draft")`)
			tb.click("a", "save")
			tb.click("button", "Save into bypass.yaml")
			tb.untilText("Saved")
			// Where in its rule a new field stands is another test's.
			assert.ElementsMatch(t, strings.Split(step.is(was), "\n"), strings.Split(site.specText(t), "\n"), step.button)
			was = site.specText(t)
		}
	})
}

// TestWrongEntry shows at its field what the decoder says, and keeps what was typed.
func TestWrongEntry(t *testing.T) {
	withAndWithout(t, func(t *testing.T, tab func(*site) *tab) {
		site := asm(t)
		was := site.specText(t)
		tb := tab(site)
		tb.editNamespace()
		for _, wrong := range []string{"70000", "7000-6000", "10.0.0.0/99"} {
			tb.fill(inbound, "7001\n"+wrong)
			if !tb.script {
				tb.click("button", "Preview")
			}
			message := said(t, site, strings.Replace(was, "excludeInboundPorts: [7001, 7002, 7005]", "excludeInboundPorts: [7001, "+wrong+"]", 1), "spec.namespaces[0].excludeInboundPorts")
			tb.until(`document.getElementById("m-excludeInboundPorts").innerText.includes(` + quoted(message) + `)`)
			assert.Equal(t, "7001\n"+wrong, get[string](tb, `document.querySelector("`+inbound+`").value`), "what was typed")
			assert.Contains(t, get[string](tb, `document.querySelector("`+inbound+`").getAttribute("aria-describedby")`), "m-excludeInboundPorts")
		}
		tb.sound("wrong")
		tb.click("button", "Review and save")
		tb.until(`document.getElementById("m-excludeInboundPorts")?.innerText && document.querySelector("` + inbound + `").ariaInvalid == "true"`)
		assert.Equal(t, was, site.specText(t))
	})
}

// said gives what krm-bypass render says of a field of a specification.
func said(t *testing.T, s *site, spec, field string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bypass.yaml")
	require.NoError(t, os.WriteFile(path, []byte(spec), 0o644))
	out, err := exec.Command(program, "render", "--spec", path, filepath.Join(s.folder, "base")).CombinedOutput()
	require.Error(t, err, spec)
	for line := range strings.Lines(string(out)) {
		if _, message, found := strings.Cut(line, field); found {
			_, message, _ = strings.Cut(message, ": ")
			return strings.TrimSpace(message)
		}
	}
	require.Failf(t, "render says nothing of the field", "%s: %s", field, out)
	return ""
}

// TestConflict has another program change the file between draft and save.
func TestConflict(t *testing.T) {
	withAndWithout(t, func(t *testing.T, tab func(*site) *tab) {
		site := asm(t)
		tb := tab(site)
		tb.editNamespace()
		tb.fill(inbound, "7001\n7009")
		tb.click("button", "Review and save")
		tb.until(find("button", "Save into"))
		theirs := strings.Replace(site.specText(t), "Members replicate", "The members replicate", 1)
		require.NoError(t, os.WriteFile(site.spec, []byte(theirs), 0o644))
		// Where the page has not noticed yet, the button is there still.
		if get[bool](tb, "!!"+find("button", "Save into")) {
			tb.click("button", "Save into")
		}
		tb.untilText("changed meanwhile")
		assert.Equal(t, theirs, site.specText(t), "nothing is overwritten")
		tb.untilText("The members replicate")
		tb.sound("conflict")
		tb.click("button", "Make my changes in the new text")
		tb.click("button", "Save into")
		tb.untilText("Saved")
		assert.Equal(t, strings.Replace(theirs, "excludeInboundPorts: [7001, 7002, 7005]", "excludeInboundPorts: [7001, 7009]", 1), site.specText(t))
		assert.Empty(t, tb.noted())
	})
}

// TestTwoForms edits in two tabs at once: who saves later sees their change in what was
// saved, before it is saved too.
func TestTwoForms(t *testing.T) {
	site := asm(t)
	was := site.specText(t)
	one, other := newTab(t, site.base), newTab(t, site.base).withoutScript()
	for i, tb := range []*tab{one, other} {
		tb.editNamespace()
		tb.fill(inbound, "7001\n7002\n7005\n800"+string(rune('1'+i)))
		tb.click("button", "Review and save")
		tb.until(find("button", "Save into"))
	}
	saved := func(entries string) string {
		return strings.Replace(was, "excludeInboundPorts: [7001, 7002, 7005]", "excludeInboundPorts: [7001, 7002, 7005"+entries+"]", 1)
	}
	one.click("button", "Save into")
	one.untilText("Saved")
	require.Equal(t, saved(", 8001"), site.specText(t))
	other.click("button", "Save into")
	other.untilText("Your changes are made in what it holds now")
	other.sound("carried over")
	assert.Equal(t, saved(", 8001"), site.specText(t), "nobody has seen what it would become")
	other.click("button", "Save into")
	other.untilText("Saved")
	assert.Equal(t, saved(", 8001, 8002"), site.specText(t))
}

// TestWhatGoes has another program change what is changed here, so that the one goes.
func TestWhatGoes(t *testing.T) {
	withAndWithout(t, func(t *testing.T, tab func(*site) *tab) {
		site := asm(t)
		tb := tab(site)
		tb.editNamespace()
		tb.fill("#f-owner", "mine")
		tb.click("button", "Review and save")
		tb.until(find("button", "Save into"))
		theirs := strings.Replace(site.specText(t), "    excludeInboundPorts: [7001, 7002, 7005]", "    owner: theirs\n    excludeInboundPorts: [7001, 7002, 7005]", 1)
		require.NoError(t, os.WriteFile(site.spec, []byte(theirs), 0o644))
		tb.open(strings.TrimPrefix(tb.url().String(), site.base))
		tb.untilText("Somebody else")
		tb.untilText(`in the file it is "theirs" now, and yours takes its place: "mine"`)
		tb.sound("what goes")
		tb.click("a", "Drop my changes and reload")
		tb.untilURL(`u.pathname == "/rules"`)
		assert.Equal(t, theirs, site.specText(t))
	})
}

// TestReadOnly has no form and says why.
func TestReadOnly(t *testing.T) {
	site := serve(t, copied(t, "asm-ports"), "--read-only", "base")
	tb := newTab(t, site.base)
	tb.open("/rules")
	tb.untilText("--read-only")
	assert.Zero(t, tb.count("form[method=post], form:not([method=get]) button"))
	tb.sound("read-only")
}

// TestBrokenSpec shows the mistake, and no form, until it is mended.
func TestBrokenSpec(t *testing.T) {
	withAndWithout(t, func(t *testing.T, tab func(*site) *tab) {
		site := asm(t)
		was := site.specText(t)
		require.NoError(t, os.WriteFile(site.spec, []byte(strings.Replace(was, "merge: Override", "merge: Overide", 1)), 0o644))
		tb := tab(site)
		for _, view := range []string{"/", "/rules", "/findings", "/connection"} {
			tb.open(view)
			tb.untilText("Overide")
			assert.Zero(t, tb.count("form[method=post]"), view)
			tb.sound("broken, " + view)
		}
		require.NoError(t, os.WriteFile(site.spec, []byte(was), 0o644))
		tb.open("/rules")
		tb.until(find("a", "Edit Namespace default"))
	})
}
