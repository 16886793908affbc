package inputs

import (
	"fmt"
	"math"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/expr/ion"
	"github.com/windhover-io/windhover/internal/expr/javaregex"
	"github.com/windhover-io/windhover/internal/expr/yamltext"
	"github.com/windhover-io/windhover/internal/jsonschema"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/value"
)

// parse converts what was given to an input's type and validates it.
func (r *Resolver) parse(in *model.Input, raw any, options []string) (any, error) {
	v, err := r.convert(in, in.Type, raw, options)
	if err != nil {
		return nil, err
	}
	return stored(v), nil
}

// stored is the text in which an execution keeps a date or time among its inputs, and in which expressions see it:
// moments in UTC with six digits of fraction, times with their seconds and as many digits as there are.
func stored(v any) any {
	switch v := v.(type) {
	case value.Instant:
		return v.T.UTC().Format("2006-01-02T15:04:05.000000Z")
	case value.LocalTime:
		return v.T.Format("15:04:05.999999999")
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = stored(e)
		}
		return out
	}
	return v
}

func (r *Resolver) convert(in *model.Input, typ string, raw any, options []string) (any, error) {
	switch typ {
	case "STRING":
		return checkPattern(in, value.Print(raw))
	case "SECRET":
		return r.secret(in, raw)
	case "EMAIL":
		return email(value.Print(raw))
	case "INT":
		return integer(in, raw)
	case "FLOAT":
		return float(in, raw)
	case "BOOLEAN", "BOOL":
		return raw == true || strings.EqualFold(value.Print(raw), "true"), nil
	case "DATETIME", "DATE", "TIME", "DURATION":
		return temporal(in, typ, raw)
	case "FILE":
		return file(in, raw)
	case "URI":
		return uri(value.Print(raw))
	case "JSON", "YAML", "ION":
		return document(in, typ, raw)
	case "ARRAY":
		return r.array(in, raw)
	case "SELECT", "ENUM":
		return selected(in, value.Print(raw), options)
	case "MULTISELECT":
		return r.multi(in, raw, options)
	}
	return raw, nil
}

func received(typ string, raw any, why string) error {
	return fmt.Errorf("Expected `%s` but received `%s` with errors: ```%s```", typ, value.Print(raw), why)
}

// checkPattern applies a validator: a Java regular expression that has to match the whole text.
func checkPattern(in *model.Input, s string) (any, error) {
	v, _ := in.Props.Get("validator")
	if v == nil {
		return s, nil
	}
	pattern := value.Print(v)
	ok, err := matchesWhole(pattern, s)
	if err != nil {
		return nil, fmt.Errorf("its validator `%s` cannot be used: %w", pattern, err)
	}
	if !ok {
		return nil, fmt.Errorf("it must match the pattern `%s`", pattern)
	}
	return s, nil
}

// matchTime bounds a match of a validator that needs backtracking.
const matchTime = time.Second

func matchesWhole(pattern, s string) (bool, error) {
	re, err := javaregex.Compile(pattern, javaregex.Limits{Time: matchTime})
	if err != nil {
		return false, err
	}
	return re.MatchAll(s)
}

func (r *Resolver) secret(in *model.Input, raw any) (any, error) {
	if m, ok := raw.(*value.Map); ok {
		if t, _ := m.Get("type"); t == model.EncryptedType {
			return m, nil
		}
	}
	text := value.Print(raw)
	if _, err := checkPattern(in, text); err != nil {
		return nil, err
	}
	if r.Encrypt == nil {
		return nil, fmt.Errorf("secrets need an encryption key: set kestra.encryption.secret-key")
	}
	sealed, err := r.Encrypt(text)
	if err != nil {
		return nil, err
	}
	return value.MapOf(value.Entry{Key: "type", Value: model.EncryptedType}, value.Entry{Key: "value", Value: sealed}), nil
}

var emailPattern = regexp.MustCompile(`^$|^[a-zA-Z0-9_!#$%&'*+/=?` + "`" + `{|}~^.-]+@[a-zA-Z0-9.-]+$`)

