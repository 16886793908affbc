package expr

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/expr/javatime"
	"github.com/windhover-io/windhover/internal/value"
)

var (
	dateParams      = []string{"format", "timeZone", "existingFormat", "locale"}
	timestampParams = []string{"timeZone", "existingFormat"}
)

// dateOptions are the arguments that the date filters and functions share; "" where one was not given.
type dateOptions struct {
	format, existing string
	zone             *time.Location
	lang             *javatime.Language
}

// dateOptions reads the arguments at the given places; -1 for one that the filter lacks.
func (c *invocation) dateOptions(format, zone, existing, locale int) (dateOptions, error) {
	o := dateOptions{format: "iso", zone: c.st.location()}
	tag, zoneName := "en", ""
	if v, given := c.arg(format); given && v == nil {
		return o, errors.New("the format is null")
	}
	for _, arg := range []struct {
		at int
		to *string
	}{{format, &o.format}, {zone, &zoneName}, {existing, &o.existing}, {locale, &tag}} {
		text, err := c.textOr(arg.at, *arg.to)
		if err != nil {
			return o, err
		}
		*arg.to = text
	}
	o.lang = javatime.FindLanguage(tag)
	if c.optional(zone) != nil {
		var err error
		if o.zone, err = javatime.Zone(zoneName); err != nil {
			return o, err
		}
	}
	return o, nil
}

// location is the zone that dates are shown in by default.
func (st *state) location() *time.Location {
	if z, ok := st.env.(Zoner); ok {
		if l := z.Location(); l != nil {
			return l
		}
	}
	return time.UTC
}

// msFrom is the number from which on a count is of milliseconds rather than of seconds.
const msFrom = 1_000_000_000_000

// moment reads a date of any kind, in its own zone where it has one and else in that of the options. A number counts
// seconds since 1970, or milliseconds where it has more than twelve digits.
func (o dateOptions) moment(v any) (time.Time, error) {
	switch x := v.(type) {
	case value.Instant:
		return x.T.In(o.zone), nil
	case value.ZonedDateTime:
		return x.T, nil
	case value.LocalDateTime:
		return javatime.InZone(x.T, o.zone), nil
	case value.LocalDate:
		return javatime.InZone(x.T.Add(12*time.Hour), o.zone), nil
	case string:
		return o.parse(x)
	}
	if n, ok := value.AsInt(v); ok {
		if n <= -msFrom || n >= msFrom {
			return time.UnixMilli(n).In(o.zone), nil
		}
		return time.Unix(n, 0).In(o.zone), nil
	}
	return time.Time{}, fmt.Errorf("expected a date, found %s", value.TypeName(v))
}

func (o dateOptions) parse(text string) (time.Time, error) {
	var t time.Time
	var kind javatime.Kind
	if o.existing != "" {
		var err error
		if t, kind, err = javatime.ParsePattern(text, o.existing, o.lang); err != nil {
			return t, err
		}
	} else if t, kind = javatime.ParseISO(text); kind == javatime.None {
		return t, fmt.Errorf("the text %q is not an ISO date; give its pattern as existingFormat", shorten(text))
	}
	if kind == javatime.Zoned {
		return t, nil
	}
	return javatime.InZone(t, o.zone), nil
}

// text writes a moment in the zone of the options.
func (o dateOptions) text(t time.Time) (any, error) {
	return javatime.Format(t.In(o.zone), o.format, o.lang)
}

func shorten(s string) string {
	const limit = 60
	if len(s) > limit {
		return s[:limit] + "…"
	}
	return s
}

func dateFilter(c *invocation) (any, error) {
	o, err := c.dateOptions(0, 1, 2, 3)
	if err != nil {
		return nil, err
	}
	t, err := o.moment(c.in)
	if err != nil {
		return nil, err
	}
	return o.text(t)
}

func dateAdd(c *invocation) (any, error) {
	o, err := c.dateOptions(2, 3, 4, 5)
	if err != nil {
		return nil, err
	}
	amount, err := c.amount()
	if err != nil {
		return nil, err
	}
	unit, err := c.text(1)
	if err != nil {
		return nil, err
	}
	t, err := o.moment(c.in)
	if err != nil {
		return nil, err
	}
	if t, err = javatime.Add(t, amount, javatime.Unit(unit)); err != nil {
		return nil, err
	}
	return o.text(t)
}

// amount is the first argument: a number, its fraction cut off, or the text of a whole number.
func (c *invocation) amount() (int64, error) {
	v, err := c.required(0)
	if err != nil {
		return 0, err
	}
	if s, ok := v.(string); ok {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("the argument %q must be a whole number, found %q", c.params[0], shorten(s))
		}
		return n, nil
	}
	if n, ok := value.AsInt(v); ok {
		return n, nil
	}
	f, ok := value.AsFloat(v)
	if !ok || math.IsNaN(f) || math.Abs(f) >= 1<<63 {
		return 0, fmt.Errorf("the argument %q must be a number, found %s", c.params[0], value.TypeName(v))
	}
	return int64(f), nil
}

