package page_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
)

// TestChangesAreMadeInTheNewText has two change the same field of a rule.
func TestChangesAreMadeInTheNewText(t *testing.T) {
	const inShop = "[9102,   9103]"
	for name, c := range map[string]struct {
		// rule is the one that is changed, do the button or "" for its form with what is typed.
		rule, do string
		typed    map[string]string
		// was and theirs stand in the file before and after somebody else changed it, is
		// stands there in the end.
		was, theirs, is string
		// told is what the page says of what the other wrote, "" for nothing.
		told string
	}{
		"each adds an entry": {rule: "spec.namespaces[0]", typed: map[string]string{"excludeInboundPorts": "9102\n9103\n7777"},
			was: inShop, theirs: "[9102,   9103, 8888]", is: "[9102,   9103, 8888, 7777]"},
		"one adds, one takes away": {rule: "spec.namespaces[0]", typed: map[string]string{"excludeInboundPorts": "9103"},
			was: inShop, theirs: "[9102,   9103, 8888]", is: "[9103, 8888]"},
		"another field": {rule: "spec.namespaces[0]", typed: map[string]string{"excludeOutboundPorts": "443"},
			was: inShop + "\n", theirs: "[9103]\n", is: "[9103]\n    excludeOutboundPorts: [443]\n"},
		"none": {rule: "spec.namespaces[0]", typed: map[string]string{"excludeInboundPorts.state": "none"},
			was: inShop, theirs: "[9102, 9103, 8888]", is: "[]", told: "Namespace shop, excludeInboundPorts: the file has 8888 now, which goes: you chose none."},
		"a name": {rule: "spec.workloads[0]", typed: map[string]string{"reason": "mine"},
			was: "name: cards\n", theirs: "name: cards\n    reason: theirs\n", is: "name: cards\n    reason: mine\n", told: `checkout in shop, reason: in the file it is "theirs" now, and yours takes its place: "mine".`},
		"the rule goes": {rule: "spec.workloads[0]", do: "remove",
			was: "  - match: {names: [checkout], namespaces: [shop]}\n    name: cards\n    excludeOutboundPorts: [\"3306\"]\n", theirs: "  - match: {names: [checkout], namespaces: [shop]}\n    name: cards\n    excludeOutboundPorts: [\"3306\", 5432]\n", is: "",
			told: "checkout in shop: you remove it, and with it goes what is new in it: excludeOutboundPorts 5432."},
		"it moves past another": {rule: "spec.workloads[0]", do: "down",
			was: "  - match: {names: [checkout], namespaces: [shop]}\n    name: cards\n    excludeOutboundPorts: [\"3306\"]\n", theirs: "  - match: {names: [checkout], namespaces: [shop]}\n    name: cards\n    excludeOutboundPorts: [\"3306\"]\n  - match: {names: [new]}\n",
			is: "  - match: {names: [new]}\n  - match: {names: [checkout], namespaces: [shop]}\n    name: cards\n    excludeOutboundPorts: [\"3306\"]\n", told: "you moved a rule past cart: in the new text it moves past new."},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, 1, strings.Count(shop, c.was))
			tree := &oneFile{text: shop}
			b := browse(t, tree, page.Options{})
			b.change(c.rule, c.do, c.typed)
			tree.text = strings.Replace(shop, c.was, c.theirs, 1)
			theirs := tree.text
			b.press("Save into", "save", nil)
			assert.Equal(t, http.StatusConflict, b.status)
			assert.Equal(t, theirs, tree.text, "nothing is overwritten")
			says := func(when string) {
				if c.told == "" {
					assert.NotContains(t, b.says(), "what was changed there:", when)
				} else {
					assert.Contains(t, b.says(), c.told, when)
				}
			}
			says("before")
			b.press("Make my changes", "again", nil)
			require.Equal(t, http.StatusOK, b.status, b.says())
			says("afterwards")
			assert.Contains(t, b.says(), "Your changes are made in what it holds now")
			assert.Equal(t, theirs, tree.text, "nothing is written before it is saved")
			b.press("Save into", "save", nil)
			assert.Equal(t, strings.Replace(shop, c.was, c.is, 1), tree.text)
		})
	}
}

// change makes a draft of a rule and shows what saving it does: by a button beside the
// rule, or by its form.
func (b *browser) change(rule, do string, typed map[string]string) {
	b.t.Helper()
	if do == "" {
		b.open(edit(rule))
		b.press(buttonOfForm, "save", typed)
		return
	}
	b.open("/rules")
	b.press(`name="of" value="`+rule+`"`, do, nil)
	b.open(strings.Replace(b.at, "/rules", "/save", 1))
}

func TestWhatBothDidNeedsNoSaving(t *testing.T) {
	for name, c := range map[string]struct{ open, typed, entries, was, theirs string }{
		"an entry": {edit("spec.namespaces[0]"), "excludeInboundPorts", "9102", "[9102,   9103]", "[9102]"},
		"a rule":   {"/rules/edit?add=spec.workloads&match.names=new", "excludeOutboundPorts", "443", "  enforcement:", "  - match: {names: [new]}\n    excludeOutboundPorts: [443]\n  enforcement:"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := &oneFile{text: shop}
			b := browse(t, tree, page.Options{})
			b.open(c.open)
			b.press(buttonOfForm, "save", map[string]string{c.typed: c.entries})
			tree.text = strings.Replace(shop, c.was, c.theirs, 1) + "# theirs\n"
			b.open(b.at)
			b.press("Make my changes", "again", nil)
			assert.Contains(t, b.says(), "There is no change to save: the file says already what you changed.")
		})
	}
}

