package serdes

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"

	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// maxElements bounds how deep elements are nested.
const maxElements = 512

// XMLToIon reads XML.
type XMLToIon struct {
	From                string            `json:"from" required:"true" doc:"The URI of the XML file."`
	Charset             string            `json:"charset" default:"UTF-8" doc:"The encoding of the file."`
	Query               string            `json:"query" doc:"The path of the elements that are rows, like /catalog/book; the file is then read in constant memory. Without it, the elements of a list that is all that the file holds are rows, otherwise the file is one row."`
	ParserConfiguration *XMLConfiguration `json:"parserConfiguration" doc:"How elements become values."`
}

// XMLConfiguration says how elements become values.
type XMLConfiguration struct {
	ForceList []string `json:"forceList" doc:"The names of elements that are lists, even where there is only one."`
}

// Run converts the file.
func (t *XMLToIon) Run(ctx context.Context, run sdk.Run) (any, error) {
	return toIon(ctx, run, t.From, func(r io.Reader, row put) error {
		in, err := decoded(r, t.Charset)
		if err != nil {
			return err
		}
		x := &xmlReader{d: xml.NewDecoder(in), local: t.Query != ""}
		x.d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it is decoded
		if t.ParserConfiguration != nil {
			x.lists = t.ParserConfiguration.ForceList
		}
		if t.Query == "" {
			return x.document(row)
		}
		return x.query(strings.Split(strings.TrimPrefix(t.Query, "/"), "/"), row)
	})
}

// xmlReader makes values of elements: attributes and elements are the fields of a map, several of one name a list; an element
// of text alone is that text, a number or a boolean where it looks like one.
type xmlReader struct {
	d     *xml.Decoder
	lists []string
	local bool // names are without their prefixes
	open  []xml.Name
}

// next returns the next tag or text; every tag that is opened is closed.
func (x *xmlReader) next() (xml.Token, error) {
	for {
		token, err := x.d.RawToken()
		if errors.Is(err, io.EOF) && len(x.open) > 0 {
			return nil, x.errorf("the element %s is not closed", x.name(x.open[len(x.open)-1]))
		}
		if err != nil {
			return nil, err
		}
		switch tag := token.(type) {
		case xml.StartElement:
			if len(x.open) == maxElements {
				return nil, x.errorf("elements are nested deeper than %d levels", maxElements)
			}
			x.open = append(x.open, tag.Name)
			return tag, nil
		case xml.EndElement:
			if len(x.open) == 0 || x.open[len(x.open)-1] != tag.Name {
				return nil, x.errorf("the element %s is closed where it is not open", x.name(tag.Name))
			}
			x.open = x.open[:len(x.open)-1]
			return tag, nil
		case xml.CharData:
			return tag, nil
		}
	}
}

func (x *xmlReader) errorf(format string, args ...any) error {
	line, column := x.d.InputPos()
	return fmt.Errorf("invalid XML at line %d, column %d: "+format, append([]any{line, column}, args...)...)
}

func (x *xmlReader) name(n xml.Name) string {
	if n.Space == "" || x.local {
		return n.Local
	}
	return n.Space + ":" + n.Local
}

// document reads the whole file.
func (x *xmlReader) document(row put) error {
	root := value.NewMap(1)
	for {
		token, err := x.next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		if start, ok := token.(xml.StartElement); ok {
			if err := x.add(root, start); err != nil {
				return err
			}
		}
	}
	list, ok := onlyList(root)
	if !ok {
		return row(root)
	}
	for _, item := range list {
		if err := row(item); err != nil {
			return err
		}
	}
	return nil
}

// onlyList finds the list that is all that a document holds, in its root or in the only element of that.
func onlyList(m *value.Map) ([]any, bool) {
	for range 2 {
		if m.Len() != 1 {
			return nil, false
		}
		_, v := m.At(0)
		if list, ok := v.([]any); ok {
			return list, true
		}
		var ok bool
		if m, ok = v.(*value.Map); !ok {
			return nil, false
		}
	}
	return nil, false
}

// query gives the elements at the end of a path. All but its last name lead into the first element of that name.
func (x *xmlReader) query(path []string, row put) error {
	depth := 0 // how many names of the path were entered
	for {
		token, err := x.next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		switch tag := token.(type) {
		case xml.EndElement:
			return nil // of the last element that was entered
		case xml.StartElement:
			switch {
			case tag.Name.Local != path[depth]:
				err = x.skip()
			case depth < len(path)-1:
				depth++
			default:
				err = x.rows(tag, row)
			}
			if err != nil {
				return err
			}
		}
	}
}

// rows gives an element as a row.
func (x *xmlReader) rows(start xml.StartElement, row put) error {
	v, err := x.element(start)
	if err != nil {
		return err
	}
	return row(v)
}

// skip reads to the end of the element that was opened last.
func (x *xmlReader) skip() error {
	for depth := len(x.open); len(x.open) >= depth; {
		if _, err := x.next(); err != nil {
			return err
		}
	}
	return nil
}

// add adds an element to the map of its parent.
func (x *xmlReader) add(m *value.Map, start xml.StartElement) error {
	v, err := x.element(start)
	if err != nil {
		return err
	}
	accumulate(m, x.name(start.Name), v, slices.Contains(x.lists, x.name(start.Name)))
	return nil
}

// accumulate sets a field, or makes a list of it and what it has.
func accumulate(m *value.Map, name string, v any, list bool) {
	old, there := m.Get(name)
	items, several := old.([]any)
	switch {
	case several:
		m.Set(name, append(items, v))
	case there:
		m.Set(name, []any{old, v})
	case list && v == "": // an empty element of a list that is forced is an empty list
		m.Set(name, []any{})
	case list:
		m.Set(name, []any{v})
	default:
		m.Set(name, v)
	}
}

// element reads an element whose tag was opened.
func (x *xmlReader) element(start xml.StartElement) (any, error) {
	m := value.NewMap(len(start.Attr))
	for _, a := range start.Attr {
		accumulate(m, x.name(a.Name), scalar(a.Value), false)
	}
	var text strings.Builder
	flush := func() {
		if s := strings.TrimSpace(text.String()); s != "" {
			accumulate(m, "content", scalar(s), false)
		}
		text.Reset()
	}
	for {
		token, err := x.next()
		if err != nil {
			return nil, err
		}
		switch tag := token.(type) {
		case xml.CharData:
			text.Write(tag)
		case xml.StartElement:
			flush()
			if err := x.add(m, tag); err != nil {
				return nil, err
			}
		case xml.EndElement:
			flush()
			switch content, ok := m.Get("content"); {
			case m.Len() == 0:
				return "", nil
			case ok && m.Len() == 1:
				return content, nil
			}
			return m, nil
		}
	}
}

// scalar is a text, or the boolean, null or number that it looks like.
func scalar(s string) any {
	switch {
	case strings.EqualFold(s, "true"):
		return true
	case strings.EqualFold(s, "false"):
		return false
	case strings.EqualFold(s, "null"):
		return nil
	}
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || digits[0] < '0' || digits[0] > '9' || len(s) > 1000 {
		return s
	}
	if len(digits) > 1 && digits[0] == '0' && digits[1] >= '0' && digits[1] <= '9' { // it has more zeros than a number
		return s
	}
	if strings.ContainsAny(s, ".eE") || s == "-0" {
		if d, ok := value.ParseDecimal(s); ok {
			return d
		}
		return s
	}
	n, ok := new(big.Int).SetString(s, 10)
	switch {
	case !ok:
		return s
	case n.IsInt64():
		return value.Int(n.Int64())
	}
	return n
}
