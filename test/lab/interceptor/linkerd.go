package interceptor

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// The annotations from which Linkerd's injector makes arguments of its init
// container (linkerd/linkerd2 pkg/k8s/labels.go), and what it takes without
// them (charts/linkerd-control-plane/values.yaml).
const (
	linkerdInboundPorts  = "config.linkerd.io/skip-inbound-ports"
	linkerdOutboundPorts = "config.linkerd.io/skip-outbound-ports"
	linkerdSubnets       = "config.linkerd.io/skip-subnets"
	linkerdDefaultPorts  = "4567,4568"
	// linkerdOwnPorts are those of the proxy's tap and admin servers, which go
	// before the others (charts/partials/templates/_proxy-init.tpl).
	linkerdOwnPorts = "4190,4191"
)

// LinkerdProxy is Linkerd's proxy (linkerd/linkerd2
// charts/linkerd-control-plane/values.yaml).
var LinkerdProxy = Proxy{UID: lab.LinkerdProxy, Outbound: 4140, Inbound: 4143}

// LinkerdProgram is what Linkerd's init container does by linkerd2-proxy-init 1.6.2, the
// newest that the Go module proxy has, to be built by lab.Main.
var LinkerdProgram = lab.Program{Name: "linkerd-proxy-init", Directory: "test/interceptors/linkerd"}

// Linkerd16Init is the container linkerd-init by that program. It knows IPv4 alone.
type Linkerd16Init struct {
	// Mode is the chart's iptablesMode: nft or legacy.
	Mode string
}

// Run runs it.
func (l Linkerd16Init) Run(pod *lab.Host, annotations map[string]string) error {
	iptables := "iptables-" + l.Mode
	arguments := []string{
		"--incoming-proxy-port", fmt.Sprint(LinkerdProxy.Inbound), "--outgoing-proxy-port", fmt.Sprint(LinkerdProxy.Outbound),
		"--proxy-uid", fmt.Sprint(LinkerdProxy.UID), "--firewall-bin-path", iptables, "--firewall-save-bin-path", iptables + "-save",
	}
	for _, list := range linkerdListsOf(annotations) {
		arguments = append(arguments, list.flag, list.value)
	}
	_, err := pod.Try(exec.Command(lab.Binary(LinkerdProgram.Name), arguments...))
	return err
}

// LinkerdInit is the container linkerd-init: linkerd/linkerd2-proxy-init at 183e791,
// written down, since the Go module proxy has no module of it after 1.6.2. The lines are
// those of pkg/iptables/iptables.go, if nothing else is said; what the real program left
// for some annotations is in test/e2e/testdata/rules/linkerd.txt.
type LinkerdInit struct {
	// Mode is the program's --iptables-mode: nft or legacy.
	Mode string
	// IPv6 is set where the chart's disableIPv6 is not, which it is by default.
	IPv6 bool
}

// Run runs it: for IPv4, and then for IPv6 (proxy-init/cmd/root.go:102-131).
func (l LinkerdInit) Run(pod *lab.Host, annotations map[string]string) error {
	arguments, err := linkerdArgumentsOf(annotations)
	if err != nil {
		return err
	}
	if err := arguments.configure(pod, "iptables-"+l.Mode); err != nil || !l.IPv6 {
		return err
	}
	return arguments.configure(pod, "ip6tables-"+l.Mode)
}

// linkerdList is one of the lists among the arguments of linkerd-init.
type linkerdList struct{ flag, value string }

// linkerdListsOf makes them of annotations as the template does (linkerd/linkerd2
// charts/partials/templates/_proxy-init.tpl): an empty one has no flag.
func linkerdListsOf(annotations map[string]string) []linkerdList {
	own := linkerdOwnPorts
	if ports := said(annotations, linkerdInboundPorts, linkerdDefaultPorts); ports != "" {
		own += "," + ports
	}
	return slices.DeleteFunc([]linkerdList{
		{"--inbound-ports-to-ignore", own},
		{"--outbound-ports-to-ignore", said(annotations, linkerdOutboundPorts, linkerdDefaultPorts)},
		{"--subnets-to-ignore", annotations[linkerdSubnets]},
	}, func(list linkerdList) bool { return list.value == "" })
}

// linkerdArguments are those lists as the program has read them.
type linkerdArguments struct{ inbound, outbound, subnets []string }

// linkerdArgumentsOf reads them as the program does: each is a line of CSV to
// spf13/pflag's StringSlice, and a subnet has to be one (proxy-init/cmd/root.go:206-216).
func linkerdArgumentsOf(annotations map[string]string) (linkerdArguments, error) {
	var all linkerdArguments
	of := map[string]*[]string{
		"--inbound-ports-to-ignore": &all.inbound, "--outbound-ports-to-ignore": &all.outbound, "--subnets-to-ignore": &all.subnets,
	}
	for _, list := range linkerdListsOf(annotations) {
		var err error
		if *of[list.flag], err = csv.NewReader(strings.NewReader(list.value)).Read(); err != nil {
			return all, fmt.Errorf("reading %q: %w", list.value, err)
		}
	}
	for i, subnet := range all.subnets {
		all.subnets[i] = strings.TrimSpace(subnet)
		if _, _, err := net.ParseCIDR(all.subnets[i]); err != nil {
			return all, fmt.Errorf("%s is not a valid CIDR address", all.subnets[i])
		}
	}
	return all, nil
}

