// Package differential compares, over random settings and connections, what is
// said of a connection with what becomes of it:
//
//   - by the decision function, traffic.Settings.Decide;
//   - by krm-bypass-init in front of an interceptor that redirects everything;
//   - by the real istio-iptables, given the annotations alone that the function
//     writes for those settings;
//   - by both together, as a pod has them.
//
// docs/semantics.md tells users where Istio alone differs and why; each such
// place is a named exception here.
package differential
