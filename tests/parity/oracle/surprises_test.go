package main

import (
	"fmt"
	"strings"
)

// A surprise is a case whose answer a second implementation gets wrong at first. Nodes n1, n2 and n3
// are in the zones a, b and c. The wanted plugins are those that refuse: by node, or under "" on all.
type surprise struct {
	says   string
	fields string
	want   map[string]string
}

const (
	claim      = `"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]`
	port       = `"containers": [{"name": "c", "ports": [{"containerPort": 80, "hostPort": 80}]}]`
	boundClaim = `"persistentVolumeClaims": [{"metadata": {"name": "c", "annotations": {%s}},
		"spec": {"volumeName": "v", "storageClassName": "s"}, "status": {"phase": "Bound"}}],
		"storageClasses": [{"metadata": {"name": "s"}, "provisioner": "p"}],
		"persistentVolumes": [{"metadata": {"name": "v"}, "spec": {"nodeAffinity": {"required": {
		"nodeSelectorTerms": [{"matchExpressions": [{"key": "topology.kubernetes.io/zone", "operator": "In",
		"values": ["b"]}]}]}}, "csi": {"driver": "p", "volumeHandle": "h"}}}]`
)

var surprises = []surprise{
	{
		"two affinity terms are met by one and the same pod, not by one each",
		fmt.Sprintf(`"pods": [%s, %s, %s], "pod": %s`, pod("q", "n1", `"x": "1"`, ""), pod("r", "n1", `"y": "1"`, ""),
			pod("s", "n2", `"x": "1", "y": "1"`, ""), pod("p", "", "", affinity("podAffinity", `"x": "1"`, `"y": "1"`))),
		map[string]string{"n1": "InterPodAffinity", "n3": "InterPodAffinity"},
	},
	{
		"an affinity to itself is met by the first pod of its group, but not by the second",
		fmt.Sprintf(`"pods": [%s], "pod": %s`, pod("q", "n1", `"x": "2"`, ""),
			pod("p", "", `"x": "1"`, affinity("podAffinity", `"x": "1"`))),
		nil,
	},
	{
		"an affinity to itself is not met by the second pod of its group in another zone",
		fmt.Sprintf(`"pods": [%s], "pod": %s`, pod("q", "n1", `"x": "1"`, ""),
			pod("p", "", `"x": "1"`, affinity("podAffinity", `"x": "1"`))),
		map[string]string{"n2": "InterPodAffinity", "n3": "InterPodAffinity"},
	},
	{
		"anti-affinity holds for the newcomer that a placed pod does not want near",
		fmt.Sprintf(`"pods": [%s], "pod": %s`, pod("q", "n1", "", affinity("podAntiAffinity", `"x": "1"`)),
			pod("p", "", `"x": "1"`, "")),
		map[string]string{"n1": "InterPodAffinity"},
	},
	{
		"matchLabelKeys narrow a term to the pod's own revision",
		fmt.Sprintf(`"pods": [%s, %s], "pod": %s`, pod("q", "n1", `"x": "1", "rev": "1"`, ""),
			pod("r", "n2", `"x": "1", "rev": "2"`, ""), pod("p", "", `"x": "1", "rev": "2"`,
				strings.Replace(affinity("podAntiAffinity", `"x": "1"`), `"topologyKey"`,
					`"matchLabelKeys": ["rev"], "topologyKey"`, 1))),
		map[string]string{"n2": "InterPodAffinity"},
	},
	{
		"with fewer zones than minDomains the least is none",
		fmt.Sprintf(`"pods": [%s, %s, %s], "pod": %s`, pod("q", "n1", `"x": "1"`, ""), pod("r", "n2", `"x": "1"`, ""),
			pod("s", "n3", `"x": "1"`, ""), pod("p", "", `"x": "1"`, spread(`"minDomains": 4,`, `{"matchLabels": {"x": "1"}}`))),
		map[string]string{"n1": "PodTopologySpread", "n2": "PodTopologySpread", "n3": "PodTopologySpread"},
	},
	{
		"a spread whose selector is empty counts nobody",
		fmt.Sprintf(`"pods": [%s, %s], "pod": %s`, pod("q", "n1", "", ""), pod("r", "n1", "", ""),
			pod("p", "", "", spread("", "{}"))),
		nil,
	},
	{
		"a claim that is bound, but lacks the annotation, is not bound",
		fmt.Sprintf(`"pod": %s, %s`, pod("p", "", "", claim), fmt.Sprintf(boundClaim, "")),
		map[string]string{"": "VolumeBinding"},
	},
	{
		"a claim with the annotation is bound",
		fmt.Sprintf(`"score": true, "pod": %s, %s`, pod("p", "", "", claim),
			fmt.Sprintf(boundClaim, `"pv.kubernetes.io/bind-completed": "yes"`)),
		map[string]string{"n1": "VolumeBinding", "n3": "VolumeBinding"},
	},
	{
		"a missing claim is VolumeRestrictions' to refuse",
		fmt.Sprintf(`"pod": %s`, pod("p", "", "", claim)),
		map[string]string{"": "VolumeRestrictions"},
	},
	{
		"a port of the host's network is a port of the host",
		fmt.Sprintf(`"pods": [%s], "pod": %s`, pod("q", "n1", "", port), pod("p", "", "",
			`"hostNetwork": true, "containers": [{"name": "c", "ports": [{"containerPort": 80}]}]`)),
		map[string]string{"n1": "NodePorts"},
	},
	{
		"room is kept for a nominated pod of the same priority",
		fmt.Sprintf(`"nominated": [{"pod": %s, "node": "n1"}], "pod": %s`, pod("q", "", "", port), pod("p", "", "", port)),
		map[string]string{"n1": "NodePorts"},
	},
}

func node(name, zone string) string {
	return fmt.Sprintf(`{"metadata": {"name": %q, "labels": {"topology.kubernetes.io/zone": %q}}, `+
		`"status": {"allocatable": {"cpu": "4", "memory": "8Gi", "pods": "10"}}}`, name, zone)
}

func pod(name, node, labels, spec string) string {
	if !strings.Contains(spec, `"containers"`) {
		spec = strings.TrimPrefix(spec+`, "containers": [{"name": "c"}]`, ", ")
	}
	return fmt.Sprintf(`{"metadata": {"name": %q, "labels": {%s}}, "spec": {"nodeName": %q, %s}}`,
		name, labels, node, spec)
}

func affinity(kind string, selectors ...string) string {
	var terms []string
	for _, labels := range selectors {
		terms = append(terms, fmt.Sprintf(
			`{"topologyKey": "topology.kubernetes.io/zone", "labelSelector": {"matchLabels": {%s}}}`, labels))
	}
	return fmt.Sprintf(`"affinity": {%q: {"requiredDuringSchedulingIgnoredDuringExecution": [%s]}}`,
		kind, strings.Join(terms, ", "))
}

func spread(more, selector string) string {
	return fmt.Sprintf(`"topologySpreadConstraints": [{%s "maxSkew": 1, "labelSelector": %s,
		"topologyKey": "topology.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"}]`, more, selector)
}

func (s surprise) line() []byte {
	return fmt.Appendf(nil, `{"nodes": [%s, %s, %s], %s}`, node("n1", "a"), node("n2", "b"), node("n3", "c"), s.fields)
}

func (s surprise) refusals() map[string]string {
	if s.want == nil {
		return map[string]string{}
	}
	return s.want
}
