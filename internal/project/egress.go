package project

import (
	"net/netip"

	"go.yaml.in/yaml/v3"
)

// egress reads the addresses that requests of schedules may go to although they are refused otherwise.
func (l *loader) egress(n *yaml.Node) {
	l.object(n, "egress", fields{"allow": func(n *yaml.Node) {
		var words []string
		l.words(&words, "allow of egress")(n)
		for i, word := range words {
			prefix, err := netip.ParsePrefix(word)
			if address, one := netip.ParseAddr(word); one == nil {
				prefix, err = netip.PrefixFrom(address, address.BitLen()), nil
			}
			if err != nil {
				l.errorf(resolve(resolve(n).Content[i]), "an address such as 127.0.0.1, or a range such as 10.0.0.0/8", "egress cannot allow %q", word)
				continue
			}
			l.project.Egress = append(l.project.Egress, prefix.Masked())
		}
	}})
}