func email(s string) (any, error) {
	if !emailPattern.MatchString(s) {
		return nil, fmt.Errorf("The input must be a valid email")
	}
	return s, nil
}

func integer(in *model.Input, raw any) (any, error) {
	n, ok := value.AsInt(raw)
	if !ok {
		text := value.Print(raw)
		p, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return nil, received("INT", raw, fmt.Sprintf("For input string: %q", text))
		}
		n = p
	}
	if n < math.MinInt32 || n > math.MaxInt32 {
		return nil, received("INT", raw, "it has more than 32 bits")
	}
	if bound, ok := bound(in, "min"); ok && float64(n) < bound {
		return nil, fmt.Errorf("it must be more than `%s`", strconv.FormatFloat(bound, 'f', -1, 64))
	}
	if bound, ok := bound(in, "max"); ok && float64(n) > bound {
		return nil, fmt.Errorf("it must be less than `%s`", strconv.FormatFloat(bound, 'f', -1, 64))
	}
	return value.Int(n), nil
}

func float(in *model.Input, raw any) (any, error) {
	f, ok := value.AsFloat(raw)
	if !ok {
		p, err := strconv.ParseFloat(strings.TrimSpace(value.Print(raw)), 64)
		if err != nil {
			return nil, received("FLOAT", raw, fmt.Sprintf("For input string: %q", value.Print(raw)))
		}
		f = p
	}
	if math.IsNaN(f) || math.IsInf(f, 0) { // JSON, in which inputs are kept, has no such numbers
		return nil, received("FLOAT", raw, "it is not a finite number")
	}
	if bound, ok := bound(in, "min"); ok && f < bound {
		return nil, fmt.Errorf("it must be more than `%s`", value.Print(bound))
	}
	if bound, ok := bound(in, "max"); ok && f > bound {
		return nil, fmt.Errorf("it must be less than `%s`", value.Print(bound))
	}
	return f, nil
}

func bound(in *model.Input, name string) (float64, bool) {
	v, _ := in.Props.Get(name)
	if f, ok := value.AsFloat(v); ok {
		return f, true
	}
	if s, ok := v.(string); ok {
		f, err := strconv.ParseFloat(s, 64)
		return f, err == nil
	}
	return 0, false
}

// temporal converts dates, times and durations and checks their bounds.
func temporal(in *model.Input, typ string, raw any) (any, error) {
	v, order, err := parseTemporal(typ, raw)
	if err != nil {
		return nil, received(typ, raw, err.Error())
	}
	bounds := []struct{ name, words string }{{"after", "it must be after `%s`"}, {"before", "it must be before `%s`"}}
	if typ == "DURATION" {
		bounds = []struct{ name, words string }{{"min", "It must be more than `%s`"}, {"max", "It must be less than `%s`"}}
	}
	for i, b := range bounds {
		text, _ := in.Props.Get(b.name)
		if text == nil {
			continue
		}
		_, limit, err := parseTemporal(typ, text)
		if err != nil {
			continue
		}
		if i == 0 && order < limit || i == 1 && order > limit {
			return nil, fmt.Errorf(b.words, value.Print(text))
		}
	}
	return v, nil
}

// parseTemporal returns the value and a number that orders values of its type.
func parseTemporal(typ string, raw any) (any, int64, error) {
	text := value.Print(raw)
	switch typ {
	case "DATETIME":
		t, err := time.Parse(time.RFC3339Nano, text)
		return value.Instant{T: t.UTC()}, t.UnixNano(), err
	case "DATE":
		t, err := time.Parse(time.DateOnly, text)
		return value.LocalDate{T: t}, t.Unix(), err
	case "TIME":
		layout := "15:04:05.999999999"
		if len(text) == len("15:04") {
			layout = "15:04"
		}
		t, err := time.Parse(layout, text)
		return value.LocalTime{T: t}, t.UnixNano(), err
	}
	if d, ok := raw.(value.Duration); ok {
		return d, int64(d), nil
	}
	d, err := model.ParseDuration(text)
	return value.Duration(d), int64(d), err
}

