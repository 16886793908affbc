package serdes

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/windhover-io/windhover/internal/expr/yamltext"
	"github.com/windhover-io/windhover/sdk"
)

// YamlToIon reads YAML.
type YamlToIon struct {
	From    string `json:"from" required:"true" doc:"The URI of the YAML file."`
	Charset string `json:"charset" default:"UTF-8" doc:"The encoding of the file."`
}

// Run converts the file.
func (t *YamlToIon) Run(ctx context.Context, run sdk.Run) (any, error) {
	return toIon(ctx, run, t.From, func(r io.Reader, row put) error {
		in, err := decoded(r, t.Charset)
		if err != nil {
			return err
		}
		return yamlDocuments(in, func(text string, line int) error {
			v, err := yamltext.Read(text)
			switch {
			case errors.Is(err, yamltext.ErrEmpty):
				return nil
			case err != nil:
				return fmt.Errorf("the document at line %d: %w", line, err)
			}
			return row(v)
		})
	})
}

// yamlDocuments gives the text of each document and the line that it begins at. A line that begins with three dashes begins
// one, wherever it stands.
func yamlDocuments(r io.Reader, document func(text string, line int) error) error {
	in := bufio.NewReaderSize(r, 64<<10)
	var text bytes.Buffer
	for first, n := 1, 1; ; n++ {
		line, err := in.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if marker(line, "---") || marker(line, "...") || errors.Is(err, io.EOF) {
			if errors.Is(err, io.EOF) && !marker(line, "...") {
				text.Write(line)
			}
			if err := document(text.String(), first); err != nil {
				return err
			}
			text.Reset()
			first = n
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if text.Len()+len(line) > maxPiece {
			return fmt.Errorf("the document at line %d has more than %d bytes", first, maxPiece)
		}
		if !marker(line, "...") && line[0] != '%' {
			text.Write(line)
		}
	}
}

// marker tells whether a line is a mark between documents.
func marker(line []byte, mark string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(mark))
	return ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0)
}

// IonToYaml writes YAML.
type IonToYaml struct {
	From    string `json:"from" required:"true" doc:"The URI of a file of Ion or JSON lines."`
	Charset string `json:"charset" default:"UTF-8" doc:"The encoding of the file."`
}

// Run converts the file. A single row is written without a mark before it.
func (t *IonToYaml) Run(ctx context.Context, run sdk.Run) (any, error) {
	return fromIon(ctx, run, t.From, "rows.yaml", func(w io.Writer, rows *rows) error {
		out, err := encoded(w, t.Charset)
		if err != nil {
			return err
		}
		return errors.Join(writeYAML(out, rows), out.Close())
	})
}

func writeYAML(w io.Writer, rows *rows) error {
	document := func(mark string) func(row any) error {
		return func(row any) error {
			_, err := io.WriteString(w, mark+yamltext.Write(row)+"\n")
			return err
		}
	}
	_, err := rows.oneOrSeveral(document(""), document("---\n"))
	return err
}
