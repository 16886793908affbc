package serdes

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
)

// workbook is a file of Excel: a ZIP of XML. Sheets are read as they are needed, and texts that cells share lie on the disk, so
// memory does not grow with the file.
type workbook struct {
	parts   map[string]*zip.File
	sheets  []sheetPart
	strings *sharedStrings
	isDate  []bool // of each style of cells
	from    int    // the year that dates are counted from: 1900 or 1904
}

type sheetPart struct{ title, part string }

var errNoWorkbook = errors.New("the file is no Excel workbook (.xlsx)")

// openWorkbook reads what a file has beside sheets. What it needs on the disk is below dir until close.
func openWorkbook(r io.ReaderAt, size int64, dir string) (*workbook, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoWorkbook, err)
	}
	b := &workbook{parts: map[string]*zip.File{}, from: 1900}
	for _, f := range z.File {
		b.parts[strings.TrimPrefix(f.Name, "/")] = f
	}
	main, others, err := b.readBook()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errNoWorkbook, err)
	}
	for _, rel := range others {
		switch path.Base(rel.Type) {
		case "styles":
			err = b.readStyles(target(main, rel.Target))
		case "sharedStrings":
			b.strings, err = b.readStrings(target(main, rel.Target), dir)
		}
		if err != nil {
			b.close()
			return nil, err
		}
	}
	return b, nil
}

func (b *workbook) close() {
	if b.strings != nil {
		discard(b.strings.texts)
		discard(b.strings.ends)
	}
}

// relation says where a part is that another part names.
type relation struct {
	ID     string `xml:"Id,attr"`
	Type   string `xml:"Type,attr"`
	Target string `xml:"Target,attr"`
}

// target is the name of a part as another one writes it.
func target(from, name string) string {
	if rest, ok := strings.CutPrefix(name, "/"); ok {
		return rest
	}
	return path.Join(path.Dir(from), name)
}

func (b *workbook) relations(of string) ([]relation, error) {
	var list struct {
		Relationship []relation
	}
	dir, base := path.Split(of)
	err := b.unmarshal(path.Join(dir, "_rels", base+".rels"), &list)
	return list.Relationship, err
}