func file(in *model.Input, raw any) (any, error) {
	s := value.Print(raw)
	list, _ := in.Props.Get("allowedFileExtensions")
	allowed, _ := list.([]any)
	if len(allowed) == 0 {
		return s, nil
	}
	ext := strings.ToLower(path.Ext(s))
	for _, a := range allowed {
		if strings.ToLower(value.Print(a)) == ext {
			return s, nil
		}
	}
	return nil, fmt.Errorf("the file must have one of the extensions %s", value.JavaString(allowed))
}

func uri(s string) (any, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme == "" {
		return nil, fmt.Errorf("Invalid URI format.")
	}
	return s, nil
}

// document reads JSON, YAML or Ion text; what is not text is taken as it is. JSON may have to agree with a schema.
func document(in *model.Input, typ string, raw any) (any, error) {
	v, err := readDocument(typ, raw)
	if err != nil {
		return nil, received(typ, raw, err.Error())
	}
	text, _ := in.Props.Get("jsonSchema")
	if text == nil || typ != "JSON" {
		return v, nil
	}
	schema, err := jsonschema.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("its jsonSchema cannot be used: %w", err)
	}
	if err := schema.Check(v); err != nil {
		return nil, fmt.Errorf("it does not agree with the schema: %w", err)
	}
	return v, nil
}

func readDocument(typ string, raw any) (any, error) {
	text, ok := raw.(string)
	if !ok {
		return raw, nil
	}
	switch typ {
	case "JSON":
		return value.ParseJSON([]byte(text))
	case "YAML":
		return yamltext.Read(text)
	}
	return readIon(text)
}

func readIon(text string) (any, error) {
	values, err := ion.Read(text, 1)
	if err != nil || len(values) == 0 {
		return nil, err
	}
	return values[0], nil
}

func (r *Resolver) list(typ string, raw any) ([]any, error) {
	switch raw := raw.(type) {
	case []any:
		return raw, nil
	case string:
		v, err := value.ParseJSON([]byte(raw))
		if err != nil {
			return nil, received(typ, raw, err.Error())
		}
		if list, ok := v.([]any); ok {
			return list, nil
		}
	}
	return nil, received(typ, raw, "expected a JSON array")
}

func (r *Resolver) array(in *model.Input, raw any) (any, error) {
	list, err := r.list("ARRAY", raw)
	if err != nil {
		return nil, err
	}
	item, _ := in.Props.Get("itemType")
	if item == nil {
		return list, nil
	}
	plain := &model.Input{ID: in.ID}
	out := make([]any, len(list))
	for i, e := range list {
		if out[i], err = r.convert(plain, value.Print(item), e, nil); err != nil {
			return nil, fmt.Errorf("Unable to parse array element as `%s` on `%s`", value.Print(item), value.Print(e))
		}
	}
	return out, nil
}

func selected(in *model.Input, s string, options []string) (any, error) {
	if !flag(in, "allowCustomValue") && in.Required && !slices.Contains(options, s) {
		return nil, fmt.Errorf("it must match the values `%s`", listed(options))
	}
	return s, nil
}

func (r *Resolver) multi(in *model.Input, raw any, options []string) (any, error) {
	list, err := r.list("MULTISELECT", raw)
	if err != nil {
		return nil, err
	}
	item := "STRING"
	if t, _ := in.Props.Get("itemType"); t != nil {
		item = value.Print(t)
	}
	plain := &model.Input{ID: in.ID}
	out := make([]any, len(list))
	for i, e := range list {
		if !flag(in, "allowCustomValue") && !slices.Contains(options, value.Print(e)) {
			return nil, fmt.Errorf("value `%s` doesn't match the values `%s`", value.Print(e), listed(options))
		}
		if out[i], err = r.convert(plain, item, e, nil); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func listed(options []string) string { return "[" + strings.Join(options, ", ") + "]" }

// Output converts a rendered flow output to its declared type.
func (r *Resolver) Output(out *model.Output, v any) (any, error) {
	if v == nil {
		if out.Type == "" || !out.Required {
			return nil, nil
		}
		return nil, fmt.Errorf("it has no value")
	}
	if out.Type == "" {
		return v, nil
	}
	return r.convert(&model.Input{ID: out.ID, Type: out.Type}, out.Type, v, nil)
}