func (c *invocation) timestamp() (time.Time, error) {
	o, err := c.dateOptions(-1, 0, 1, -1)
	if err != nil {
		return time.Time{}, err
	}
	return o.moment(c.in)
}

func timestamp(c *invocation) (any, error) {
	t, err := c.timestamp()
	if err != nil {
		return nil, err
	}
	return t.Unix(), nil
}

func timestampMilli(c *invocation) (any, error) {
	t, err := c.timestamp()
	if err != nil {
		return nil, err
	}
	return t.UnixMilli(), nil
}

func timestampMicro(c *invocation) (any, error) { return c.timestampText(1_000_000) }

func timestampNano(c *invocation) (any, error) { return c.timestampText(1_000_000_000) }

// timestampText counts in units too small for some dates to fit in 64 bits, and gives text as the reference does.
func (c *invocation) timestampText(perSecond int64) (any, error) {
	t, err := c.timestamp()
	if err != nil {
		return nil, err
	}
	n := new(big.Int).Mul(big.NewInt(t.Unix()), big.NewInt(perSecond))
	return n.Add(n, big.NewInt(int64(t.Nanosecond())/(1_000_000_000/perSecond))).String(), nil
}

// now formats the present moment, which the Env knows.
func now(c *invocation) (any, error) {
	o, err := c.dateOptions(0, 1, 2, 3)
	if err != nil {
		return nil, err
	}
	v, err := c.ask("now", nil)
	if err != nil {
		return nil, err
	}
	t, err := o.moment(value.Normalize(v))
	if err != nil {
		return nil, err
	}
	return o.text(t)
}

// dateOperand reads the operand of a comparison as a date: a value that is one, or ISO text with date and time.
func dateOperand(v any) (time.Time, bool) {
	switch x := v.(type) {
	case string:
		t, kind := javatime.ParseISO(x)
		return t, kind != javatime.None
	case value.Instant:
		return x.T, true
	case value.ZonedDateTime:
		return x.T, true
	case value.LocalDateTime:
		return x.T, true
	case value.LocalDate:
		return x.T, true
	}
	return time.Time{}, false
}

// dateMethod has the properties of dates that flows read.
func dateMethod(v any, name string, args []any) (any, bool, error) {
	t, ok := dateOperand(v)
	if _, isText := v.(string); !ok || isText {
		return nil, false, nil
	}
	if len(args) > 0 {
		return moved(v, t, name, args)
	}
	switch name {
	case "getDayOfWeek":
		return weekdayName(t), true, nil
	case "getYear":
		return int32(t.Year()), true, nil
	case "getMonthValue":
		return int32(t.Month()), true, nil
	case "getDayOfMonth":
		return int32(t.Day()), true, nil
	case "getDayOfYear":
		return int32(t.YearDay()), true, nil
	case "getHour":
		return int32(t.Hour()), true, nil
	case "getMinute":
		return int32(t.Minute()), true, nil
	case "getSecond":
		return int32(t.Second()), true, nil
	case "getNano":
		return int32(t.Nanosecond()), true, nil
	case "getEpochSecond", "toEpochSecond":
		return t.Unix(), true, nil
	case "toEpochMilli":
		return t.UnixMilli(), true, nil
	}
	return nil, false, nil
}

// moved has the methods of dates that add or take away: plusDays(1), minusHours(2). A date without a time knows days and
// longer units only, a moment seconds and shorter ones, as in Java.
func moved(v any, t time.Time, name string, args []any) (any, bool, error) {
	sign, unit := int64(1), ""
	if rest, ok := strings.CutPrefix(name, "plus"); ok {
		unit = rest
	} else if rest, ok := strings.CutPrefix(name, "minus"); ok {
		sign, unit = -1, rest
	}
	amount, isWhole := value.AsInt(args[0])
	units := "Days Weeks Months Years"
	switch v.(type) {
	case value.Instant:
		units = "Nanos Millis Seconds"
	case value.ZonedDateTime, value.LocalDateTime:
		units += " Nanos Seconds Minutes Hours"
	}
	if len(args) != 1 || !isWhole || !slices.Contains(strings.Fields(units), unit) {
		return nil, false, nil
	}
	t, err := javatime.Add(t, sign*amount, javatime.Unit(strings.ToUpper(unit)))
	if err != nil {
		return nil, false, err
	}
	switch v.(type) {
	case value.Instant:
		return value.Instant{T: t}, true, nil
	case value.ZonedDateTime:
		return value.ZonedDateTime{T: t}, true, nil
	case value.LocalDateTime:
		return value.LocalDateTime{T: t}, true, nil
	case value.LocalDate:
		return value.LocalDate{T: t}, true, nil
	}
	return nil, false, nil
}
