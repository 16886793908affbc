package serdes

import (
	"fmt"
	"regexp"
	"time"

	"github.com/windhover-io/windhover/internal/expr/javatime"
	"github.com/windhover-io/windhover/internal/value"
)

// Dates say how dates become text.
type Dates struct {
	DateFormat     string `json:"dateFormat" default:"yyyy-MM-dd" doc:"The pattern of dates."`
	TimeFormat     string `json:"timeFormat" default:"HH:mm:ss[XXX]" doc:"The pattern of times."`
	DateTimeFormat string `json:"dateTimeFormat" default:"yyyy-MM-dd'T'HH:mm:ss.SSS[XXX]" doc:"The pattern of dates with times."`
	TimeZoneID     string `json:"timeZoneId" doc:"The time zone that dates with a zone are shown in; that of the system unless it is set."`
}

// formats writes dates.
type formats struct {
	Dates
	zone *time.Location
}

// formats checks the patterns.
func (d Dates) formats() (*formats, error) {
	z, err := zone(d.TimeZoneID)
	if err != nil {
		return nil, err
	}
	for name, pattern := range map[string]string{"dateFormat": d.DateFormat, "timeFormat": d.TimeFormat, "dateTimeFormat": d.DateTimeFormat} {
		if _, err := javatime.Format(time.Unix(0, 0), pattern, javatime.FindLanguage("")); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return &formats{d, z}, nil
}

// optionalZone is an optional section of a pattern that writes a zone: wall times have none.
var optionalZone = regexp.MustCompile(`\[[^\[\]]*[XxZzVO][^\[\]]*\]`)

// text prints a value: dates by their patterns, everything else as Java prints it.
func (f *formats) text(v any) (string, error) {
	switch x := v.(type) {
	case string:
		return x, nil
	case value.Instant:
		return f.format(x.T.UTC(), f.DateTimeFormat)
	case value.ZonedDateTime:
		return f.format(x.T.In(f.zone), f.DateTimeFormat)
	case value.LocalDateTime:
		return f.format(x.T, optionalZone.ReplaceAllString(f.DateTimeFormat, ""))
	case value.LocalDate:
		return f.format(x.T, optionalZone.ReplaceAllString(f.DateFormat, ""))
	case value.LocalTime:
		return f.format(x.T, optionalZone.ReplaceAllString(f.TimeFormat, ""))
	}
	return value.JavaString(v), nil
}

func (f *formats) format(t time.Time, pattern string) (string, error) {
	return javatime.Format(t, pattern, javatime.FindLanguage(""))
}

// moved shows the dates in a value that have a zone in another one.
func moved(v any, z *time.Location) any {
	switch x := v.(type) {
	case value.ZonedDateTime:
		return value.ZonedDateTime{T: x.T.In(time.FixedZone("", offset(x.T, z)))}
	case []any:
		list := make([]any, len(x))
		for i, item := range x {
			list[i] = moved(item, z)
		}
		return list
	case *value.Map:
		m := value.NewMap(x.Len())
		for k, item := range x.All() {
			m.Set(k, moved(item, z))
		}
		return m
	}
	return v
}

// offset is that of a zone at a time, in seconds.
func offset(t time.Time, z *time.Location) int {
	_, seconds := t.In(z).Zone()
	return seconds
}