// said is the value of an annotation that stands, empty or not.
func said(annotations map[string]string, key, otherwise string) string {
	if value, stands := annotations[key]; stands {
		return value
	}
	return otherwise
}

// configure is ConfigureFirewall (lines 68-107): one command a rule, up to the first that
// fails. A chain that is there is flushed and filled anew; a jump that is there is left
// as it is.
func (a linkerdArguments) configure(pod *lab.Host, iptables string) error {
	saved, err := save(pod, iptables+"-save -t nat")
	if err != nil {
		return err
	}
	var failure error
	nat := func(rule string) {
		if failure == nil {
			words := strings.Split("-t nat "+rule, " ") // an empty word stays one
			_, failure = pod.Try(exec.Command(iptables, words...))
		}
	}
	fill := func(builtin, chain string, rules func(append func(rule string))) {
		if strings.Contains(saved, "\n:"+chain+" ") {
			nat("-F " + chain)
		} else {
			nat("-N " + chain)
		}
		rules(func(rule string) { nat("-A " + chain + " " + rule) })
		if !regexp.MustCompile(`(?m)^-A ` + builtin + ` (.+ )?-j ` + chain).MatchString(saved) { // lines 36-37
			nat("-A " + builtin + " -j " + chain)
		}
	}
	fill("PREROUTING", "PROXY_INIT_REDIRECT", func(add func(string)) { // lines 218-262
		linkerdIgnorePorts(a.inbound, add)
		for _, subnet := range a.subnets {
			add("-p all -j RETURN -s " + subnet)
		}
		add(fmt.Sprint("-p tcp -j REDIRECT --to-port ", LinkerdProxy.Inbound))
	})
	fill("OUTPUT", "PROXY_INIT_OUTPUT", func(add func(string)) { // lines 180-216
		add(fmt.Sprint("-m owner --uid-owner ", LinkerdProxy.UID, " -j RETURN"))
		add("-o lo -j RETURN")
		linkerdIgnorePorts(a.outbound, add)
		add(fmt.Sprint("-p tcp -j REDIRECT --to-port ", LinkerdProxy.Outbound))
	})
	return failure
}

// linkerdIgnorePorts are addRulesForIgnoredPorts and makeMultiportDestinations (lines
// 264-306): fifteen ports to a rule, of which a range takes two. An entry that is no port
// is passed over; if none is left, there is a rule with none.
func linkerdIgnorePorts(list []string, add func(rule string)) {
	const most = 15
	if len(list) == 0 {
		return
	}
	var chunk []string
	taken := 0
	finish := func() {
		add("-p tcp --match multiport --dports " + strings.Join(chunk, ",") + " -j RETURN")
		chunk, taken = nil, 0
	}
	for _, entry := range list {
		ports, size, err := linkerdPorts(entry)
		if err != nil {
			continue
		}
		if taken+size > most {
			finish()
		}
		chunk, taken = append(chunk, ports), taken+size
	}
	finish()
}

var errNoPort = errors.New("not a port, nor a range of them")

// linkerdPorts is ParsePortRange (pkg/util/portrange.go:30-54).
func linkerdPorts(entry string) (text string, size int, err error) {
	first, last, isRange := strings.Cut(entry, "-")
	if !isRange {
		last = first
	}
	lower, err := strconv.Atoi(first)
	if err != nil || lower < 0 || lower > 65535 {
		return "", 0, errNoPort
	}
	upper, err := strconv.Atoi(last)
	if err != nil || upper < lower || upper > 65535 {
		return "", 0, errNoPort
	}
	if lower == upper {
		return strconv.Itoa(lower), 1, nil
	}
	return fmt.Sprintf("%d:%d", lower, upper), 2, nil
}

// IPv4 alone is what the newest does by default too.
func linkerdVariants() []Variant {
	variant := func(name, rules string, init InitContainer, backend Backend, families ...lab.Family) Variant {
		return Variant{
			Interceptor: ByInit("linkerd-"+name, LinkerdProxy, init, nil), Mesh: "Linkerd", Rules: "linkerd/linkerd2-proxy-init " + rules,
			Backend: backend, Families: families,
		}
	}
	const newest, old = "183e791, written down", "v1.6.2"
	return []Variant{
		variant("iptables", newest, LinkerdInit{Mode: "nft", IPv6: true}, IptablesNFT, bothFamilies...),
		variant("iptables-legacy", newest, LinkerdInit{Mode: "legacy", IPv6: true}, IptablesLegacy, bothFamilies...),
		variant("1.6.2-iptables", old, Linkerd16Init{Mode: "nft"}, IptablesNFT, lab.IPv4),
		variant("1.6.2-iptables-legacy", old, Linkerd16Init{Mode: "legacy"}, IptablesLegacy, lab.IPv4),
	}
}
