package nft

import (
	"fmt"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Standing gives what the table that stands says by its sets, as the flags of the fields
// say it; nil if there is no table. Rules without a set say nothing here.
func Standing() (values map[traffic.Field][]string, err error) {
	err = undisturbed(func(k *kernel) error {
		got, err := k.read()
		if err != nil || got.absent {
			return err
		}
		values = map[traffic.Field][]string{}
		for _, s := range got.sets {
			for _, f := range traffic.Fields {
				if suffix, is := strings.CutPrefix(s.Name, f.Flag()+"-"); is && entries[suffix] != "" {
					for _, i := range s.Intervals {
						values[f] = append(values[f], s.entry(i, entries[suffix]))
					}
				}
			}
		}
		return nil
	})
	return values, err
}

// entries are the forms of flags' entries, by the suffixes of sets.
var entries = map[string]string{"tcp": "%s/TCP", "udp": "%s/UDP", "ip": "%s", "ip6": "%s"}

// entry writes an element as the flags say it.
func (s Set) entry(i Interval, form string) string {
	words := strings.Split(s.Type.Write(i), concatenated)
	if len(words) == 3 {
		return words[0] + "@" + words[2] + "/" + strings.ToUpper(words[1])
	}
	return fmt.Sprintf(form, words[0])
}
