package serdes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// IonToXML writes XML.
type IonToXML struct {
	From       string `json:"from" required:"true" doc:"The URI of a file of Ion or JSON lines."`
	Charset    string `json:"charset" default:"UTF-8" doc:"The encoding of the file."`
	RootName   string `json:"rootName" default:"items" doc:"The name of the element that holds all others; each row is an element item."`
	TimeZoneID string `json:"timeZoneId" doc:"The time zone that dates with a zone are shown in; that of the system unless it is set."`
}

// Run converts the file.
func (t *IonToXML) Run(ctx context.Context, run sdk.Run) (any, error) {
	z, err := zone(t.TimeZoneID)
	if err != nil {
		return nil, err
	}
	if err := elementName(t.RootName); err != nil {
		return nil, fmt.Errorf("rootName: %w", err)
	}
	return fromIon(ctx, run, t.From, "rows.xml", func(w io.Writer, rows *rows) error {
		out, err := encoded(w, t.Charset)
		if err != nil {
			return err
		}
		return errors.Join(t.write(out, rows, func(row any) any { return moved(row, z) }), out.Close())
	})
}

func (t *IonToXML) write(w io.Writer, rows *rows, prepare func(any) any) error {
	if _, err := fmt.Fprintf(w, "<?xml version='1.0' encoding='%s'?>\n<%s>\n", t.Charset, t.RootName); err != nil {
		return err
	}
	var b bytes.Buffer
	err := rows.each(func(row any) error {
		b.Reset()
		if err := appendElement(&b, "item", prepare(row), 1); err != nil {
			return err
		}
		_, err := b.WriteTo(w)
		return err
	})
	if err == nil {
		_, err = fmt.Fprintf(w, "</%s>\n", t.RootName)
	}
	return err
}

// nameOfElement is what Unicode letters make a name of.
var nameOfElement = regexp.MustCompile(`^[\pL_:][\pL\pM\pN_:.\-·]*$`)

func elementName(name string) error {
	if !nameOfElement.MatchString(name) {
		return fmt.Errorf("%q cannot be the name of an XML element", name)
	}
	return nil
}

// appendElement writes a value, a list as several elements of its name.
func appendElement(b *bytes.Buffer, name string, v any, depth int) error {
	if list, ok := v.([]any); ok {
		for _, item := range list {
			if err := appendElement(b, name, item, depth); err != nil {
				return err
			}
		}
		return nil
	}
	if err := elementName(name); err != nil {
		return err
	}
	indent := strings.Repeat("  ", depth)
	m, isMap := value.AsMap(v)
	if v == nil || isMap && m.Len() == 0 {
		fmt.Fprintf(b, "%s<%s/>\n", indent, name)
		return nil
	}
	fmt.Fprintf(b, "%s<%s>", indent, name)
	if !isMap {
		text := xmlText(v)
		if i := strings.IndexFunc(text, unwritable); i >= 0 {
			return fmt.Errorf("%s: XML cannot hold the character %U", name, []rune(text[i:])[0])
		}
		b.WriteString(xmlEscapes.Replace(text))
		fmt.Fprintf(b, "</%s>\n", name)
		return nil
	}
	b.WriteByte('\n')
	for k, item := range m.All() {
		if err := appendElement(b, k, item, depth+1); err != nil {
			return err
		}
	}
	fmt.Fprintf(b, "%s</%s>\n", indent, name)
	return nil
}

var xmlEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r", "&#xd;")

// unwritable tells whether XML has no way to write a character.
func unwritable(r rune) bool {
	return r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF
}

// xmlText prints a value as JSON does, texts and dates without quotes.
func xmlText(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return strings.Trim(string(value.AppendJSON(nil, v, value.JSONOptions{})), `"`)
}
