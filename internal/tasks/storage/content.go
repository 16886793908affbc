package storage

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/internal/tasks/batch"
	"github.com/windhover-io/windhover/internal/tasks/files"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// URIOutput is what tasks that store one file put out.
type URIOutput struct {
	URI string `json:"uri" doc:"The URI of the file."`
}

func concatType() plugin.Type {
	return plugin.Type{
		Name: area + "Concat", Aliases: []string{older + "Concat"}, Category: plugin.Task, Title: "Join files.",
		Description: "Stores one file with the contents of several, in their order.",
		Examples: []plugin.Example{{Title: "Join the files that a task has stored", YAML: `id: all
type: io.kestra.plugin.core.storage.Concat
files: "{{ outputs.parts.outputFiles | values }}"
extension: .csv`}},
		New: func() any { return &Concat{} }, Outputs: URIOutput{},
	}
}

// Concat joins files.
type Concat struct {
	Files     any    `json:"files" required:"true" doc:"The URIs of the files: a list, or its JSON."`
	Separator string `json:"separator" doc:"What to put after each file; nothing unless it is set."`
	Extension string `json:"extension" default:".tmp" doc:"The extension of the file's name."`
}

// Run streams one file after the other.
func (t *Concat) Run(ctx context.Context, run sdk.Run) (any, error) {
	uris, err := texts(t.Files)
	if err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	uri, err := files.Produce(ctx, run, "concat"+dotted(t.Extension), func(w io.Writer) error {
		for _, from := range uris {
			if err := appendFile(ctx, run, w, from); err != nil {
				return fmt.Errorf("%s: %w", from, err)
			}
			if _, err := io.WriteString(w, t.Separator); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return URIOutput{uri}, nil
}

func appendFile(ctx context.Context, run sdk.Run, w io.Writer, uri string) error {
	r, err := run.Open(ctx, uri)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

// texts reads a list of texts, its JSON, or one text that stands for such a list.
func texts(v any) ([]string, error) {
	if s, ok := v.(string); ok {
		if !strings.HasPrefix(strings.TrimSpace(s), "[") {
			return []string{s}, nil
		}
		parsed, err := value.ParseJSON([]byte(s))
		if err != nil {
			return nil, err
		}
		v = parsed
	}
	list, ok := v.([]any)
	if !ok {
		return nil, fmt.Errorf("expected a list, got %s", value.TypeName(v))
	}
	out := make([]string, 0, len(list))
	for _, e := range list {
		out = append(out, value.Print(e))
	}
	return out, nil
}

// dotted is an extension with its dot, which people leave out.
func dotted(extension string) string {
	if extension == "" || strings.HasPrefix(extension, ".") {
		return extension
	}
	return "." + extension
}

func writeType() plugin.Type {
	return plugin.Type{
		Name: area + "Write", Category: plugin.Task, Title: "Store a text as a file.",
		Description: "Keeps large texts out of the outputs: later tasks get the file's URI.",
		Examples: []plugin.Example{{Title: "Store a greeting", YAML: `id: greeting
type: io.kestra.plugin.core.storage.Write
content: Hello {{ inputs.name }}
extension: .txt`}},
		New: func() any { return &Write{} }, Outputs: URIOutput{},
	}
}

// Write stores a text.
type Write struct {
	Content   string `json:"content" required:"true" doc:"The text."`
	Extension string `json:"extension" doc:"The extension of the file's name."`
}

// Run stores the text.
func (t *Write) Run(ctx context.Context, run sdk.Run) (any, error) {
	uri, err := run.Store(ctx, "content"+dotted(t.Extension), strings.NewReader(t.Content))
	if err != nil {
		return nil, err
	}
	return URIOutput{uri}, nil
}

func splitType() plugin.Type {
	return plugin.Type{
		Name: area + "Split", Aliases: []string{older + "Split"}, Category: plugin.Task, Title: "Split a file.",
		Description: "Stores the rows of a file as several files: by number of rows, by size, by number of files, or by a pattern in the rows.",
		Examples: []plugin.Example{{Title: "Make files of a thousand rows", YAML: `id: parts
type: io.kestra.plugin.core.storage.Split
from: "{{ inputs.data }}"
rows: 1000`}},
		New: func() any { return &Split{} }, Outputs: SplitOutput{},
	}
}

// Split splits a file.
type Split struct {
	From         string `json:"from" required:"true" doc:"The URI of the file."`
	Bytes        string `json:"bytes" doc:"The size of a file, such as 10MB; rows are not cut."`
	Partitions   *int   `json:"partitions" min:"1" doc:"The number of files."`
	Rows         *int   `json:"rows" min:"1" doc:"Rows of a file."`
	RegexPattern string `json:"regexPattern" doc:"Rows with the same first group go into the same file."`
	Separator    string `json:"separator" default:"\n" doc:"What rows end with."`
}

// SplitOutput is what Split puts out.
type SplitOutput struct {
	URIs []string `json:"uris" doc:"The URIs of the files."`
}

// Run splits the file as a ForEachItem splits its items.
func (t *Split) Run(ctx context.Context, run sdk.Run) (any, error) {
	if t.Bytes == "" && t.Partitions == nil && t.Rows == nil && t.RegexPattern == "" {
		return nil, fmt.Errorf("one of bytes, partitions, rows and regexPattern is required")
	}
	r, err := run.Open(ctx, t.From)
	if err != nil {
		return nil, fmt.Errorf("from: %w", err)
	}
	defer r.Close()
	by := batch.Split{Items: t.From, Batch: batch.Batch{
		Rows: t.Rows, Bytes: t.Bytes, Partitions: t.Partitions, Separator: t.Separator, RegexPattern: t.RegexPattern,
	}}
	uris, err := by.Files(ctx, run, r)
	if err != nil {
		return nil, err
	}
	if uris == nil {
		uris = []string{}
	}
	return SplitOutput{uris}, nil
}