// TestAgainIsRefusedWhereTheRuleIsGone says so before anybody presses a button.
func TestAgainIsRefusedWhereTheRuleIsGone(t *testing.T) {
	tree := &oneFile{text: shop}
	b := browse(t, tree, page.Options{})
	b.change("spec.workloads[1]", "", map[string]string{"excludeOutboundPorts": "443"})
	tree.text = strings.Replace(shop, "[cart]", "[basket]", 1)
	theirs, at := tree.text, b.at
	b.open(at)
	assert.Contains(t, b.says(), "Your changes cannot be made in the new text")
	assert.Contains(t, b.says(), "begin again from the file")
	assert.NotContains(t, b.body, "Make my changes")
	b.post(at, map[string][]string{"do": {"again"}})
	assert.Equal(t, http.StatusConflict, b.status)
	assert.Equal(t, theirs, tree.text)
}

// TestOwnSavesAreNoConflict has a form that was opened before another was saved.
func TestOwnSavesAreNoConflict(t *testing.T) {
	tree := &oneFile{text: shop}
	one, other := browse(t, tree, page.Options{}), browse(t, tree, page.Options{})
	other.site = one.site
	other.open(edit("spec.namespaces[0]"))
	one.change("spec.namespaces[0]", "", map[string]string{"excludeInboundPorts": "9102\n9103\n7777"})
	one.press("Save into", "save", nil)
	other.press(buttonOfForm, "preview", map[string]string{"excludeInboundPorts": "9102\n9103\n8888"})
	assert.NotContains(t, other.says(), "the file changed since", "in the header")
	action := strings.Replace(other.at, "/rules/edit", "/save", 1)
	other.open(action)
	assert.Equal(t, http.StatusOK, other.status)
	assert.NotContains(t, other.says(), "changed meanwhile")
	assert.Contains(t, other.says(), "Your changes are made in what it holds now")
	other.press("Save into", "save", nil)
	assert.Equal(t, strings.Replace(shop, "9103]", "9103, 7777, 8888]", 1), tree.text)

	// Where something goes, it is asked, and said who wrote it.
	other.open(edit("spec.namespaces[0]"))
	one.change("spec.namespaces[0]", "", map[string]string{"reason": "one"})
	one.press("Save into", "save", nil)
	other.press(buttonOfForm, "save", map[string]string{"reason": "other"})
	assert.Contains(t, other.says(), "You saved another change of bypass.yaml after you began this draft.")
	assert.Contains(t, other.says(), `in the file it is "one" now, and yours takes its place: "other".`)
	assert.NotContains(t, other.says(), "Somebody else")
}

// TestWhatWasSavedIsNobodyElses: a change of the file after saving is shown without the one
// that was saved.
func TestWhatWasSavedIsNobodyElses(t *testing.T) {
	tree := &oneFile{text: shop}
	b := browse(t, tree, page.Options{})
	b.change("spec.global", "", map[string]string{"reason": "mine"})
	before := b.at
	b.press("Save into", "save", nil)
	at := b.at
	tree.text = strings.Replace(tree.text, "3306", "3307", 1)
	b.open(at)
	assert.Contains(t, b.says(), "Saved: bypass.yaml held this change. Somebody else, or another program, changed the file after that:")
	assert.Contains(t, b.says(), "3307")
	assert.NotContains(t, b.says(), "mine")
	assert.NotContains(t, b.says(), "the file changed since")
	assert.NotContains(t, b.body, `value="undo"`, "what came later would be lost")

	// Who takes that back, and makes the change once more, has saved it once more.
	tree.text = shop
	b.open(before)
	b.press("Save into", "save", nil)
	assert.Contains(t, tree.text, "mine")
	b.press("Take it back", "undo", nil)
	b.press("Take it back in", "save", nil)
	assert.Equal(t, shop, tree.text)
	assert.Contains(t, b.says(), "Taken back: bypass.yaml holds again what it held before.")
	assert.NotContains(t, b.says(), "Saved:")
	assert.NotContains(t, b.body, `value="undo"`)
	tree.text = strings.Replace(shop, "3306", "3307", 1)
	b.open(before)
	assert.Contains(t, b.says(), "The file changed meanwhile")
	assert.NotContains(t, b.says(), "held this change")
}

// TestWhatIsNotNewInARuleThatGoes: only what somebody else added is lost with it.
func TestWhatIsNotNewInARuleThatGoes(t *testing.T) {
	for theirs, told := range map[string]string{
		"[\"3306\", 5432]": "excludeOutboundPorts 5432.", "[]": "excludeOutboundPorts none.", "[\"3306\"]\n    reason: cards": "reason cards.",
	} {
		tree := &oneFile{text: shop}
		b := browse(t, tree, page.Options{})
		b.change("spec.workloads[0]", "remove", nil)
		tree.text = strings.Replace(shop, "[\"3306\"]", theirs, 1)
		b.press("Save into", "save", nil)
		assert.Contains(t, b.says(), "with it goes what is new in it: "+told)
	}
}
