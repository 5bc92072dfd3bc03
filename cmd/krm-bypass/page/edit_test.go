package page_test

import (
	"bytes"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
	"github.com/krm-bypass/krm-bypass/internal/revise"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// oneFile is a tree without manifests, and the file of a specification.
type oneFile struct {
	emptyTree
	text, locked string
}

func (f *oneFile) Spec() (page.SpecFile, error) {
	return page.SpecFile{Path: "bypass.yaml", Text: []byte(f.text), Locked: f.locked}, nil
}

func (f *oneFile) Save(was, is []byte) error {
	if f.text != string(was) {
		return page.ErrChanged
	}
	f.text = string(is)
	return nil
}

// browser goes to pages as somebody does who has switched off scripts.
type browser struct {
	t    *testing.T
	site *page.Site
	// at is where it is, body what it shows, status that of the answer.
	at, body string
	status   int
}

func browse(t *testing.T, tree page.Tree, options page.Options) *browser {
	return &browser{t: t, site: page.New(tree, options)}
}

func (b *browser) ask(r *http.Request) {
	b.t.Helper()
	answer := httptest.NewRecorder()
	b.site.ServeHTTP(answer, r)
	if answer.Code == http.StatusSeeOther {
		to, _, _ := strings.Cut(answer.Header().Get("Location"), "#")
		b.open(to)
		return
	}
	b.at, b.body, b.status = r.URL.String(), answer.Body.String(), answer.Code
}

func (b *browser) open(at string) {
	b.t.Helper()
	b.ask(httptest.NewRequest(http.MethodGet, at, nil))
}

func (b *browser) post(at string, values url.Values) {
	b.t.Helper()
	r := httptest.NewRequest(http.MethodPost, at, strings.NewReader(values.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	b.ask(r)
}

var (
	formTag     = regexp.MustCompile(`(?s)<form method="post" action="([^"]*)".*?</form>`)
	textControl = regexp.MustCompile(`(?s)<textarea name="([^"]*)"[^>]*>\n?(.*?)</textarea>`)
	lineControl = regexp.MustCompile(`<input type="(?:text|hidden)" name="([^"]*)"[^>]* value="([^"]*)"`)
	hidden      = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
	checked     = regexp.MustCompile(`<input type="radio" name="([^"]*)" value="([^"]*)" checked`)
	choice      = regexp.MustCompile(`(?s)<select name="([^"]*)".*?</select>`)
	selected    = regexp.MustCompile(`<option value="([^"]*)" selected>`)
)

// form gives where the form of the page goes that has a text in it, and what it holds.
func (b *browser) form(with string) (action string, values url.Values) {
	b.t.Helper()
	for _, form := range formTag.FindAllStringSubmatch(b.body, -1) {
		if !strings.Contains(form[0], with) {
			continue
		}
		values = url.Values{}
		for _, control := range []*regexp.Regexp{textControl, lineControl, hidden, checked} {
			for _, found := range control.FindAllStringSubmatch(form[0], -1) {
				// A browser sends the ends of lines like this.
				values.Set(found[1], strings.ReplaceAll(html.UnescapeString(found[2]), "\n", "\r\n"))
			}
		}
		for _, found := range choice.FindAllStringSubmatch(form[0], -1) {
			values.Set(found[1], "")
			if option := selected.FindStringSubmatch(found[0]); option != nil {
				values.Set(found[1], html.UnescapeString(option[1]))
			}
		}
		return html.UnescapeString(form[1]), values
	}
	require.Failf(b.t, "no form", "with %s in %s:\n%s", with, b.at, b.body)
	return "", nil
}

// press sends the form that has a button, with what was typed into it.
func (b *browser) press(with, do string, typed map[string]string) {
	b.t.Helper()
	action, values := b.form(with)
	for name, value := range typed {
		values.Set(name, value)
	}
	values.Set("do", do)
	b.post(action, values)
}

// says gives the text of the page.
func (b *browser) says() string {
	return html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(b.body, ""))
}

const shop = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  # what the mesh says itself
  meshDefaults: {excludeInboundPorts: [15020]}
  global:
    excludeOutboundIPRanges:
    - 192.0.2.0/24 # the card processor
    - "198.51.100.7"
  namespaces:
  - match: {names: [shop]}   # all of it
    excludeInboundPorts: [9102,   9103]
  workloads:
  - match: {names: [checkout], namespaces: [shop]}
    name: cards
    excludeOutboundPorts: ["3306"]
  - match: {names: [cart]}
    excludeOutboundPorts: []
  enforcement: {mode: AnnotationsOnly}
`

const buttonOfForm = `value="preview"`

func edit(path string) string { return "/rules/edit?of=" + url.QueryEscape(path) }

func TestAChangeByFormChangesTheBytesOfItsEntries(t *testing.T) {
	for name, c := range map[string]struct {
		open     string
		typed    map[string]string
		was, now string
	}{
		"an entry more": {edit("spec.namespaces[0]"), map[string]string{"excludeInboundPorts": "9102\r\n9103\r\n9104"},
			"[9102,   9103]", "[9102,   9103, 9104]"},
		"an entry less": {edit("spec.global"), map[string]string{"excludeOutboundIPRanges": "192.0.2.0/24"},
			"    - \"198.51.100.7\"\n", ""},
		"another entry": {edit("spec.workloads[0]"), map[string]string{"excludeOutboundPorts": "3307"}, `"3306"`, `"3307"`},
		"none":          {edit("spec.namespaces[0]"), map[string]string{"excludeInboundPorts.state": "none"}, "[9102,   9103]", "[]"},
		"not set":       {edit("spec.workloads[1]"), map[string]string{"excludeOutboundPorts.state": "unset"}, "    excludeOutboundPorts: []\n", ""},
		"entries of what was none, without a word on the state": {edit("spec.workloads[1]"), map[string]string{"excludeOutboundPorts": "443"},
			"excludeOutboundPorts: []", "excludeOutboundPorts: [443]"},
		"a reason": {edit("spec.workloads[0]"), map[string]string{"reason": "it speaks no TLS: ticket 7"},
			"[\"3306\"]\n", "[\"3306\"]\n    reason: \"it speaks no TLS: ticket 7\"\n"},
		"another name of the match": {edit("spec.workloads[1]"), map[string]string{"match.names": "cart\r\nbasket"}, "[cart]", "[cart, basket]"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := &oneFile{text: shop}
			b := browse(t, tree, page.Options{})
			b.open(c.open)
			require.Equal(t, http.StatusOK, b.status, b.body)
			b.press(buttonOfForm, "save", c.typed)
			require.Equal(t, http.StatusOK, b.status, b.says())
			require.True(t, strings.HasPrefix(b.at, "/save?draft="), b.at)
			assert.Equal(t, shop, tree.text, "nothing is written before it is saved")
			b.press("Save into", "save", nil)
			require.Contains(t, b.says(), "Saved")
			require.Contains(t, shop, c.was)
			assert.Equal(t, strings.Replace(shop, c.was, c.now, 1), tree.text)

			b.press("Take it back", "undo", nil)
			assert.Contains(t, b.body, "<h1>Take back what was saved</h1>")
			b.press("Take it back in", "save", nil)
			assert.Equal(t, shop, tree.text, "and taken back")
		})
	}
}

func TestAFormSaysWhatIsInherited(t *testing.T) {
	b := browse(t, &oneFile{text: shop}, page.Options{})
	for open, says := range map[string][]string{
		edit("spec.workloads[0]"):                                                    {"Broader rules say: Mesh defaults: 15020; Namespace shop: 9102 9103", "Broader rules say: Every workload: 192.0.2.0/24 198.51.100.7"},
		"/rules/edit?add=spec.workloads&match.names=checkout":                        {"Namespace shop: 9102 9103", "checkout in shop: 3306"},
		"/rules/edit?add=spec.workloads&match.names=cart&match.namespaces=elsewhere": {"Broader rules say: Mesh defaults: 15020\n", "Broader rules say: cart: none"},
	} {
		b.open(open)
		for _, one := range says {
			assert.Contains(t, strings.ReplaceAll(b.says(), "\r", ""), one, open)
		}
	}
	b.open("/rules/edit?add=spec.workloads&match.names=cart&match.namespaces=elsewhere")
	assert.NotContains(t, b.says(), "Namespace shop")
	assert.NotContains(t, b.says(), "checkout in shop")
}

// A rule that is not there yet has only broader ones above it.
func TestANewRuleInheritsNothingNarrower(t *testing.T) {
	b := browse(t, &oneFile{text: strings.Replace(shop, "  global:\n    excludeOutboundIPRanges:\n    - 192.0.2.0/24 # the card processor\n    - \"198.51.100.7\"\n", "", 1)}, page.Options{})
	for open, narrower := range map[string][]string{
		"/rules/edit?add=spec.namespaces&match.names=shop": {"3306", "cart: none"},
		edit("spec.global"): {"9103", "3306"},
	} {
		b.open(open)
		require.Equal(t, http.StatusOK, b.status)
		assert.Contains(t, b.says(), "Broader rules say: Mesh defaults: 15020")
		for _, one := range narrower {
			assert.NotContains(t, b.says(), one, open)
		}
	}
}

// What is wrong with several fields together stands above them, and not at one of them.
func TestWhatIsMissingAsAWholeStandsAboveItsFields(t *testing.T) {
	b := browse(t, &oneFile{text: shop}, page.Options{})
	b.open("/rules/edit?add=spec.workloads")
	b.press(buttonOfForm, "save", map[string]string{"excludeOutboundPorts": "3306"})
	require.Equal(t, http.StatusUnprocessableEntity, b.status)
	assert.Contains(t, b.body, `<h2>Whom it is for</h2><div role="alert"><ul class="problems"><li>match: missing: this field is required`)
	assert.NotContains(t, b.body, `aria-invalid`)
	action, values := b.form(buttonOfForm)
	b.post(strings.Replace(action, "/rules/edit", "/effect", 1), values)
	assert.Contains(t, b.says(), "match: missing: this field is required")
}

func TestEachHeadingOfAFormStandsOnce(t *testing.T) {
	b := browse(t, &oneFile{text: shop}, page.Options{})
	for _, add := range []string{"spec.namespaces", "spec.workloads", "spec.lint.accept"} {
		b.open("/rules/edit?add=" + add)
		require.Equal(t, http.StatusOK, b.status)
		seen := map[string]bool{}
		for _, heading := range regexp.MustCompile(`<h2>([^<]*)</h2>`).FindAllStringSubmatch(b.body, -1) {
			assert.False(t, seen[heading[1]], "%s: two of %q", add, heading[1])
			seen[heading[1]] = true
		}
	}
}

func TestButtonsOfRules(t *testing.T) {
	for name, c := range map[string]struct{ of, do, was, now string }{
		"down": {"spec.workloads[0]", "down", `  - match: {names: [checkout], namespaces: [shop]}
    name: cards
    excludeOutboundPorts: ["3306"]
  - match: {names: [cart]}
    excludeOutboundPorts: []
`, `  - match: {names: [cart]}
    excludeOutboundPorts: []
  - match: {names: [checkout], namespaces: [shop]}
    name: cards
    excludeOutboundPorts: ["3306"]
`},
		"switch off": {"spec.workloads[0]", "suspend", "[\"3306\"]\n", "[\"3306\"]\n    suspend: true\n"},
		"remove":     {"spec.workloads[1]", "remove", "  - match: {names: [cart]}\n    excludeOutboundPorts: []\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			tree := &oneFile{text: shop}
			b := browse(t, tree, page.Options{})
			b.open("/rules")
			b.press(fmt.Sprintf(`name="of" value=%q`, c.of), c.do, nil)
			require.True(t, strings.HasPrefix(b.at, "/rules?draft="), "%s: %s", b.at, b.says())
			b.open(strings.Replace(b.at, "/rules", "/save", 1))
			b.press("Save into", "save", nil)
			assert.Equal(t, strings.Replace(shop, c.was, c.now, 1), tree.text)
			if c.do == "suspend" {
				b.open("/rules")
				assert.Contains(t, b.says(), "switched off")
				b.press(fmt.Sprintf(`name="of" value=%q`, c.of), "resume", nil)
				b.open(strings.Replace(b.at, "/rules", "/save", 1))
				b.press("Save into", "save", nil)
				assert.Equal(t, shop, tree.text)
			}
		})
	}
}

func TestARuleIsAdded(t *testing.T) {
	tree := &oneFile{text: shop}
	b := browse(t, tree, page.Options{})
	b.open("/rules/edit?add=spec.workloads&match.names=cart&match.kinds=Deployment&excludeOutboundPorts=5432+6379")
	assert.Equal(t, shop, tree.text)
	assert.Contains(t, b.says(), "+    - 5432", "what a link proposes is shown at once")
	b.press(buttonOfForm, "save", map[string]string{"reason": "data"})
	b.press("Save into", "save", nil)
	rows, err := revise.Rows(yamltext.File{Text: []byte(tree.text)})
	require.NoError(t, err)
	last := rows[len(rows)-1]
	assert.Equal(t, "spec.workloads[2]", last.Path)
	assert.Equal(t, revise.Rule{
		"match.kinds": revise.Says("Deployment"), "match.names": revise.Says("cart"), "excludeOutboundPorts": revise.Says("5432", "6379"), "reason": revise.Says("data"),
	}, last.Rule)

	b.open("/rules/edit?add=spec.lint.accept&check=service-port&rule=cards")
	assert.Contains(t, b.says(), "Nothing yet: the form cannot be saved as it is.")
	assert.NotContains(t, b.says(), "what stands here is what the file says")
	b.press(`name="check"`, "save", nil)
	assert.Equal(t, http.StatusUnprocessableEntity, b.status, "the user has to say why")
	b.press(`name="check"`, "save", map[string]string{"reason": "it is meant"})
	b.press("Save into", "save", nil)
	assert.Contains(t, tree.text, "it is meant")
}

// The decoder's own words stand at the field, and what was typed is still there.
func TestWhatIsWrongComesBackAtItsField(t *testing.T) {
	for name, c := range map[string]struct {
		rule, field, typed, says string
	}{
		"a port too high":       {"spec.namespaces[0]", "excludeInboundPorts", "9102\n70000", "70000"},
		"host bits":             {"spec.global", "excludeOutboundIPRanges", "10.1.2.3/16", "bits behind its mask"},
		"a kind misspelt":       {"spec.workloads[0]", "match.kinds", "Deploymnet", "not a kind with a pod template"},
		"no day":                {"spec.workloads[0]", "expires", "tomorrow", "is not a day"},
		"a name twice":          {"spec.workloads[1]", "name", "cards", "already"},
		"a bad glob":            {"spec.namespaces[0]", "match.names", "Shop", "cannot match a name"},
		"an empty match":        {"spec.namespaces[0]", "match.names", "", "missing: this field is required"},
		"a pair without a port": {"spec.workloads[0]", "excludeOutbound", "10.1.0.0/16@", "empty list"},
		"no pair":               {"spec.workloads[0]", "excludeOutbound", "10.1.0.0/16", `"10.1.0.0/16" is not a pair of an IP range and a port`},
		"no pair of the second": {"spec.global", "forInitContainers.excludeOutbound", "10.1.0.0/16@80\n10.2.0.0/16", `"10.2.0.0/16" is not a pair`},
		"a label's name alone":  {"spec.workloads[0]", "match.labelSelector.matchLabels", "app", `"app" is no label: write it as "app=web"`},
		"a script":              {"spec.workloads[0]", "excludeOutboundPorts", "<script>alert(1)</script>", "<script>"},
	} {
		t.Run(name, func(t *testing.T) {
			tree := &oneFile{text: shop}
			b := browse(t, tree, page.Options{})
			b.open(edit(c.rule))
			action, _ := b.form(buttonOfForm)
			b.press(buttonOfForm, "save", map[string]string{c.field: c.typed})
			require.Equal(t, http.StatusUnprocessableEntity, b.status, b.says())
			assert.NotContains(t, b.body, "<script>alert")
			_, values := b.form(buttonOfForm)
			assert.Equal(t, c.typed, strings.ReplaceAll(values.Get(c.field), "\r\n", "\n"))
			messages := regexp.MustCompile(`(?s)<div id="m-` + regexp.QuoteMeta(c.field) + `"[^>]*>(.*?)</div>`).FindStringSubmatch(b.body)
			require.NotNil(t, messages)
			told := html.UnescapeString(messages[1])
			assert.Contains(t, told, c.says)

			b.post(strings.Replace(action, "/rules/edit", "/entry", 1)+"&field="+c.field, url.Values{c.field: {c.typed}})
			assert.Contains(t, html.UnescapeString(b.body), told, "it is told while it is typed, too")
			assert.Equal(t, shop, tree.text)
		})
	}
}

// What the page says of an entry is what the commands say of it.
func TestMessagesAreTheDecodersOwn(t *testing.T) {
	for _, entry := range []string{"0", "X", "99999", "5-3", "15001", "53/udp/tcp", "http_metrics", "*"} {
		changed := strings.Replace(shop, "[9102,   9103]", fmt.Sprintf("[%q]", entry), 1)
		source, err := spec.In(yamltext.File{Text: []byte(changed)})
		require.NoError(t, err)
		_, err = source.Read(spec.Given{})
		var problems spec.Problems
		require.ErrorAs(t, err, &problems, entry)
		b := browse(t, &oneFile{text: shop}, page.Options{})
		b.open(edit("spec.namespaces[0]"))
		b.press(buttonOfForm, "save", map[string]string{"excludeInboundPorts": entry})
		for _, p := range problems {
			assert.Contains(t, html.UnescapeString(b.body), p.Message)
		}
	}
}

// Flags go before what the specification says, also while it is typed.
func TestWhatIsGivenBesideTheSpecificationCounts(t *testing.T) {
	for port, refusing := range map[string]string{"15001": "", "4143": "Linkerd"} {
		for _, mesh := range []string{"", "Linkerd"} {
			b := browse(t, &oneFile{text: shop}, page.Options{Given: spec.Given{Mesh: mesh}})
			b.open(edit("spec.namespaces[0]"))
			b.press(buttonOfForm, "save", map[string]string{"excludeInboundPorts": port})
			assert.Equal(t, mesh == refusing, b.status == http.StatusUnprocessableEntity, "port %s of %q: %s", port, mesh, b.says())
		}
	}
}

func TestTwoChangeTheFile(t *testing.T) {
	tree := &oneFile{text: shop}
	b := browse(t, tree, page.Options{})
	b.open(edit("spec.workloads[1]"))
	b.press(buttonOfForm, "save", map[string]string{"excludeOutboundPorts": "443"})
	// Meanwhile somebody puts a rule in front of it.
	theirs := strings.Replace(shop, "  workloads:\n", "  workloads:\n  - match: {names: [new]}\n    excludeOutboundPorts: [1234]\n", 1)
	tree.text = theirs
	b.press("Save into", "save", nil)
	assert.Equal(t, http.StatusConflict, b.status)
	assert.Equal(t, theirs, tree.text, "it was not overwritten")
	assert.Contains(t, b.says(), "+  - match: {names: [new]}")
	b.press("Make my changes", "again", nil)
	require.Equal(t, http.StatusOK, b.status, b.says())
	b.press("Save into", "save", nil)
	assert.Equal(t, strings.Replace(theirs, "excludeOutboundPorts: []", "excludeOutboundPorts: [443]", 1), tree.text)
}

// A form is about the text that it was made from, whatever became of the file.
func TestAFormIsAboutWhatItShowed(t *testing.T) {
	tree := &oneFile{text: shop}
	b := browse(t, tree, page.Options{})
	b.open(edit("spec.workloads[0]"))
	action, values := b.form(buttonOfForm)
	tree.text = strings.Replace(shop, "  - match: {names: [checkout], namespaces: [shop]}\n    name: cards\n    excludeOutboundPorts: [\"3306\"]\n", "", 1)
	values.Set("excludeOutboundPorts", "3307")
	b.post(action, values)
	assert.Contains(t, b.says(), "The file changed meanwhile")
}

func TestASpecificationWithMistakesIsShownAndLocked(t *testing.T) {
	tree := &oneFile{text: strings.Replace(shop, "9103", "910300", 1) + "---\napiVersion: v1\nkind: Secret\nstringData: {password: hunter2}\n"}
	b := browse(t, tree, page.Options{})
	b.open("/rules")
	assert.Contains(t, b.says(), "  13      excludeInboundPorts: [9102,   910300]")
	assert.Contains(t, b.says(), "910300")
	assert.NotContains(t, b.body, "hunter2")
	assert.NotContains(t, b.body, "<form method=\"post\"")
	b.open(edit("spec.global"))
	assert.Equal(t, http.StatusConflict, b.status)

	tree.text = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nspec: {global: [\n"
	b.open("/rules")
	assert.Contains(t, b.says(), "bypass.yaml:")
}

// TestASecretIsNotShownWhereItsSeparatorIsMissing: then it is part of the specification.
func TestASecretIsNotShownWhereItsSeparatorIsMissing(t *testing.T) {
	for _, secret := range []string{
		"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  a: hunter2\n",
		"stringData: {a: hunter2}\n",
		"'data':\n  a: hunter2\n",
	} {
		b := browse(t, &oneFile{text: shop + secret}, page.Options{})
		b.open("/rules")
		assert.Contains(t, b.says(), "bypass.yaml:")
		assert.NotContains(t, b.body, "hunter2")
	}
}

func TestReadOnly(t *testing.T) {
	for name, b := range map[string]*browser{
		"by option": browse(t, &oneFile{text: shop}, page.Options{ReadOnly: "it was started with --read-only"}),
		"by file":   browse(t, &oneFile{text: shop, locked: "it was started with --read-only"}, page.Options{}),
	} {
		t.Run(name, func(t *testing.T) {
			b.open("/rules")
			assert.Contains(t, b.says(), "Nothing can be changed here: it was started with --read-only.")
			assert.Contains(t, b.says(), "contacts nobody, and writes nothing.")
			assert.NotContains(t, b.body, "<form method=\"post\"")
			b.open(edit("spec.global"))
			assert.Equal(t, http.StatusForbidden, b.status)
			b.post(edit("spec.global"), url.Values{"reason": {"x"}})
			assert.Equal(t, http.StatusForbidden, b.status)
			b.post("/save", nil)
			assert.Equal(t, http.StatusForbidden, b.status)
			b.open("/save")
			assert.Contains(t, b.says(), "Nothing can be saved: it was started with --read-only.")
			assert.NotContains(t, b.says(), "can be changed.")
		})
	}
}

// What a form shows, sent as it is, changes nothing.
func TestFormsRoundTrip(t *testing.T) {
	specs, forms := 0, map[string]bool{} // by what they show
	for _, root := range []string{"../../../testdata", "../../../examples"} {
		require.NoError(t, filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil || !bytes.Contains(text, []byte("kind: ClusterBypass")) {
				return err
			}
			rows, err := revise.Rows(yamltext.File{Path: path, Text: text})
			if err != nil {
				return nil //nolint:nilerr // the form is locked
			}
			specs++
			tree := &oneFile{text: string(text)}
			b := browse(t, tree, page.Options{})
			for _, row := range rows {
				shows := fmt.Sprint(strings.TrimRight(row.Path, "[0123456789]"), row.Rule)
				if forms[shows] {
					continue
				}
				forms[shows] = true
				b.open(edit(row.Path))
				require.Equal(t, http.StatusOK, b.status, path)
				b.press(buttonOfForm, "save", nil)
				assert.Contains(t, b.says(), "There is no change to save", "%s: %s", path, row.Path)
			}
			return nil
		}))
	}
	assert.Greater(t, specs, 100)
	assert.Greater(t, len(forms), 200)
}

// everything has the test try each text in each field: make soak does.
var everything = os.Getenv("KRM_BYPASS_FORMS") == "all"

func TestManyRulesArePaged(t *testing.T) {
	var b strings.Builder
	b.WriteString("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nspec:\n  workloads:\n")
	for i := range 1000 {
		fmt.Fprintf(&b, "  - match: {names: [w%d]}\n    excludeOutboundPorts: [443]\n", i)
	}
	page := browse(t, &oneFile{text: b.String()}, page.Options{})
	page.open("/rules")
	assert.Contains(t, page.says(), "Rules 1 to 50 of 1000")
	assert.Less(t, len(page.body), 200_000)
	page.open("/rules?from.spec.workloads=999")
	assert.Contains(t, page.says(), "Rules 951 to 1000 of 1000")
	page.press(`value="spec.workloads[950]"`, "up", nil)
	assert.Contains(t, page.says(), "Rules 901 to 950 of 1000", "it is shown where it is now")
	page.open("/rules?from.spec.workloads=-5")
	assert.Contains(t, page.says(), "Rules 1 to 50 of 1000")
}

// TestWhatWasTypedStaysWithoutItsFile: the file of the specification is gone when a form is
// sent, and comes back.
func TestWhatWasTypedStaysWithoutItsFile(t *testing.T) {
	tree := &oneFile{text: shop}
	b := browse(t, tree, page.Options{})
	b.open(edit("spec.namespaces[0]"))
	tree.text, tree.locked = "", "reading the spec: open bypass.yaml: no such file or directory"
	b.press(buttonOfForm, "save", map[string]string{"excludeInboundPorts": "9102\n7777", "reason": "typed"})
	assert.Equal(t, http.StatusConflict, b.status)
	assert.Contains(t, b.says(), "no such file or directory. What you typed is still here")
	_, values := b.form(buttonOfForm)
	assert.Equal(t, "9102\r\n7777", values.Get("excludeInboundPorts"))
	assert.Equal(t, "typed", values.Get("reason"))
	assert.Empty(t, tree.text)

	tree.text, tree.locked = shop, ""
	b.press(buttonOfForm, "save", nil)
	tree.text, tree.locked = "", "it is gone again"
	b.press("Save into", "save", nil)
	assert.Equal(t, http.StatusConflict, b.status)
	assert.Contains(t, b.says(), "Nothing can be saved: it is gone again.")
	assert.Contains(t, b.says(), "Your changes are still here.")
	assert.NotContains(t, b.says(), "The file changed meanwhile")
	tree.text, tree.locked = shop, ""
	b.open(b.at)
	b.press("Save into", "save", nil)
	assert.Contains(t, tree.text, "7777")

	// Who may change nothing gets no form.
	readOnly := browse(t, &oneFile{text: shop}, page.Options{ReadOnly: "it was started with --read-only"})
	readOnly.post(edit("spec.global"), url.Values{"do": {"save"}, "reason": {"typed"}})
	assert.Equal(t, http.StatusForbidden, readOnly.status)
	readOnly.post(edit("spec.global"), url.Values{"do": {"suspend"}, "of": {"spec.workloads[0]"}})
	assert.Equal(t, http.StatusForbidden, readOnly.status)
}

// TestTypingEntriesChoosesThem: where not set was chosen, the form comes back with what it
// says, and the script is told so.
func TestTypingEntriesChoosesThem(t *testing.T) {
	b := browse(t, &oneFile{text: shop}, page.Options{})
	b.open(edit("spec.namespaces[0]"))
	action, values := b.form(buttonOfForm)
	require.Equal(t, "unset", values.Get("excludeOutboundPorts.state"))
	b.press(buttonOfForm, "save", map[string]string{"excludeOutboundPorts": "70000"})
	require.Equal(t, http.StatusUnprocessableEntity, b.status)
	_, values = b.form(buttonOfForm)
	assert.Equal(t, "list", values.Get("excludeOutboundPorts.state"))
	for typed, says := range map[string]string{
		"70000": `<data hidden data-chooses="excludeOutboundPorts.state" value="list"></data>`, "3306": `<data hidden data-chooses="excludeOutboundPorts.state" value="list"></data>`, "": "",
	} {
		b.post(strings.Replace(action, "/rules/edit", "/entry", 1)+"&field=excludeOutboundPorts", url.Values{"excludeOutboundPorts": {typed}})
		require.Equal(t, http.StatusOK, b.status)
		assert.Contains(t, b.body, says)
		assert.Equal(t, says != "", strings.Contains(b.body, "data-chooses"), typed)
	}
}
