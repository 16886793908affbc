package serdes

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// JsonToIon reads JSON.
type JsonToIon struct {
	From    string `json:"from" required:"true" doc:"The URI of the JSON file."`
	Charset string `json:"charset" default:"UTF-8" doc:"The encoding of the file."`
	NewLine bool   `json:"newLine" default:"true" doc:"Whether each line is a row. Otherwise the elements of the file's list are, or the file is one row."`
}

// Run converts the file.
func (t *JsonToIon) Run(ctx context.Context, run sdk.Run) (any, error) {
	return toIon(ctx, run, t.From, func(r io.Reader, row put) error {
		in, err := decoded(r, t.Charset)
		if err != nil {
			return err
		}
		if t.NewLine {
			return jsonLines(in, row)
		}
		return jsonDocument(in, row)
	})
}

// jsonLines gives the value of each line.
func jsonLines(r io.Reader, row put) error {
	return files.Lines(r, func(line []byte, n int) error {
		if len(bytes.TrimSpace(line)) == 0 {
			return nil
		}
		v, err := value.ParseJSON(line)
		if err != nil {
			return fmt.Errorf("row %d: %w", n, err)
		}
		return row(v)
	})
}

// jsonDocument gives each element of the list that the file is, or the file's only value.
func jsonDocument(r io.Reader, row put) error {
	in := bufio.NewReaderSize(r, 64<<10)
	list, err := beginsWith(in, '[')
	if errors.Is(err, io.EOF) {
		return errors.New("the file holds no JSON")
	} else if err != nil {
		return err
	}
	d := json.NewDecoder(in)
	if list {
		_, _ = d.Token() // the bracket, which was seen
	}
	for n := 1; !list || d.More(); n++ {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return fmt.Errorf("row %d: %w", n, err)
		}
		v, err := value.ParseJSON(raw)
		if err != nil {
			return fmt.Errorf("row %d: %w", n, err)
		}
		if err := row(v); err != nil {
			return err
		}
		if !list {
			break
		}
	}
	if list {
		if _, err := d.Token(); err != nil {
			return fmt.Errorf("the list is not closed: %w", err)
		}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one value in the file: set newLine to true if each line is one")
	}
	return nil
}

// beginsWith tells whether the first character that is no white space is c. io.EOF says that there is none.
func beginsWith(r *bufio.Reader, c byte) (bool, error) {
	for {
		b, err := r.ReadByte()
		if err != nil {
			return false, err
		}
		if b != ' ' && b != '\t' && b != '\n' && b != '\r' {
			return b == c, r.UnreadByte()
		}
	}
}

// IonToJson writes JSON.
type IonToJson struct {
	From                  string `json:"from" required:"true" doc:"The URI of a file of Ion or JSON lines."`
	Charset               string `json:"charset" default:"UTF-8" doc:"The encoding of the file."`
	NewLine               bool   `json:"newLine" default:"true" doc:"Whether each row becomes a line. Otherwise the rows become a list, and a single one is written alone."`
	TimeZoneID            string `json:"timeZoneId" doc:"The time zone that dates with a zone are shown in; that of the system unless it is set."`
	ShouldKeepAnnotations bool   `json:"shouldKeepAnnotations" default:"false" doc:"Whether texts with annotations become objects of ion_annotations and value."`
}

// Run converts the file.
func (t *IonToJson) Run(ctx context.Context, run sdk.Run) (any, error) {
	z, err := zone(t.TimeZoneID)
	if err != nil {
		return nil, err
	}
	name := "rows.jsonl"
	if !t.NewLine {
		name = "rows.json"
	}
	return fromIon(ctx, run, t.From, name, func(w io.Writer, rows *rows) error {
		out, err := encoded(w, t.Charset)
		if err != nil {
			return err
		}
		rows.KeepAnnotations = t.ShouldKeepAnnotations
		var line []byte
		write := func(before string, row any, after string) error {
			line = append(line[:0], before...)
			line = append(value.AppendJSON(line, moved(row, z), value.JSONOptions{KeepNulls: true}), after...)
			_, err := out.Write(line)
			return err
		}
		if t.NewLine {
			err = rows.each(func(row any) error { return write("", row, "\n") })
		} else {
			err = jsonList(out, rows, write)
		}
		return errors.Join(err, out.Close())
	})
}

// jsonList writes a list of several rows, or the only one.
func jsonList(w io.Writer, rows *rows, write func(before string, row any, after string) error) error {
	before := "["
	several, err := rows.oneOrSeveral(
		func(row any) error { return write("", row, "") },
		func(row any) error {
			err := write(before, row, "")
			before = ","
			return err
		})
	if err == nil && several {
		_, err = io.WriteString(w, "]")
	}
	return err
}
