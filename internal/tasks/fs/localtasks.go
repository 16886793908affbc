package fs

import (
	"context"
	"fmt"
	"strings"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

// localTask describes a task; more are lines of its example.
func localTask(name, title, description, example, more string, outputs any, task func() any) plugin.Type {
	return plugin.Type{
		Name: localArea + "." + name, Category: plugin.Task, Title: title, Description: strings.TrimLeft(description+" "+allowing, " "),
		Examples: []plugin.Example{{Title: example, YAML: "id: " + strings.ToLower(name) + "\ntype: " + localArea + "." + name + "\n" + more}},
		New:      task, Outputs: outputs,
	}
}

func localTasks(m Machine) []plugin.Type {
	return []plugin.Type{
		localTask("Upload", "Write a file to the worker's machine.", "Directories that lead to it are made, and nobody sees a part of it.",
			"A report", "from: \"{{ outputs.report.uri }}\"\nto: /data/files/report.csv", LocalUploaded{}, func() any { return &LocalUpload{Machine: m} }),
		localTask("Uploads", "Write several files to the worker's machine.", "",
			"Two files", "from:\n  orders.csv: \"{{ outputs.orders.uri }}\"\n  items.csv: \"{{ outputs.items.uri }}\"\nto: /data/files/out", UploadsOutput{}, func() any { return &LocalUploads{Machine: m} }),
		localTask("Download", "Read a file of the worker's machine.", "",
			"A file", "from: /data/files/orders.csv", LocalDownloaded{}, func() any { return &LocalDownload{Machine: m} }),
		localTask("Downloads", "Read the files of a directory of the worker's machine.", "Once all are stored, they are moved or deleted, if that is wanted.",
			"All CSV", "from: /data/files/in\nregExp: .*\\.csv\naction: DELETE", LocalDownloadsOutput{}, func() any { return &LocalDownloads{Machine: m} }),
		localTask("List", "List the files of a directory of the worker's machine.", "Directories and links are not listed.",
			"The newest ones", "from: /data/files/in\nsort: LAST_MODIFIED_DESC\nmaxFiles: 10", LocalListOutput{}, func() any { return &LocalList{Machine: m} }),
		localTask("Delete", "Delete a file or a directory of the worker's machine.", "With `regExp` the files of a directory that match are deleted, and the directory stays.",
			"All temporary files", "from: /data/files/in\nregExp: .*\\.tmp\nrecursive: true", DeleteOutput{}, func() any { return &LocalDelete{Machine: m} }),
		localTask("Move", "Move a file or a directory of the worker's machine.", "",
			"Into a directory", "from: /data/files/in/orders.csv\nto: /data/files/archive/", nil, func() any { return &LocalMove{Machine: m} }),
		localTask("Copy", "Copy a file or a directory of the worker's machine.", "",
			"A directory", "from: /data/files/in\nto: /data/files/copy", nil, func() any { return &LocalCopy{Machine: m} }),
	}
}

// LocalUploaded tells of a file that was written.
type LocalUploaded struct {
	URI  string `json:"uri" doc:"The file."`
	Size int64  `json:"size" doc:"Its size in bytes."`
}

// LocalDownloaded tells of a file that was read.
type LocalDownloaded struct {
	URI      string `json:"uri" doc:"The file in internal storage."`
	Size     int64  `json:"size" doc:"Its size in bytes."`
	Checksum string `json:"checksum" doc:"Its checksum, in hexadecimal."`
}

// LocalDownloadsOutput tells of files that were read.
type LocalDownloadsOutput struct {
	LocalOutput
	OutputFiles map[string]string `json:"outputFiles" doc:"The files in internal storage by their paths."`
}

// LocalListOutput are files that were listed.
type LocalListOutput struct {
	LocalOutput
	Count int `json:"count" doc:"How many there are."`
}

// LocalUpload writes a file.
type LocalUpload struct {
	Machine
	UploadOne
}

// Run writes the file; without a path, it comes to the task's own directory.
func (t *LocalUpload) Run(ctx context.Context, run sdk.Run) (any, error) {
	if t.To == "" {
		dir, err := run.WorkDir()
		if err != nil {
			return nil, err
		}
		t.To = dir + "/"
	}
	return within(ctx, t.Machine, func(m tree) (any, error) {
		name, size, err := t.put(ctx, run, m)
		if err != nil {
			return nil, err
		}
		return LocalUploaded{m.URI(name), size}, nil
	})
}

// LocalUploads writes several files.
type LocalUploads struct {
	Machine
	UploadMany
}

// Run writes the files.
func (t *LocalUploads) Run(ctx context.Context, run sdk.Run) (any, error) {
	return within(ctx, t.Machine, func(m tree) (any, error) { return t.UploadMany.run(ctx, run, m) })
}

// LocalDownload reads a file.
type LocalDownload struct {
	Machine
	From string `json:"from" required:"true" doc:"The file."`
	Checksum
}

// Run reads the file.
func (t *LocalDownload) Run(ctx context.Context, run sdk.Run) (any, error) {
	return within(ctx, t.Machine, func(m tree) (any, error) {
		uri, read, err := t.fetch(ctx, run, m, m.Name(t.From))
		if err != nil {
			return nil, err
		}
		return LocalDownloaded{uri, read.size, read.hex()}, nil
	})
}

// LocalDownloads reads the files of a directory.
type LocalDownloads struct {
	Machine
	DownloadMany
}

// Run reads the files.
func (t *LocalDownloads) Run(ctx context.Context, run sdk.Run) (any, error) {
	return within(ctx, t.Machine, func(m tree) (any, error) {
		list, err := t.fetch(ctx, run, m)
		if err != nil {
			return nil, err
		}
		out := LocalDownloadsOutput{LocalOutput{[]LocalFile{}}, map[string]string{}}
		for _, f := range list {
			out.Files = append(out.Files, localFile(f.uri, f.name, f.info))
			out.OutputFiles[f.name] = f.uri
		}
		return out, nil
	})
}

// LocalList lists files.
type LocalList struct {
	Machine
	ListFiles
}

// Run lists the files.
func (t *LocalList) Run(ctx context.Context, run sdk.Run) (any, error) {
	return within(ctx, t.Machine, func(m tree) (any, error) {
		list, err := t.list(ctx, run, m)
		out := LocalListOutput{LocalOutput{[]LocalFile{}}, len(list)}
		for _, f := range list {
			out.Files = append(out.Files, localFile(m.URI(f.name), f.name, f.info))
		}
		return out, err
	})
}

// LocalDelete deletes files.
type LocalDelete struct {
	Machine
	From string `json:"from" required:"true" doc:"The file or directory."`
	DeleteFiles
}

// Run deletes the files.
func (t *LocalDelete) Run(ctx context.Context, run sdk.Run) (any, error) {
	return within(ctx, t.Machine, func(m tree) (any, error) {
		if l, ok := m.(*local); ok && t.RegExp == "" && l.whole(l.Name(t.From)) {
			return nil, fmt.Errorf("from: %s is allowed as a whole, and is not deleted as such", t.From)
		}
		return t.delete(ctx, run, m, t.From)
	})
}

// LocalMove moves a file or a directory.
type LocalMove struct {
	Machine
	FromTo
}

// Run moves it.
func (t *LocalMove) Run(ctx context.Context, run sdk.Run) (any, error) {
	return within(ctx, t.Machine, func(m tree) (any, error) {
		_, _, err := t.transfer(ctx, run, m, m.Rename, false)
		return nil, err
	})
}

// LocalCopy copies a file or a directory.
type LocalCopy struct {
	Machine
	FromTo
}

// Run copies it.
func (t *LocalCopy) Run(ctx context.Context, run sdk.Run) (any, error) {
	return within(ctx, t.Machine, func(m tree) (any, error) {
		_, _, err := t.transfer(ctx, run, m, func(from, to string) error { return copyFile(ctx, m, from, to) }, true)
		return nil, err
	})
}
