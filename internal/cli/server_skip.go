package cli

import (
	"strings"

	"github.com/spf13/pflag"

	"github.com/windhover-io/windhover/internal/executor"
	"github.com/windhover-io/windhover/internal/httpapi"
)

// skipOptions are the flags of the commands that start an executor, which say what it leaves alone.
type skipOptions struct{ executions, flows, namespaces, tenants []string }

// add adds the flags. The reference's newest releases say ignore where it said skip.
func (s *skipOptions) add(f *pflag.FlagSet) {
	f.StringSliceVar(&s.executions, "skip-executions", nil, "ids of executions to leave alone, to look for what is wrong with them")
	f.StringSliceVar(&s.flows, "skip-flows", nil, "flows whose executions are left alone, as [TENANT|]NAMESPACE|FLOW")
	f.StringSliceVar(&s.namespaces, "skip-namespaces", nil, "namespaces whose executions are left alone, as [TENANT|]NAMESPACE")
	f.StringSliceVar(&s.tenants, "skip-tenants", nil, "tenants whose executions are left alone")
	for _, name := range []string{"skip-indexer-records", "start-executors", "not-start-executors"} {
		f.StringSlice(name, nil, "accepted and without meaning: there is neither an indexer nor streams")
		_ = f.MarkHidden(name)
	}
	f.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		if rest, ok := strings.CutPrefix(name, "ignore-"); ok {
			name = "skip-" + rest
		}
		return pflag.NormalizedName(name)
	})
}

func (s *skipOptions) parse() (executor.Skip, error) {
	return executor.ParseSkip(httpapi.Tenant, s.executions, s.flows, s.namespaces, s.tenants)
}