// readBook finds the sheets, and returns the name of the main part and what that names.
func (b *workbook) readBook() (main string, others []relation, err error) {
	top, err := b.relations("")
	if err != nil {
		return "", nil, err
	}
	for _, rel := range top {
		if path.Base(rel.Type) == "officeDocument" {
			main = target("", rel.Target)
		}
	}
	var book struct {
		Properties struct {
			Date1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []struct {
			Name string `xml:"name,attr"`
			ID   string `xml:"id,attr"`
		} `xml:"sheets>sheet"`
	}
	if err := b.unmarshal(main, &book); err != nil {
		return "", nil, err
	}
	if others, err = b.relations(main); err != nil {
		return "", nil, err
	}
	if v := book.Properties.Date1904; v == "1" || v == "true" {
		b.from = 1904
	}
	for _, s := range book.Sheets {
		for _, rel := range others {
			if rel.ID == s.ID && path.Base(rel.Type) == "worksheet" {
				b.sheets = append(b.sheets, sheetPart{s.Name, target(main, rel.Target)})
			}
		}
	}
	return main, others, nil
}

func (b *workbook) open(part string) (io.ReadCloser, error) {
	f := b.parts[part]
	if f == nil {
		return nil, fmt.Errorf("%q is missing in it", part)
	}
	return f.Open()
}

// unmarshal reads a part that is small.
func (b *workbook) unmarshal(part string, v any) error {
	r, err := b.open(part)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := xml.NewDecoder(&piece{r: r, left: maxPiece}).Decode(v); err != nil {
		return fmt.Errorf("%s: %w", part, err)
	}
	return nil
}

// piece bounds how much of a part is read for one thing, so that a small file cannot fill the memory.
type piece struct {
	r    io.Reader
	left int
}

func (p *piece) Read(b []byte) (int, error) {
	if p.left <= 0 {
		return 0, fmt.Errorf("one row or text has more than %d bytes", maxPiece)
	}
	n, err := p.r.Read(b)
	p.left -= n
	return n, err
}

// readStyles finds the styles that show numbers as dates.
func (b *workbook) readStyles(part string) error {
	var styles struct {
		Formats []struct {
			ID   int    `xml:"numFmtId,attr"`
			Code string `xml:"formatCode,attr"`
		} `xml:"numFmts>numFmt"`
		Cells []struct {
			Format int `xml:"numFmtId,attr"`
		} `xml:"cellXfs>xf"`
	}
	if err := b.unmarshal(part, &styles); err != nil {
		return err
	}
	own := map[int]bool{}
	for _, f := range styles.Formats {
		own[f.ID] = isDateFormat(f.Code)
	}
	for _, c := range styles.Cells {
		date, ok := own[c.Format]
		if !ok { // those that Excel has without naming them
			date = c.Format >= 14 && c.Format <= 22 || c.Format >= 45 && c.Format <= 47
		}
		b.isDate = append(b.isDate, date)
	}
	return nil
}

var (
	literal = regexp.MustCompile(`"[^"]*"|\\.|_.|\*.`)
	bracket = regexp.MustCompile(`\[[^\]]*\]`)
	elapsed = regexp.MustCompile(`(?i)\[(h+|m+|s+)\]`)
)

// isDateFormat tells whether a format shows a date or a time.
func isDateFormat(code string) bool {
	code, _, _ = strings.Cut(literal.ReplaceAllString(code, ""), ";")
	if elapsed.MatchString(code) {
		return true
	}
	code = strings.ToLower(bracket.ReplaceAllString(code, ""))
	return strings.ContainsAny(code, "ymdhs") && !strings.ContainsAny(code, "#?@") && !strings.Contains(code, "general")
}

// sharedStrings are the texts of a workbook in a file, and where each ends in another one.
type sharedStrings struct {
	texts, ends *os.File
	n           int
}

func (s *sharedStrings) get(i int) (string, error) {
	if s == nil || i < 0 || i >= s.n {
		return "", fmt.Errorf("there is no text %d", i)
	}
	var ends [16]byte // that of the text before, and its own
	at := int64(i-1) * 8
	into := ends[:]
	if i == 0 {
		at, into = 0, ends[8:]
	}
	if _, err := s.ends.ReadAt(into, at); err != nil {
		return "", err
	}
	from, to := binary.LittleEndian.Uint64(ends[:8]), binary.LittleEndian.Uint64(ends[8:])
	text := make([]byte, to-from)
	_, err := s.texts.ReadAt(text, int64(from))
	return string(text), err
}

// readStrings copies the texts that cells share to the disk.
func (b *workbook) readStrings(part, dir string) (s *sharedStrings, err error) {
	r, err := b.open(part)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	s = &sharedStrings{}
	if s.texts, err = os.CreateTemp(dir, ".texts-*"); err != nil {
		return nil, err
	}
	if s.ends, err = os.CreateTemp(dir, ".texts-*"); err != nil {
		discard(s.texts)
		return nil, err
	}
	if err := s.copy(r); err != nil {
		discard(s.texts)
		discard(s.ends)
		return nil, fmt.Errorf("%s: %w", part, err)
	}
	return s, nil
}

func (s *sharedStrings) copy(r io.Reader) error {
	texts, ends := bufio.NewWriterSize(s.texts, 64<<10), bufio.NewWriterSize(s.ends, 64<<10)
	bounded := &piece{r: r}
	d := xml.NewDecoder(bounded)
	total := uint64(0)
	for {
		bounded.left = maxPiece
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return errors.Join(texts.Flush(), ends.Flush())
		}
		if err != nil {
			return err
		}
		start, ok := token.(xml.StartElement)
		if !ok || start.Name.Local != "si" {
			continue
		}
		text, err := richText(d)
		if err != nil {
			return err
		}
		_, _ = texts.WriteString(text) // an error comes back from Flush
		total += uint64(len(text))
		_, _ = ends.Write(binary.LittleEndian.AppendUint64(nil, total))
		s.n++
	}
}

// richText reads a text to the end of its element: the pieces of it, without how they are pronounced.
func richText(d *xml.Decoder) (string, error) {
	var text strings.Builder
	depth, spoken, inside := 1, 0, false
	for depth > 0 {
		token, err := d.Token()
		if err != nil {
			return "", err
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			if t.Name.Local == "rPh" {
				spoken = depth
			}
			inside = t.Name.Local == "t" && spoken == 0
		case xml.EndElement:
			if depth == spoken {
				spoken = 0
			}
			depth--
			inside = false
		case xml.CharData:
			if inside {
				text.Write(t)
			}
		}
	}
	return unescape(text.String()), nil
}

var escape = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

// unescape reads characters that XML cannot hold, as Excel writes them.
func unescape(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	return escape.ReplaceAllStringFunc(s, func(e string) string {
		n, _ := strconv.ParseUint(e[2:6], 16, 16) // four hexadecimal digits
		return string(rune(n))
	})
}
