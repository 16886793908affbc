package fs

import (
	"context"
	"strings"

	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

// sftpTask describes a task; more are lines of its example.
func sftpTask(name, title, description, example, more string, outputs any, task func() any) plugin.Type {
	return plugin.Type{
		Name: area + "sftp." + name, Category: plugin.Task, Title: title, Description: description,
		Examples: []plugin.Example{{Title: example, YAML: "id: " + strings.ToLower(name) + "\ntype: " + area + "sftp." + name + `
host: files.example.com
username: shop
password: "{{ secret('SFTP_PASSWORD') }}"
` + more}},
		New: task, Outputs: outputs,
	}
}

func sftpTasks() []plugin.Type {
	return []plugin.Type{
		sftpTask("Upload", "Write a file to an SFTP server.", "Directories that lead to it are made. A file that cannot be written as a whole is removed again.",
			"A report", "from: \"{{ outputs.report.uri }}\"\nto: /out/report.csv", SFTPTransferred{}, func() any { return &SFTPUpload{} }),
		sftpTask("Uploads", "Write several files to an SFTP server.", "",
			"Two files", "from:\n  orders.csv: \"{{ outputs.orders.uri }}\"\n  items.csv: \"{{ outputs.items.uri }}\"\nto: /out/", UploadsOutput{}, func() any { return &SFTPUploads{} }),
		sftpTask("Download", "Read a file of an SFTP server.", "",
			"A file that has to be the right one", "from: /in/orders.csv\nvalidateChecksum: true\nchecksumExpected: \"{{ inputs.sha256 }}\"", SFTPDownloaded{}, func() any { return &SFTPDownload{} }),
		sftpTask("Downloads", "Read the files of a directory of an SFTP server.", "Once all are stored, they are moved or deleted, if that is wanted.",
			"All CSV", "from: /in/\nregExp: .*\\.csv\naction: MOVE\nmoveDirectory: /archive/", SFTPDownloadsOutput{}, func() any { return &SFTPDownloads{} }),
		sftpTask("List", "List the files of a directory of an SFTP server.", "Directories and links are not listed.",
			"The newest ones", "from: /in/\nsort: LAST_MODIFIED_DESC\nmaxFiles: 10", SFTPOutput{}, func() any { return &SFTPList{} }),
		sftpTask("Delete", "Delete a file or a directory of an SFTP server.", "With `regExp` the files of a directory that match are deleted, and the directory stays.",
			"A file", "uri: /in/orders.csv", DeleteOutput{}, func() any { return &SFTPDelete{} }),
		sftpTask("Move", "Move a file or a directory of an SFTP server.", "",
			"Into a directory", "from: /in/orders.csv\nto: /archive/", SFTPTransferred{}, func() any { return &SFTPMove{} }),
	}
}

// SFTPTransferred tells of a file that was written or moved.
type SFTPTransferred struct {
	From string `json:"from" doc:"Where it was."`
	To   string `json:"to" doc:"Where it is."`
}

// SFTPDownloaded tells of a file that was read.
type SFTPDownloaded struct {
	From     string `json:"from" doc:"The file on the server."`
	To       string `json:"to" doc:"The file in internal storage."`
	Checksum string `json:"checksum" doc:"Its checksum, in hexadecimal."`
}

// SFTPDownloadsOutput tells of files that were read.
type SFTPDownloadsOutput struct {
	SFTPOutput
	OutputFiles map[string]string `json:"outputFiles" doc:"The files in internal storage by their names; a file whose name another has, too, by its path."`
}

// SFTPUpload writes a file.
type SFTPUpload struct {
	Server
	UploadOne
}

// Run writes the file.
func (t *SFTPUpload) Run(ctx context.Context, run sdk.Run) (any, error) {
	return within(ctx, &t.Server, func(s tree) (any, error) {
		name, _, err := t.put(ctx, run, s)
		if err != nil {
			return nil, err
		}
		return SFTPTransferred{t.From, s.URI(name)}, nil
	})
}

// SFTPUploads writes several files.
type SFTPUploads struct {
	Server
	UploadMany
}

// Run writes the files.
func (t *SFTPUploads) Run(ctx context.Context, run sdk.Run) (any, error) {
	return within(ctx, &t.Server, func(s tree) (any, error) { return t.UploadMany.run(ctx, run, s) })
}

// SFTPDownload reads a file.
type SFTPDownload struct {
	Server
	From string `json:"from" required:"true" doc:"The file."`
	Checksum
}

// Run reads the file.
func (t *SFTPDownload) Run(ctx context.Context, run sdk.Run) (any, error) {
	return within(ctx, &t.Server, func(s tree) (any, error) {
		name := s.Name(t.From)
		uri, read, err := t.fetch(ctx, run, s, name)
		if err != nil {
			return nil, err
		}
		return SFTPDownloaded{s.URI(name), uri, read.hex()}, nil
	})
}

// SFTPDownloads reads the files of a directory.
type SFTPDownloads struct {
	Server
	DownloadMany
}

// Run reads the files.
func (t *SFTPDownloads) Run(ctx context.Context, run sdk.Run) (any, error) {
	return within(ctx, &t.Server, func(s tree) (any, error) {
		list, err := t.fetch(ctx, run, s)
		if err != nil {
			return nil, err
		}
		out := SFTPDownloadsOutput{SFTPOutput{[]SFTPFile{}}, map[string]string{}}
		for _, f := range list {
			out.Files = append(out.Files, sftpFile(f.uri, f.info))
			key := f.info.Name()
			if _, taken := out.OutputFiles[key]; taken {
				key = f.name
			}
			out.OutputFiles[key] = f.uri
		}
		return out, nil
	})
}

// SFTPList lists files.
type SFTPList struct {
	Server
	ListFiles
}

// Run lists the files.
func (t *SFTPList) Run(ctx context.Context, run sdk.Run) (any, error) {
	return within(ctx, &t.Server, func(s tree) (any, error) {
		list, err := t.list(ctx, run, s)
		out := SFTPOutput{[]SFTPFile{}}
		for _, f := range list {
			out.Files = append(out.Files, sftpFile(f.name, f.info))
		}
		return out, err
	})
}

// SFTPDelete deletes files.
type SFTPDelete struct {
	Server
	URI string `json:"uri" required:"true" doc:"The file or directory."`
	DeleteFiles
}

// Run deletes the files.
func (t *SFTPDelete) Run(ctx context.Context, run sdk.Run) (any, error) {
	return within(ctx, &t.Server, func(s tree) (any, error) { return t.delete(ctx, run, s, t.URI) })
}

// SFTPMove moves a file or a directory.
type SFTPMove struct {
	Server
	FromTo
}

// Run moves it.
func (t *SFTPMove) Run(ctx context.Context, run sdk.Run) (any, error) {
	return within(ctx, &t.Server, func(s tree) (any, error) {
		from, to, err := t.transfer(ctx, run, s, s.Rename, false)
		if err != nil {
			return nil, err
		}
		return SFTPTransferred{s.URI(from), s.URI(to)}, nil
	})
}
