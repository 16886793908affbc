package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/windhover-io/windhover/internal/app"
	"github.com/windhover-io/windhover/internal/flow"
	"github.com/windhover-io/windhover/internal/launch"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/trigger"
)

// simulation is what `trigger simulate` is asked.
type simulation struct {
	from, to, down string
	takes          time.Duration
	max            int
}

func newTriggerSimulate(o *options) *cobra.Command {
	s := &simulation{}
	cmd := &cobra.Command{
		Use:   "simulate FLOW-FILE [TRIGGER]",
		Short: "Print what the schedules of a flow would do; no server is needed",
		Long: "Print the dates of the schedules of a flow and what would become of each: whether it runs, when, and why not.\n" +
			"Dates that a change of the clock leaves out or repeats are marked. With --takes executions take their time, so that\n" +
			"overlaps show; with --down no scheduler runs for a while, so that missed dates show.",
		Example: "  windhover trigger simulate report.yaml --from 2026-03-28 --to 2026-03-31\n" +
			"  windhover trigger simulate report.yaml daily --takes 90m --down 2026-03-29T01:00:00Z/2026-03-29T05:00:00Z",
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error { return s.run(o, cmd, args) },
	}
	cmd.Flags().StringVar(&s.from, "from", "", "the first date, as 2026-03-28 or with time and offset; now unless given")
	cmd.Flags().StringVar(&s.to, "to", "", "the last date; without it a week after the first, or as many as --max")
	cmd.Flags().DurationVar(&s.takes, "takes", 0, "how long each execution takes, such as 90m")
	cmd.Flags().StringVar(&s.down, "down", "", "a time without any scheduler, as FROM/TO")
	cmd.Flags().IntVar(&s.max, "max", 100, "how many dates to print of each trigger")
	return cmd
}

func (s *simulation) run(o *options, cmd *cobra.Command, args []string) error {
	src, err := readFlow(args[0])
	if err != nil {
		return err
	}
	a, err := o.compiler()
	if err != nil {
		return err
	}
	defer func() { _ = a.Stop(cmd.Context()) }()
	f, problems := flow.Compile(src, a.FlowOptions("main", 1))
	if f == nil {
		var text []string
		for _, p := range problems {
			text = append(text, args[0]+": "+p.String())
		}
		return errors.New(strings.Join(text, "\n"))
	}
	var rows []map[string]any
	found := false
	for _, t := range f.Triggers {
		if len(args) > 1 && t.ID != args[1] || len(args) == 1 && t.Kind != model.TriggerSchedule && t.Kind != model.TriggerDates {
			continue
		}
		found = true
		list, err := s.occasions(cmd, a, f, t)
		if err != nil {
			return fmt.Errorf("trigger %s: %w", t.ID, err)
		}
		rows = append(rows, list...)
	}
	if !found {
		if len(args) > 1 {
			return fmt.Errorf("the flow %s has no trigger %s", f.ID, args[1])
		}
		return fmt.Errorf("the flow %s has no schedule", f.ID)
	}
	return o.printValue(cmd, rows, []column{{"TRIGGER", "triggerId"}, {"DATE", "date"}, {"STARTS", "start"}, {"NOTE", "note"}})
}

// occasions are the dates of one trigger, as rows.
func (s *simulation) occasions(cmd *cobra.Command, a *app.App, f *model.Flow, t *model.Trigger) ([]map[string]any, error) {
	world := &launch.World{Context: cmd.Context(), Launcher: a.Launcher, Flow: f}
	declared, err := world.Declare(t, trigger.RecoverAll)
	if err != nil {
		return nil, err
	}
	declared.Disabled = false
	sim := trigger.Simulation{
		Declared: declared, World: world, Takes: s.takes, Max: s.max,
	}
	if sim.From, err = date(s.from, declared.Zone, time.Now()); err != nil {
		return nil, fmt.Errorf("--from: %w", err)
	}
	if sim.To, err = date(s.to, declared.Zone, sim.From.AddDate(0, 0, 7)); err != nil {
		return nil, fmt.Errorf("--to: %w", err)
	}
	if s.down != "" {
		from, to, _ := strings.Cut(s.down, "/")
		var toErr error
		sim.DownFrom, err = date(from, declared.Zone, time.Time{})
		sim.DownTo, toErr = date(to, declared.Zone, time.Time{})
		if err = errors.Join(err, toErr); err != nil || !sim.DownFrom.Before(sim.DownTo) {
			return nil, fmt.Errorf("--down: expected FROM/TO, two dates")
		}
	}
	list, err := sim.Run()
	rows := make([]map[string]any, 0, len(list))
	for _, one := range list {
		row := map[string]any{"triggerId": t.ID, "date": one.Date.Format(time.RFC3339), "note": strings.Join(one.Notes, "; ")}
		if one.Start != nil {
			row["start"] = one.Start.In(declared.Zone).Format(time.RFC3339)
		}
		rows = append(rows, row)
	}
	return rows, err
}

// date reads a date, with a time and an offset or without, in a time zone.
func date(text string, zone *time.Location, otherwise time.Time) (time.Time, error) {
	if text == "" {
		return otherwise, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, fmt.Errorf("%q is not a date such as 2026-03-28 or 2026-03-28T12:00:00Z", text)
}
